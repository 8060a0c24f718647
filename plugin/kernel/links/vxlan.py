"""VXLAN devices: bridge ports that lead to other hosts (RFC 7348).

The device learns from arriving frames which container is behind which host.  Its identity in the
kernel (number, port, own address) cannot be changed on a device that is there.
"""

import errno
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from plugin.errors import KernelError, RefusedError
from plugin.kernel.handler import Session, name_of
from plugin.kernel.links import ownership, sysctls
from plugin.kernel.links.link_errors import NO_SUCH_KIND
from plugin.kernel.links.link_handler import LinkHandler
from plugin.kernel.links.reaper import Reaper
from plugin.kernel.netlink import link_messages as words
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink.link_messages import LinkChange, LinkInfo
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.links import OWNER_PREFIX
from plugin.model.network import IPAddress
from plugin.model.sysctls import Sysctl
from plugin.model.tunnels import Vxlan

_KIND: Final = "vxlan"
_NOWHERE: Final = ip_address(0)
_LOCAL: Final = {4: words.IFLA_VXLAN_LOCAL, 6: words.IFLA_VXLAN_LOCAL6}


class VxlanHandler(LinkHandler[Vxlan]):
    """Such devices, each a port of its network's bridge."""

    def __init__(self, reaper: Reaper, sysctl_root: Path) -> None:
        super().__init__(reaper)
        self._root = sysctl_root

    def make(self, rtnl: Rtnl, vxlan: Vxlan) -> None:
        """Make the device; use pynet's if it is there, or make it again if it has another identity.

        Raises RefusedError.
        """
        wanted = LinkChange(master=ownership.index_of(vxlan.master), mtu=vxlan.mtu, up=True)
        there = rtnl.link(vxlan.ifname)
        if there is not None:
            there = ownership.owned_link(rtnl, vxlan.ifname, vxlan.owner, _KIND)
            if _identity(there) == (vxlan.vni, vxlan.port, vxlan.local, True):
                sysctls.ensure(silence(vxlan), self._root)
                rtnl.change_link(there.index, replace(wanted, alias=OWNER_PREFIX + vxlan.owner))
                return
            rtnl.delete_link(there.index)
        made = replace(wanted, ifname=vxlan.ifname, group=ownership.GROUP_OURS, up=None)
        try:
            rtnl.add_link(_KIND, made, _data(vxlan))
            self._take_up(rtnl, vxlan)
        except RtnlError as error:
            refusal = _refusal(rtnl, vxlan, error)
            if refusal is not None:
                raise refusal from error
            raise

    def _take_up(self, rtnl: Rtnl, vxlan: Vxlan) -> None:
        """Only a device that is up has the UDP port; nothing stays of one that cannot have it."""
        index = ownership.index_of(vxlan.ifname)
        try:
            rtnl.change_link(index, LinkChange(alias=OWNER_PREFIX + vxlan.owner))
            sysctls.ensure(silence(vxlan), self._root)
            rtnl.change_link(index, LinkChange(up=True))
        except (RtnlError, KernelError):
            rtnl.delete_link(index)
            raise

    def read_one(self, session: Session, value: Vxlan) -> Vxlan | None:
        """The device as it is; one that does not learn, or may send itself, differs from any plan."""
        link = session.rtnl.link(value.ifname)
        if link is None:
            return None
        silent = silence(value)
        right = sysctls.read(silent, self._root) in (silent, None)
        return _as_vxlan(link, ownership.owner_if_right(link) if right else "")

    def read_all(self, session: Session) -> Iterable[Vxlan]:
        for link in session.look(ownership.OwnedLinks).of(_KIND):
            yield _as_vxlan(link, ownership.owner_of(link) or "")


def silence(vxlan: Vxlan) -> Sysctl:
    """Disable IPv6 on the device: with its own addresses it would send to containers of other hosts."""
    return Sysctl(name=f"net/ipv6/conf/{vxlan.ifname}/disable_ipv6", value="1")


def _data(vxlan: Vxlan) -> bytes:
    return (
        raw.attribute(words.IFLA_VXLAN_ID, raw.U32.pack(vxlan.vni))
        + raw.attribute(_LOCAL[vxlan.local.version], vxlan.local.packed)
        + raw.attribute(words.IFLA_VXLAN_LEARNING, b"\x01")
        + raw.attribute(words.IFLA_VXLAN_PORT, vxlan.port.to_bytes(2))
    )


def _identity(link: LinkInfo) -> tuple[int, int, IPAddress, bool]:
    """Number, port, own address, and whether it learns."""
    number = link.data.get(words.IFLA_VXLAN_ID)
    packed = link.data.get(words.IFLA_VXLAN_LOCAL) or link.data.get(words.IFLA_VXLAN_LOCAL6)
    return (
        raw.U32.unpack(number)[0] if number else 0,
        int.from_bytes(link.data.get(words.IFLA_VXLAN_PORT, b"")),
        ip_address(packed) if packed else _NOWHERE,
        any(link.data.get(words.IFLA_VXLAN_LEARNING, b"")),
    )


def _as_vxlan(link: LinkInfo, owner: str) -> Vxlan:
    vni, port, local, learning = _identity(link)
    return Vxlan(
        ifname=link.ifname,
        vni=vni,
        port=port,
        local=local,
        mtu=link.mtu,
        master=name_of(link.master),
        owner=owner if learning else "",
    )


def _refusal(rtnl: Rtnl, vxlan: Vxlan, error: RtnlError) -> RefusedError | None:
    """What the kernel's number means; None if it did not refuse, but failed."""
    if error.code == errno.EEXIST:
        other = _same_number(rtnl, vxlan)
        return RefusedError(
            f"vni {vxlan.vni} on port {vxlan.port} is in use on this host by {other}; choose another "
            "with -o vni=, the same on every host"
        )
    if error.code == errno.EADDRINUSE:
        return RefusedError(
            f"UDP port {vxlan.port} is in use on this host by something else ('ss -lunp' shows it); "
            "choose another with -o vxlan_port=, the same on every host"
        )
    if error.code in NO_SUCH_KIND:
        return RefusedError(
            f"this host's kernel makes no vxlan links ({error}); load its module: modprobe vxlan"
        )
    return None


def _same_number(rtnl: Rtnl, vxlan: Vxlan) -> str:
    """Who has it: a device may have been moved into a sandbox, and keep its number here."""
    for link in rtnl.links():
        if link.kind == _KIND and _identity(link)[:2] == (vxlan.vni, vxlan.port):
            return f"link {link.ifname}"
    return "a link in another network namespace (Docker's own overlay has such)"
