"""What a node does with a packet that is for itself: whether anything listens, or carries it on."""

from typing import Final

from plugin.trace.journal import Journal
from plugin.trace.listeners import Listener
from plugin.trace.packet import TCP, UDP, IPAddress, Packet, Verdict
from plugin.trace.places import Node, Places

LINK_DOWN: Final = (
    "ip link set NAME up; 'pynet check' shows whether pynet's links are as they should be"
)
IPV6_OFF: Final = "ask at an IPv4 address, or make the network with --ipv6"
FORWARDING_OFF: Final = "sysctl -w net.ipv6.conf.all.forwarding=1"
OTHER_WAY: Final = (
    "no route of this host leads to the container's network, or another one goes before it: see "
    "'ip route', and 'pynet check'"
)
NO_ROUTE: Final = "connect the container to a network with a way there"
RP_FILTER: Final = "sysctl -w net.ipv4.conf.LINK.rp_filter=2, or give the sender a way by this link"
_RUNS: Final = "start the program in the container, or ask at the port that it listens at"
_WIDER: Final = "let the program listen at 0.0.0.0 and ::, not at a loopback address alone"
_PUBLISH: Final = "publish the port with -p, or ask at one that is ('pynet ports')"


def onward(
    places: Places, node: Node, packet: Packet, journal: Journal
) -> tuple[IPAddress, int] | None:
    """Where the program that took it carries it; None if it is the destination.  Raises Over."""
    if packet.protocol not in (TCP, UDP):
        journal.note(str(node), f"{packet} arrives")
        return None
    listener = next((each for each in node.namespace.listeners if each.hears(packet)), None)
    if listener is None:
        _refuse(places, node, packet, journal)
        return None
    program = ", ".join(sorted({name for name, _ in listener.processes})) or "a program"
    carried = places.carriers.carried(packet, listener) if node is places.host else None
    if carried is None and node is places.host and places.carriers.is_held(listener):
        journal.end(
            Verdict.DROPPED,
            str(node),
            f"pynet holds the port {packet.dport}/{packet.protocol}, and nothing carries it from there",
            remedy="ask at another address of the host; 'pynet ports' shows which are served",
        )
    if carried is None:
        journal.note(str(node), f"{packet} arrives at {program}")
    else:
        journal.note(str(node), f"{packet} arrives at {program}, which carries it to {carried[0]}")
    return carried


def _refuse(places: Places, node: Node, packet: Packet, journal: Journal) -> None:
    """Nothing is there: TCP is answered with a reset, UDP with an ICMP error."""
    port = f"{packet.dport}/{packet.protocol}"
    near = [each for each in node.namespace.listeners if _is_near(each, packet)]
    if near:
        where = ", ".join(sorted({each.address for each in near}))
        journal.end(
            Verdict.REFUSED,
            str(node),
            f"nothing listens at {packet.destination} on port {port}, but at {where}",
            remedy=_WIDER if node is not places.host else _PUBLISH,
        )
    remedy = _PUBLISH if node is places.host else _RUNS
    journal.end(Verdict.REFUSED, str(node), f"nothing listens on port {port}", remedy=remedy)


def _is_near(listener: Listener, packet: Packet) -> bool:
    return (listener.protocol, listener.port) == (packet.protocol, packet.dport)
