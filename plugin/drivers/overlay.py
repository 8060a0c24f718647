"""Overlay mode: a bridge on every host, and one more port on it that leads to the other hosts.

That port is a VXLAN device.  It learns behind which host a container is, and floods frames to unknown
receivers to all peers.  So a container's start, move and end need no message.

The gateway has the same IP address and MAC address on every host, and only the containers of
its own host receive its frames.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Final

from plugin.drivers.base import Driver, common_terms
from plugin.drivers.bridged.bound import BridgedNetwork
from plugin.drivers.bridged.options import ENDPOINT_GATEWAY, GATEWAY_CONTAINER, ICC, MTU
from plugin.drivers.bridged.options import ENDPOINT_OPTIONS as BRIDGE_ENDPOINT
from plugin.drivers.bridged.options import OPTIONS as BRIDGE_OPTIONS
from plugin.drivers.bridged.parsed import BridgeOptions
from plugin.drivers.encryption import (
    ENCRYPTED,
    WIREGUARD_PORT,
    check_encryption,
    encrypting_resources,
    inside,
    largest_encrypted,
)
from plugin.drivers.endpoint_mac import made_mac
from plugin.drivers.options import (
    MAX_PORT,
    Option,
    ip_address_text,
    listed,
    number_between,
)
from plugin.errors import InvalidOptionError
from plugin.model.addresses import Address
from plugin.model.facts import Fact
from plugin.model.ids import IfName, MacAddress, vxlan_name
from plugin.model.network import Endpoint, IPAddress, is_of_one_host
from plugin.model.plan import Plan
from plugin.model.resources import Resource
from plugin.model.spanning import EncryptedNetwork, OwnGateway, PeerHost, SpannedNetwork
from plugin.model.traffic import LinkRole, Role
from plugin.model.tunnels import Announcement, FloodEntry, Terms, Tunnel, Underlay, Vxlan

MAX_VNI: Final = (1 << 24) - 1  # RFC 7348 section 5
VXLAN_PORT: Final = 4789  # IANA
# Ethernet, VXLAN, UDP and IP headers around what containers send (RFC 7348 section 5).
OVERHEAD: Final = {4: 50, 6: 70}


def _hosts(text: str) -> tuple[IPAddress, ...]:
    """Addresses of one family, each once, that one host can have."""
    found = listed(",", ip_address_text)(text)
    odd = not all(map(is_of_one_host, found))
    if odd or len(set(found)) < len(found) or len({each.version for each in found}) > 1:
        raise ValueError(text)
    return found


PEERS: Final[Option[tuple[IPAddress, ...]]] = Option(
    name="peers",
    parse=_hosts,
    default=(),
    expected="addresses of hosts, of one family and each once, with ',' between",
    meaning="Addresses of the hosts that the network is on, this one's own among them: the same "
    "list on every host.",
)
VNI: Final[Option[int | None]] = Option(
    name="vni",
    parse=number_between(1, MAX_VNI),
    default=None,
    expected=f"a number from 1 to {MAX_VNI}",
    meaning="Number of the network on the wire between hosts, the same on every host. Default: "
    "made from the network's subnets.",
)
PORT: Final = Option(
    name="vxlan_port",
    parse=number_between(1, MAX_PORT),
    default=VXLAN_PORT,
    expected=f"a port from 1 to {MAX_PORT}",
    meaning="UDP port that hosts send to each other on, the same on every host.",
)


def _for_overlay(option: Option[Any]) -> Option[Any]:
    if option is not MTU:
        return option
    return replace(
        option,
        meaning="MTU of the bridge and of the containers' links, at most the default: that of the "
        f"link with the host's own address among `peers`, less {OVERHEAD[4]} bytes if that address is "
        f"IPv4, and {OVERHEAD[6]} if it is IPv6; with `encrypted` 130 and 150, and up to 15 more.",
    )


# Hosts that do not have the container would answer in the gateway's place, each for itself.
_NOT_HERE: Final = (GATEWAY_CONTAINER, ENDPOINT_GATEWAY)
OPTIONS: Final[tuple[Option[Any], ...]] = (
    *(PEERS, VNI, PORT, ENCRYPTED, WIREGUARD_PORT),
    *(_for_overlay(option) for option in BRIDGE_OPTIONS if option not in _NOT_HERE),
)

ENDPOINT_OPTIONS: Final[tuple[Option[Any], ...]] = tuple(
    option for option in BRIDGE_ENDPOINT if option not in _NOT_HERE
)


class OverlayOptions(BridgeOptions):
    """Those of a bridge, where hosts must agree."""

    @property
    def named_bridge(self) -> IfName | None:
        """The name is for the network's own bridge: one with others on it would join them all."""
        return None

    @property
    def identity(self) -> str:
        """The network's number, because its id differs on each host."""
        return f"vni/{self.vni}"

    @cached_property
    def vni(self) -> int:
        """The number that the user chose, that hosts agreed on, or that they make alike of the same subnets."""
        chosen = self[VNI] or self.network.vni
        if chosen is not None:
            return chosen
        subnets = ",".join(sorted(str(pool.prefix) for pool in self.network.pools))
        return 1 + int.from_bytes(hashlib.sha256(subnets.encode()).digest()[:8]) % MAX_VNI

    @cached_property
    def tunnel(self) -> Tunnel:
        """What distinguishes the network's datagrams from those of others."""
        return Tunnel(vni=self.vni, port=self[PORT])


class OverlayNetwork(BridgedNetwork):
    """A network on several hosts."""

    endpoint_options: ClassVar[tuple[Option[Any], ...]] = ENDPOINT_OPTIONS

    @cached_property
    def bridge_options(self) -> OverlayOptions:
        return OverlayOptions(self.network, self.options)

    def check_options(self) -> None:
        super().check_options()
        self._refuse_peers_inside()
        check_encryption(self.options)

    def _refuse_peers_inside(self) -> None:
        """Peers are reached past the network, and not in it."""
        for peer in self.options[PEERS]:
            if any(peer in subnet for subnet in self.host_subnets()):
                raise InvalidOptionError(
                    PEERS.name, peer, "addresses of hosts, outside of the network's own subnets"
                )

    def hosts(self) -> tuple[IPAddress, ...]:
        return self.options[PEERS]

    def is_encrypted(self) -> bool:
        return self.options[ENCRYPTED]

    def tunnel(self) -> Tunnel:
        return self.bridge_options.tunnel

    def terms(self) -> Terms:
        options = self.options
        alike = {
            PORT.name: str(options[PORT]),
            ENCRYPTED.name: str(options[ENCRYPTED]).lower(),
            MTU.name: str(options[MTU] or "default"),
        }
        if options[ENCRYPTED]:
            alike[WIREGUARD_PORT.name] = str(options[WIREGUARD_PORT])
        common = common_terms(self, OVERLAY.mode) | alike
        common.pop(VNI.name, None)  # a number of which each has one, chosen or not
        return Terms(options=common, vni=options[VNI])

    def check_underlay(self, underlay: Underlay) -> int:
        most = (
            largest_encrypted(underlay)
            if self.options[ENCRYPTED]
            else underlay.mtu - OVERHEAD[underlay.local.version]
        )
        size = self.options[MTU]
        if size > most:
            raise InvalidOptionError(
                MTU.name,
                size,
                f"at most {most} bytes: the link that has {underlay.local} carries {underlay.mtu}, and "
                f"{underlay.mtu - most} of them go around each packet",
            )
        return most

    def network_plan(self) -> Plan:
        bridge = super().network_plan()
        return bridge | Plan(resources=self._tunnel_resources() | self._gateways(bridge))

    def mac_address(self, endpoint: Endpoint) -> MacAddress:
        """The same for an address on every host, so that its neighbours need not learn another."""
        network = replace(self.network, announced=False)
        return made_mac(network, endpoint, self.bridge_options.identity)

    def announcement(self, endpoint: Endpoint) -> Announcement | None:
        return Announcement(
            tunnel=vxlan_name(self.network.id),
            mac_address=endpoint.mac_address,
            interfaces=endpoint.interfaces,
        )

    def _gateways(self, bridge: Plan) -> frozenset[Resource]:
        """The addresses that every host has there."""
        link = vxlan_name(self.network.id)
        return frozenset(
            OwnGateway(link=link, address=each.interface.ip)
            for each in bridge.resources
            if isinstance(each, Address) and self.network.local is not None
        )

    def _tunnel_resources(self) -> frozenset[Resource]:
        network, options = self.network, self.bridge_options
        local = inside(network.local, self.options)
        if network.local is None or local is None:
            return frozenset()  # this host's address is not known yet: the network is being checked
        device = Vxlan(
            ifname=vxlan_name(network.id),
            vni=options.vni,
            port=options.tunnel.port,
            local=local,
            mtu=options.mtu,
            master=options.bridge,
            owner=network.id,
        )
        where = {peer: inside(peer, self.options) for peer in network.peers}
        idle = frozenset(network.idle_peers)
        peers = [each for each in where.values() if each]
        # A peer without the network needs no copies, and may have it before this host hears of that.
        floods = {
            FloodEntry(ifname=device.ifname, peer=each)
            for peer, each in where.items()
            if each and peer not in idle
        }
        guards = _guards(peers, device)
        if self.options[ENCRYPTED]:
            guards.add(EncryptedNetwork(port=device.port, vni=device.vni))
        if not options[ICC]:
            guards.add(LinkRole(link=device.ifname, role=Role.SEPARATE))
        links = encrypting_resources(network, network.local, self.options)
        return frozenset({device, *floods, *guards, *links})


def _guards(peers: Iterable[IPAddress], device: Vxlan) -> set[Fact]:
    """Accept datagrams of peers only, and isolate the gateway from other hosts."""
    port, vni = device.port, device.vni
    return {
        LinkRole(link=device.ifname, role=Role.TUNNEL),
        SpannedNetwork(port=port, vni=vni),
        *(PeerHost(address=peer, port=port, vni=vni) for peer in peers),
    }


OVERLAY: Final = Driver(
    mode="overlay",
    options=OPTIONS,
    endpoint_options=ENDPOINT_OPTIONS,
    bind=OverlayNetwork,
)
