"""Routes in words, and those that lead nowhere."""

from typing import Final

from plugin.trace import arrival
from plugin.trace.journal import Journal
from plugin.trace.namespace import Route
from plugin.trace.packet import Packet, Verdict
from plugin.trace.places import Node

# What the kernel answers to a question for a route, and what it means.
_FAULTS: Final = {
    "Invalid cross-device link": "the answer would leave by another link (rp_filter)",
    "Invalid argument": "the kernel does not accept this source or destination from there",
    "No route to host": "the kernel has no way there, or does not forward (net.ipv4.ip_forward)",
    "Network is unreachable": "there is no route",
}
_STRICT: Final = "Invalid cross-device link"  # some kernels say "Invalid argument"
_SILENT: Final = (_STRICT, "Invalid argument")
_NOWHERE: Final = ("unreachable", "prohibit", "blackhole", "throw", "broadcast", "multicast")


def text(route: Route) -> str:
    """The link, and the gateway if there is one."""
    if route.kind == "local":
        return "lo"
    return route.link if route.via is None else f"{route.link} via {route.via}"


def leave(packet: Packet, route: Route, node: Node) -> None:
    """Have the packet go out of the route's link, as rules see it."""
    packet.oif = "lo" if route.kind == "local" else route.link
    link = node.namespace.links.get(packet.oif)
    packet.oif_kind = "" if link is None else link.kind


def check(journal: Journal, node: Node, route: Route, packet: Packet) -> None:
    """The way of a node's own packet.  Raises Over if there is none."""
    if route.fault:
        why = _FAULTS.get(route.fault, route.fault)
        journal.end(
            Verdict.UNREACHABLE,
            str(node),
            f"no way to {packet.destination}: {why}",
            remedy=arrival.NO_ROUTE,
        )
    check_kind(journal, node, route, packet)


def check_kind(journal: Journal, node: Node, route: Route, packet: Packet) -> None:
    """Raises Over for a route that leads nowhere, or to all of a link."""
    if route.kind in _NOWHERE:
        journal.end(
            Verdict.UNREACHABLE,
            str(node),
            f"a route of kind {route.kind} for {packet.destination}",
            remedy=arrival.NO_ROUTE,
        )


def refuse(journal: Journal, node: Node, route: Route, packet: Packet) -> None:
    """End what came by a link and that the kernel does not route.  Raises Over."""
    fault = _STRICT if _is_filtered(node, packet) else route.fault
    verdict = Verdict.DROPPED if fault in _SILENT else Verdict.UNREACHABLE
    why = _FAULTS.get(fault, fault)
    remedy = arrival.RP_FILTER if fault == _STRICT else arrival.NO_ROUTE
    journal.end(verdict, str(node), f"{packet} from {packet.iif}: {why}", remedy=remedy)


def _is_filtered(node: Node, packet: Packet) -> bool:
    """Whether the answer would leave by another link, and the kernel minds (ip-sysctl.rst, rp_filter)."""
    if packet.version == 6:
        return False
    switches = (
        node.namespace.switch(f"ipv4/conf/{name}/rp_filter") for name in ("all", packet.iif)
    )
    strict = max((each or "0" for each in switches), default="0") == "1"
    back = node.namespace.route(packet.source)
    return strict and back.kind == "unicast" and back.link != packet.iif
