"""Walks a packet through the host as the kernel would, and its answer back.

The kernel itself is asked for routes.  What it does between them is written here: bridges
(net/bridge/br_input.c, br_forward.c, br_netfilter_hooks.c), routing (net/ipv4/ip_input.c,
ip_forward.c, ip_output.c and their like in net/ipv6), and links from one namespace to another.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from plugin.trace import arrival, ways
from plugin.trace.bridges import Bridges
from plugin.trace.hooks import Connection, Hooks, Passage
from plugin.trace.journal import Journal, Over
from plugin.trace.namespace import Link, Route
from plugin.trace.packet import EPHEMERAL, ESTABLISHED, NEW, Course, IPAddress, Packet, Verdict
from plugin.trace.parents import Parents
from plugin.trace.places import Node, Places

_MANY: Final = 64  # steps: a packet that goes in circles is dropped, when its time to live is over


class Walk:
    """One trace."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.journal = Journal()
        self._connections: dict[Node, list[Connection]] = defaultdict(list)
        self._hooks: dict[Node, Hooks] = {}
        self._bridges = Bridges(self)
        self._parents = Parents(self)
        self._steps = 0
        self.asked: Packet | None = None  # the packet as it was sent first
        self._outside = False  # the answer goes to a machine that is not on this host

    def from_node(self, node: Node, packet: Packet) -> Course:
        """The course of what a node sends."""
        return self._course(lambda: self.send(node, packet))

    def from_outside(self, packet: Packet) -> Course:
        """The course of what comes to the host from a machine that it reaches by some link."""
        self._outside = True
        self.asked = replace(packet)
        return self._course(lambda: self._come_in(packet))

    def _come_in(self, packet: Packet) -> None:
        host = self.places.host
        route = host.namespace.route(packet.source)
        if route.fault or route.kind != "unicast":
            self.journal.end(
                Verdict.UNREACHABLE, str(host), f"no link leads to {packet.source}: {route.fault}"
            )
        link = host.namespace.links[route.link]
        child = self._parents.child_with(link, packet.destination)
        self.receive(*(child or (host, link)), packet, packet.destination)

    def _course(self, start: Callable[[], None]) -> Course:
        try:
            start()
        except Over as over:
            return self.journal.course(over)
        raise AssertionError("a walk ends")  # pragma: no cover

    def hooks(self, node: Node) -> Hooks:
        """The hooks of a node."""
        if node not in self._hooks:
            self._hooks[node] = Hooks(node.namespace)
        return self._hooks[node]

    def send(self, node: Node, packet: Packet) -> None:
        """A node's own packet: its route, its rules, its link."""
        self._step(node)
        route = node.namespace.route(packet.destination, mark=packet.mark)
        ways.check(self.journal, node, route, packet)
        if packet.source.is_unspecified and route.source is not None:
            packet.source = route.source
        self.asked = self.asked or replace(packet)
        connection = self._connection(node, packet)
        ways.leave(packet, route, node)
        self.journal.note(str(node), f"{packet} by {ways.text(route)}")
        before = (packet.destination, packet.mark)
        self.routed(node, "output", packet, connection)
        if (packet.destination, packet.mark) != before:  # ip_route_me_harder
            route = node.namespace.route(packet.destination, packet.source, packet.mark)
            ways.check(self.journal, node, route, packet)
            ways.leave(packet, route, node)
        self._post(node, packet, connection)
        self.emit(node, route, packet, connection)

    def emit(
        self, node: Node, route: Route, packet: Packet, connection: Connection | None = None
    ) -> None:
        """Out of a link of the node's."""
        self._step(node)
        if route.kind == "local" or route.link == "lo":
            self._loop(node, packet, connection)
            return
        link = node.namespace.links[route.link]
        next_hop = route.via or packet.destination
        if not link.up or not link.carrier:
            state = "is down" if not link.up else "has no carrier"
            self.journal.end(
                Verdict.DROPPED, str(node), f"{link.name} {state}", remedy=arrival.LINK_DOWN
            )
        if link.kind == "bridge":
            self._bridges.out(node, link, packet, next_hop)
        elif self._parents.is_child(link):
            self._parents.out(node, link, packet, next_hop)
        else:
            self.across(node, link, packet, next_hop)

    def across(self, node: Node, link: Link, packet: Packet, next_hop: IPAddress) -> None:
        """Over a pair of links into the other namespace; or out of this host's sight."""
        packet.source_mac = link.mac
        if link.kind == "veth" and node is not self.places.host:
            other = self.places.host.link_to(link)
            if other is not None:
                packet.destination_mac = node.namespace.neighbour(next_hop, link.name)
                self.receive(self.places.host, other, packet, next_hop)
                return
        if link.kind == "veth":
            found = self.places.behind(link, next_hop) or self.places.behind(
                link, packet.destination
            )
            if found is not None:
                self.receive(found[0], found[1], packet, next_hop)
                return
        self._parents.check_parent(node, link, next_hop)
        self.leaves(node, link, packet, next_hop)

    def leaves(self, node: Node, link: Link, packet: Packet, next_hop: IPAddress) -> None:
        """Ends the walk: what follows is not on this host."""
        gateway = "" if next_hop == packet.destination else f" to the gateway {next_hop}"
        missed = self.places.bridged(packet.destination) if node is self.places.host else None
        if missed is not None and packet.state != ESTABLISHED:
            self.journal.end(
                Verdict.UNREACHABLE,
                str(node),
                f"{packet} leaves the host by {link.name}{gateway}, and not by {missed[1].master or missed[1].name}, where "
                f"{missed[0]} is",
                remedy=arrival.OTHER_WAY,
            )
        ended = Verdict.REACHED if self._outside and packet.state == ESTABLISHED else Verdict.LEAVES
        self.journal.end(
            ended, str(node), f"{packet} leaves the host by {link.name}{gateway}", ok=True
        )

    def receive(self, node: Node, link: Link, packet: Packet, next_hop: IPAddress) -> None:
        """In by a link: to its bridge, or to this node's routing."""
        self._step(node)
        if not link.up:
            self.journal.end(
                Verdict.DROPPED, str(node), f"{link.name} is down", remedy=arrival.LINK_DOWN
            )
        if link.master and link.master in node.namespace.links:
            self._bridges.into(node, link, packet, next_hop)
        else:
            self.route_in(node, link, packet)

    def route_in(self, node: Node, link: Link, packet: Packet, *, seen: bool = False) -> None:
        """What came by a link: for this node, or to be forwarded."""
        self._step(node)
        if packet.version == 6 and node.namespace.is_deaf(link.name):
            self.journal.end(
                Verdict.DROPPED,
                str(node),
                f"IPv6 is switched off on {link.name}",
                remedy=arrival.IPV6_OFF,
            )
        connection = self._connection(node, packet)
        if not seen:
            packet.iif, packet.iif_kind = link.name, link.kind
            packet.oif, packet.oif_kind = "", ""
            self.routed(node, "prerouting", packet, connection)
        route = node.namespace.route_in(packet)
        if route.fault:
            ways.refuse(self.journal, node, route, packet)
        if route.kind == "local":
            self.routed(node, "input", packet, connection)
            self._settle(packet, connection)
            self._deliver(node, packet)
            return
        self._forward(node, route, packet, connection)

    def _forward(
        self, node: Node, route: Route, packet: Packet, connection: Connection | None
    ) -> None:
        if packet.version == 6 and node.namespace.switch("ipv6/conf/all/forwarding") == "0":
            self.journal.end(
                Verdict.DROPPED, str(node), "IPv6 is not forwarded", remedy=arrival.FORWARDING_OFF
            )
        ways.check_kind(self.journal, node, route, packet)
        ways.leave(packet, route, node)
        self.journal.note(
            str(node), f"{packet} is forwarded from {packet.iif} to {ways.text(route)}"
        )
        self.routed(node, "forward", packet, connection)
        self._post(node, packet, connection)
        self.emit(node, route, packet, connection)

    def _loop(self, node: Node, packet: Packet, connection: Connection | None) -> None:
        """By the loopback: conntrack has seen the packet, and does not translate it again."""
        packet.iif, packet.iif_kind, packet.oif, packet.oif_kind = "lo", "loopback", "", ""
        self.routed(node, "prerouting", packet, None, translate=False)
        self.routed(node, "input", packet, None, translate=False)
        self._settle(packet, connection)
        self._deliver(node, packet)

    def _deliver(self, node: Node, packet: Packet) -> None:
        """To a socket, and then the answer, or on to where the socket's program carries it."""
        if packet.state == ESTABLISHED:
            self.journal.note(str(node), "the answer arrives")
            raise Over(Verdict.REACHED)
        onward = arrival.onward(self.places, node, packet, self.journal)
        answer = Packet(
            source=packet.destination,
            destination=packet.source,
            protocol=packet.protocol,
            sport=packet.dport,
            dport=packet.sport,
            state=ESTABLISHED,
            dnat=packet.dnat,
            snat=packet.snat,
        )
        try:
            self.send(node, answer)
        except Over as over:
            if onward is None or over.verdict is not Verdict.REACHED:
                raise
        self._outside = False
        source = node.namespace.route(onward[0]).source if onward else None
        if onward is None or source is None:
            raise Over(Verdict.UNREACHABLE)
        again = replace(packet, source=source, destination=onward[0], dport=onward[1], state=NEW)
        again = replace(again, sport=EPHEMERAL, mark=0, dnat=False, snat=False, iif="", iif_kind="")
        self.send(node, again)

    def routed(
        self,
        node: Node,
        hook: str,
        packet: Packet,
        connection: Connection | None,
        *,
        translate: bool = True,
    ) -> None:
        """The rules of a hook."""
        passage = self.hooks(node).routed(hook, packet, connection, translate=translate)
        self.judged(node, passage, packet)

    def judged(self, node: Node, passage: Passage, packet: Packet) -> None:
        """Write down what rules did; a packet that they dropped ends here."""
        self.journal.judged(node, passage, packet)

    def _post(self, node: Node, packet: Packet, connection: Connection | None) -> None:
        self.routed(node, "postrouting", packet, connection)
        self._settle(packet, connection)

    def connection(self, node: Node, packet: Packet) -> Connection | None:
        """For bridges, which translate before anything is routed."""
        return self._connection(node, packet)

    def settle(self, packet: Packet, connection: Connection | None) -> None:
        """Remember how the packet leaves."""
        self._settle(packet, connection)

    def _connection(self, node: Node, packet: Packet) -> Connection | None:
        if packet.state == ESTABLISHED:
            known = self._connections[node]
            return next((each for each in known if each.is_answered_by(packet)), None)
        made = Connection(
            source=packet.source,
            destination=packet.destination,
            dport=packet.dport,
            translated_source=packet.source,
            translated_destination=packet.destination,
            translated_dport=packet.dport,
        )
        self._connections[node].insert(0, made)
        return made

    def _settle(self, packet: Packet, connection: Connection | None) -> None:
        if packet.state != ESTABLISHED and connection is not None:
            connection.translated_source = packet.source
            connection.translated_destination = packet.destination
            connection.translated_dport = packet.dport

    def _step(self, node: Node) -> None:
        self._steps += 1
        if self._steps > _MANY:
            self.journal.end(Verdict.DROPPED, str(node), "the packet goes in circles")
