"""A bridge of the host's, which a packet enters by a port, or from the host's own routing."""

from typing import Final, Protocol

from plugin.trace.hooks import Connection, Hooks, Passage
from plugin.trace.journal import Journal
from plugin.trace.namespace import Link, Route
from plugin.trace.packet import IPAddress, Packet, Verdict
from plugin.trace.places import Node, Places

_ROUTED: Final = 0  # linux/netfilter_bridge.h, NF_BR_PRI_BRNF: where br_netfilter calls IP's hooks
_HIGHEST: Final = 2**31
_CONTAINERS: Final = ("veth",)
_NOBODY: Final = "see 'docker network inspect' for who is on the network, or 'pynet check'"


class Walker(Protocol):
    """What bridges need of the walk."""

    places: Places
    journal: Journal

    def hooks(self, node: Node) -> Hooks:
        """The hooks of a node."""

    def judged(self, node: Node, passage: Passage, packet: Packet) -> None:
        """Write down what rules did."""

    def routed(self, node: Node, hook: str, packet: Packet, connection: Connection | None) -> None:
        """The rules of a hook."""

    def connection(self, node: Node, packet: Packet) -> Connection | None:
        """What conntrack remembers."""

    def settle(self, packet: Packet, connection: Connection | None) -> None:
        """Remember how the packet leaves."""

    def route_in(self, node: Node, link: Link, packet: Packet, *, seen: bool = False) -> None:
        """What came by a link."""

    def receive(self, node: Node, link: Link, packet: Packet, next_hop: IPAddress) -> None:
        """In by a link."""

    def leaves(self, node: Node, link: Link, packet: Packet, next_hop: IPAddress) -> None:
        """End the walk."""

    def emit(
        self, node: Node, route: Route, packet: Packet, connection: Connection | None = None
    ) -> None:
        """Out of a link."""


class Bridges:
    """The bridges of the host."""

    def __init__(self, walk: Walker) -> None:
        self._walk = walk

    def into(self, host: Node, port: Link, packet: Packet, next_hop: IPAddress) -> None:
        """By a port."""
        walk = self._walk
        bridge = host.namespace.links[port.master]
        if bridge.vlans:
            walk.journal.end(
                Verdict.UNKNOWN,
                str(host),
                f"{bridge.name} sorts by VLAN, which a trace does not read",
            )
        packet.iif, packet.iif_kind, packet.oif, packet.oif_kind = port.name, port.kind, "", ""
        packet.bridge = bridge.name
        self._bridged(host, "prerouting", packet)
        walk.journal.note(str(host), f"{bridge.name} gets it from {port.name}")
        shown = self._is_shown(host, bridge, packet)
        up = self._is_for_host(host, bridge, packet, next_hop)
        if shown:
            connection = walk.connection(host, packet)
            packet.iif, packet.iif_kind, packet.physin = bridge.name, bridge.kind, port.name
            asked = packet.destination
            walk.routed(host, "prerouting", packet, connection)
            if up and packet.destination != asked:
                route = host.namespace.route(packet.destination, mark=packet.mark)
                # br_nf_pre_routing_finish: translated to a neighbour, it is bridged and not routed
                if route.link == bridge.name and route.kind == "unicast":
                    up, next_hop = False, packet.destination
                    packet.source_mac = bridge.mac
        else:
            connection = None
        if up:
            # In the bridge's own chain it is still on the port.
            packet.iif, packet.iif_kind = port.name, port.kind
            self._bridged(host, "input", packet)
            packet.iif, packet.iif_kind, packet.bridge = bridge.name, bridge.kind, ""
            self._go_up(host, bridge, packet, connection, seen=shown)
            return
        self._between(host, bridge, port, packet, next_hop, connection)

    def out(self, host: Node, bridge: Link, packet: Packet, next_hop: IPAddress) -> None:
        """From the host's routing, by whichever port leads to the next hop."""
        port = self._port_to(host, bridge, next_hop, packet)
        packet.bridge, packet.source_mac = bridge.name, bridge.mac
        packet.iif, packet.iif_kind, packet.oif, packet.oif_kind = "", "", port.name, port.kind
        self._bridged(host, "output", packet)
        self._bridged(host, "postrouting", packet)
        self._cross(host, port, packet, next_hop)

    def _go_up(
        self, host: Node, bridge: Link, packet: Packet, connection: Connection | None, *, seen: bool
    ) -> None:
        packet.physin = ""
        self._walk.route_in(host, bridge, packet, seen=seen)

    def _between(
        self,
        host: Node,
        bridge: Link,
        port: Link,
        packet: Packet,
        next_hop: IPAddress,
        connection: Connection | None,
    ) -> None:
        walk = self._walk
        out = self._port_to(host, bridge, next_hop, packet)
        self._check_ports(host, port, out)
        packet.iif, packet.iif_kind, packet.oif, packet.oif_kind = (
            *(port.name, port.kind),
            *(out.name, out.kind),
        )
        self._bridged(host, "forward", packet, last=_ROUTED)
        if connection is not None:
            self._as_routed(bridge, packet, port, out)
            walk.routed(host, "forward", packet, connection)
            packet.iif, packet.oif = port.name, out.name
            packet.iif_kind, packet.oif_kind = port.kind, out.kind
        self._bridged(host, "forward", packet, first=_ROUTED)
        self._bridged(host, "postrouting", packet, last=_ROUTED)
        if connection is not None:
            self._as_routed(bridge, packet, port, out)
            walk.routed(host, "postrouting", packet, connection)
            walk.settle(packet, connection)
        self._cross(host, out, packet, next_hop)

    def _as_routed(self, bridge: Link, packet: Packet, port: Link, out: Link) -> None:
        packet.iif = packet.oif = bridge.name
        packet.iif_kind = packet.oif_kind = bridge.kind
        packet.physin, packet.physout = port.name, out.name

    def _check_ports(self, host: Node, port: Link, out: Link) -> None:
        if port.name == out.name and not port.hairpin:
            self._walk.journal.end(
                Verdict.DROPPED,
                str(host),
                f"{port.name} sends nothing back to its own container (hairpin is off)",
                remedy="ask at the container's own address",
            )
        if port.isolated and out.isolated:
            self._walk.journal.end(
                Verdict.DROPPED,
                str(host),
                f"{port.name} and {out.name} are isolated ports, which the bridge keeps apart",
                remedy="bridge link set dev PORT isolated off",
            )

    def _bridged(
        self, host: Node, hook: str, packet: Packet, first: int = -_HIGHEST, last: int = _HIGHEST
    ) -> None:
        passage = self._walk.hooks(host).bridge(hook, packet, first, last)
        self._walk.judged(host, passage, packet)

    def _is_shown(self, host: Node, bridge: Link, packet: Packet) -> bool:
        """Whether br_netfilter calls the hooks of routed packets for this bridge's."""
        family = "ip6" if packet.version == 6 else "ip"
        switch = host.namespace.switch(f"bridge/bridge-nf-call-{family}tables")
        return switch is not None and (switch != "0" or bridge.filtered)

    def _is_for_host(self, host: Node, bridge: Link, packet: Packet, next_hop: IPAddress) -> bool:
        """By the hardware address, if the sender knows one; else by whose the next hop is."""
        if packet.destination_mac is not None:
            return packet.destination_mac == bridge.mac
        return host.namespace.kind_of(next_hop) == "local"

    def _port_to(self, host: Node, bridge: Link, next_hop: IPAddress, packet: Packet) -> Link:
        walk = self._walk
        ports = [each for each in host.namespace.links.values() if each.master == bridge.name]
        for node in walk.places.with_address(next_hop):
            for port in ports:
                if node.link_to(port) is not None:
                    return port
        others = [each for each in ports if each.kind not in _CONTAINERS]
        if others:
            walk.leaves(host, others[0], packet, next_hop)
        walk.journal.end(
            Verdict.UNREACHABLE,
            str(host),
            f"no container on {bridge.name} has {next_hop}",
            remedy=_NOBODY,
        )
        raise AssertionError  # pragma: no cover

    def _cross(self, host: Node, port: Link, packet: Packet, next_hop: IPAddress) -> None:
        packet.bridge = packet.physin = packet.physout = ""
        found = self._walk.places.behind(port, next_hop)
        if found is None:  # no port is chosen that leads to no container
            self._walk.leaves(host, port, packet, next_hop)
        else:
            self._walk.receive(found[0], found[1], packet, next_hop)
