"""The host's link on a parent.

The kernel isolates the parent from the links on it, but not those links from each other.  So the
host reaches the containers on the parent by this link.
"""

import errno
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from plugin.kernel.handler import Session, name_of
from plugin.kernel.links import ownership, sysctls
from plugin.kernel.links.link_errors import child_refusal
from plugin.kernel.links.link_handler import LinkHandler
from plugin.kernel.links.reaper import Reaper
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink.link_messages import (
    IFLA_IPVLAN_FLAGS,
    IFLA_IPVLAN_MODE,
    IFLA_MACVLAN_MODE,
    LinkChange,
    LinkInfo,
)
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.links import OWNER_PREFIX, IpvlanFlag, MacvlanMode, Shim
from plugin.model.sysctls import Sysctl


class ShimHandler(LinkHandler[Shim]):
    """The host's links on the parents of networks."""

    def __init__(self, reaper: Reaper, sysctl_root: Path) -> None:
        super().__init__(reaper)
        self._root = sysctl_root

    def make(self, rtnl: Rtnl, shim: Shim) -> None:
        """Make the link, and bring it up after its settings are made: a router advertisement may come first.

        Raises RefusedError.
        """
        wanted = LinkChange(mtu=shim.mtu, mac_address=shim.mac_address)
        kind, data = _kind(shim)
        parent = ownership.index_of(shim.parent)
        made = replace(wanted, ifname=shim.ifname, parent=parent, group=ownership.GROUP_OURS)
        try:
            rtnl.add_link(kind, made, data)
        except RtnlError as error:
            refusal = child_refusal(rtnl, kind, shim.parent, shim.mtu, error)
            if refusal is not None:
                raise refusal from error
            if error.code != errno.EEXIST:
                raise
            link = ownership.owned_link(rtnl, shim.ifname, shim.owner, kind)
            if link.parent == parent:
                rtnl.change_link(link.index, wanted)
            else:
                # Two parents swapped their names; no other link is on a shim.
                rtnl.delete_link(link.index)
                rtnl.add_link(kind, made, data)
        for setting in settings_of(shim):
            sysctls.ensure(setting, self._root)
        up = LinkChange(up=True, alias=OWNER_PREFIX + shim.owner)
        rtnl.change_link(ownership.index_of(shim.ifname), up)

    def read_one(self, session: Session, value: Shim) -> Shim | None:
        """The link as it is; one without its settings differs from any plan."""
        link = session.link(value.ifname)
        if link is None or ownership.is_deleting(link):
            return None
        settings = settings_of(value)
        right = all(sysctls.read(each, self._root) in (each, None) for each in settings)
        return replace(
            _as_shim(link),
            mac_address=link.mac_address if value.mac_address else None,
            mtu=None if value.mtu is None else link.mtu,
            ipv6=value.ipv6,
            ipvlan_mode=value.ipvlan_mode,
            owner=ownership.owner_if_right(link) if right else "",
        )

    def read_all(self, session: Session) -> Iterable[Shim]:
        owned = session.look(ownership.OwnedLinks)
        return map(_as_shim, owned.of_networks("macvlan", "ipvlan"))


def _as_shim(link: LinkInfo) -> Shim:
    """A shim, with what the link shows."""
    return Shim(
        ifname=link.ifname,
        parent=name_of(link.parent),
        mac_address=link.mac_address,
        mtu=link.mtu,
        ipv6=False,
        owner=ownership.owner_of(link) or "",
    )


def _kind(shim: Shim) -> tuple[str, bytes]:
    """The kind of link, and its mode: bridge, the only one in which it reaches its neighbours."""
    if shim.ipvlan_mode is None:
        return "macvlan", raw.attribute(IFLA_MACVLAN_MODE, raw.U32.pack(MacvlanMode.BRIDGE))
    mode = raw.attribute(IFLA_IPVLAN_MODE, raw.U16.pack(shim.ipvlan_mode))
    return "ipvlan", mode + raw.attribute(IFLA_IPVLAN_FLAGS, raw.U16.pack(IpvlanFlag.BRIDGE))


def settings_of(shim: Shim) -> list[Sysctl]:
    """What the link has before it is up."""
    conf4, conf6 = (f"net/{family}/conf/{shim.ifname}" for family in ("ipv4", "ipv6"))
    settings = [
        Sysctl(name=f"{conf4}/arp_filter", value="1"),
        Sysctl(name=f"{conf6}/accept_ra", value="0"),
        Sysctl(name=f"{conf6}/accept_dad", value="0"),
        Sysctl(name=f"{conf6}/disable_ipv6", value="0" if shim.ipv6 else "1"),
    ]
    if shim.ipvlan_mode is not None:
        # A container that got an answer for the parent's addresses would reach them by the shim.
        settings.append(Sysctl(name=f"{conf4}/arp_ignore", value="1"))
    return settings
