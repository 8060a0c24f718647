"""Links that encrypt what goes to other hosts, and the hosts that are their peers.

The kernel makes them where it can, and a process otherwise.  Keys are made of the host's secret
when they are needed: without the secret what is there is left as it is.
"""

import errno
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

from plugin.errors import KernelError, PynetError, RefusedError
from plugin.kernel.handler import OneByOne, Session
from plugin.kernel.links import ownership, sysctls
from plugin.kernel.links.link_errors import NO_SUCH_KIND
from plugin.kernel.links.link_handler import LinkHandler
from plugin.kernel.links.reaper import Reaper
from plugin.kernel.netlink.link_messages import IFA_F_NODAD, LinkChange, LinkInfo
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.kernel.wireguard import module, process
from plugin.kernel.wireguard.device import Device, DeviceState
from plugin.kernel.wireguard.keys import Keys
from plugin.kernel.wireguard.module import KernelDevices
from plugin.kernel.wireguard.process import ProcessDevices
from plugin.model.ids import IfName
from plugin.model.links import OWNER_PREFIX
from plugin.model.network import IPAddress, IPNetwork
from plugin.model.sysctls import Sysctl
from plugin.model.tunnels import WireGuard, WireGuardPeer

_KINDS: Final = (module.KIND, process.KIND)
_NOWHERE: Final = ip_address("::")
# What networks send is smaller, each as its hosts' links ask for: this is no bound for any.
MTU: Final = 32768
_PORT_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.01


class Devices:
    """Devices by their links."""

    def __init__(self) -> None:
        self.processes = ProcessDevices()
        self._by_kind: dict[str, Device] = {
            module.KIND: KernelDevices(),
            process.KIND: self.processes,
        }

    def of(self, link: LinkInfo) -> Device:
        """Who answers for a link of one of the kinds."""
        return self._by_kind[link.kind]

    def state(self, link: LinkInfo) -> DeviceState | None:
        """What a device has; None for another kind of link, and if it does not answer."""
        return self.of(link).read(link.ifname) if link.kind in self._by_kind else None


class WireGuardHandler(LinkHandler[WireGuard]):
    """Such links; several networks share one."""

    def __init__(self, reaper: Reaper, sysctl_root: Path, keys: Keys, devices: Devices) -> None:
        super().__init__(reaper)
        self._root = sysctl_root
        self._keys = keys
        self._devices = devices
        self._making = threading.Lock()

    def make(self, rtnl: Rtnl, wireguard: WireGuard) -> None:
        """Make the link, or set right what differs; one whose process has ended is made anew."""
        private_key = self._keys.private(wireguard.local)
        with self._making:
            there = rtnl.link(wireguard.ifname)
            if there is not None:
                there = ownership.owned_link(rtnl, wireguard.ifname, wireguard.owner, *_KINDS)
                if self._devices.state(there) is not None:
                    self._set_up(rtnl, there, wireguard, private_key)
                    return
                rtnl.delete_link(there.index)
            _refuse_taken_port(wireguard.port)
            try:
                self._set_up(rtnl, self._add(rtnl, wireguard.ifname), wireguard, private_key)
            except (RtnlError, PynetError):
                left = rtnl.link(wireguard.ifname)
                if left is not None:
                    rtnl.delete_link(left.index)
                raise

    def _add(self, rtnl: Rtnl, ifname: IfName) -> LinkInfo:
        try:
            rtnl.add_link(module.KIND, LinkChange(ifname=ifname, group=ownership.GROUP_OURS))
        except RtnlError as error:
            if error.code not in NO_SUCH_KIND:
                raise
            self._devices.processes.make(rtnl, ifname, ownership.GROUP_OURS)
        link = rtnl.link(ifname)
        if link is None:
            raise KernelError(f"link {ifname} went away while it was being made")
        return link

    def _set_up(self, rtnl: Rtnl, link: LinkInfo, wireguard: WireGuard, private_key: bytes) -> None:
        self._devices.of(link).set_key(link.ifname, private_key, wireguard.port)
        sysctls.ensure(ipv6_on(link.ifname), self._root)
        alias = OWNER_PREFIX + wireguard.owner
        rtnl.change_link(link.index, LinkChange(alias=alias, mtu=MTU, up=True))
        try:
            rtnl.add_address(
                link.index,
                wireguard.interface,
                flags=IFA_F_NODAD,
                protocol=ownership.ADDRESS_PROTOCOL,
            )
        except RtnlError as error:
            if error.code == errno.EOPNOTSUPP:
                raise RefusedError(
                    "option encrypted is true, which needs IPv6 on this host, and its kernel has none; "
                    "start it without ipv6.disable=1"
                ) from error
            if error.code != errno.EEXIST:
                raise

    def read_one(self, session: Session, value: WireGuard) -> WireGuard | None:
        """The link as it is; one with another key, port or address differs from any plan."""
        link = session.rtnl.link(value.ifname)
        if link is None or ownership.is_deleting(link):
            return None
        right = self._is_right(session.rtnl, link, value)
        return replace(value, owner=ownership.owner_if_right(link) if right else "")

    def _is_right(self, rtnl: Rtnl, link: LinkInfo, value: WireGuard) -> bool:
        state = self._devices.state(link)
        if state is None or state.port != value.port:
            return False
        if self._keys.known and state.private_key != self._keys.private(value.local):
            return False
        return any(each.address == value.interface.ip.packed for each in rtnl.addresses(link.index))

    def read_all(self, session: Session) -> Iterable[WireGuard]:
        """Of a link that nobody asks for its addresses do not matter."""
        for link in session.look(ownership.OwnedLinks).of(*_KINDS):
            owner = ownership.owner_of(link) or ""
            yield WireGuard(ifname=link.ifname, local=_NOWHERE, port=0, owner=owner)


class WireGuardPeerHandler(OneByOne[WireGuardPeer]):
    """The other hosts; they go with their link."""

    def __init__(self, keys: Keys, devices: Devices) -> None:
        self._keys = keys
        self._devices = devices

    def ensure_one(self, session: Session, value: WireGuardPeer) -> None:
        """Add the peer to the link; another peer that had its address loses it.

        Raises KernelError.
        """
        if value.endpoint is None:
            raise KernelError(f"the host of {value.inner} is unknown")
        public_key = self._keys.public(value.endpoint, value.public_key)
        link = session.rtnl.link(value.ifname)
        if link is None or link.kind not in _KINDS:
            raise KernelError(f"link {value.ifname} is not there; the next tick makes it")
        endpoint = (value.endpoint, value.port)
        self._devices.of(link).set_peer(link.ifname, public_key, endpoint, value.inner)

    def remove_one(self, session: Session, value: WireGuardPeer) -> None:
        link = session.rtnl.link(value.ifname)
        if link is None or not ownership.is_ours(link):
            return
        state = self._devices.state(link)
        for public_key, peer in state.peers.items() if state else ():
            if _speaks_from(peer.allowed) == value.inner:
                self._devices.of(link).remove_peer(link.ifname, public_key)

    def read(self, session: Session, values: Iterable[WireGuardPeer]) -> Iterable[WireGuardPeer]:
        """Each link's peers are read once."""
        states: dict[IfName, DeviceState | None] = {}
        for value in values:
            if value.ifname not in states:
                link = session.rtnl.link(value.ifname)
                states[value.ifname] = None if link is None else self._devices.state(link)
            if self._is_there(states[value.ifname], value):
                yield value

    def read_one(self, session: Session, value: WireGuardPeer) -> WireGuardPeer | None:
        return next(iter(self.read(session, [value])), None)

    def _is_there(self, state: DeviceState | None, value: WireGuardPeer) -> bool:
        if state is None or value.endpoint is None:
            return False
        only = {ip_network(value.inner)}
        if not self._keys.secret and not value.public_key:
            return any(each.allowed == only for each in state.peers.values())
        peer = state.peers.get(self._keys.public(value.endpoint, value.public_key))
        return peer is not None and peer.allowed == only

    def read_all(self, session: Session) -> Iterable[WireGuardPeer]:
        """Every peer of pynet's links: other programs must add none."""
        for link in session.look(ownership.OwnedLinks).of(*_KINDS):
            state = self._devices.state(link)
            for peer in state.peers.values() if state else ():
                yield WireGuardPeer(
                    ifname=link.ifname,
                    inner=_speaks_from(peer.allowed),
                    endpoint=peer.endpoint,
                    port=state.port if state else 0,
                )


def _speaks_from(allowed: frozenset[IPNetwork]) -> IPAddress:
    """The address that a peer is known by; one of a former secret has lost it to its successor."""
    whole = [each for each in allowed if each.prefixlen == each.max_prefixlen]
    return whole[0].network_address if len(allowed) == len(whole) == 1 else _NOWHERE


def ipv6_on(ifname: IfName) -> Sysctl:
    """Hosts that want no IPv6 have it off for every new link."""
    return Sysctl(name=f"net/ipv6/conf/{ifname}/disable_ipv6", value="0")


def _refuse_taken_port(port: int) -> None:
    """Of a process the failure would be seen in its log only; one that ends may still have it."""
    end = time.monotonic() + _PORT_SECONDS
    while _is_taken(port):
        if time.monotonic() > end:
            raise RefusedError(
                f"UDP port {port} is in use on this host by something else ('ss -lunp' shows it), or by "
                "encrypted networks of another address of this host; choose another with "
                "-o wireguard_port=, the same on every host"
            )
        time.sleep(_POLL_SECONDS)


def _is_taken(port: int) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind(("", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
    return False
