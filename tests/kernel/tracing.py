"""Traces on a site: what ``pynet trace`` says beside what packets do."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from plugin.model.network import Protocol
from plugin.operator.views import ports_view
from plugin.trace.carriers import PublishedPorts
from plugin.trace.namespace import Namespace
from plugin.trace.packet import EPHEMERAL, Course, IPAddress, Packet, Verdict
from plugin.trace.places import Node, Places
from plugin.trace.walk import Walk
from tests.fakes.values import a_binding
from tests.kernel.exchange import Answer, Exchange
from tests.kernel.netns import Netns
from tests.kernel.site import Site

SAYS = {
    Verdict.REACHED: Answer.REACHED,
    Verdict.LEAVES: Answer.DROPPED,  # nothing outside answers for another network
    Verdict.REFUSED: Answer.REFUSED,
    Verdict.DROPPED: Answer.DROPPED,
    Verdict.UNREACHABLE: Answer.UNREACHABLE,
}
OUTSIDE = "outside"


class Tracer:
    """Everything on a site that a packet may come to, looked at once."""

    def __init__(self, site: Site, containers: Mapping[str, Netns]) -> None:
        self.site = site
        self.host = Node(name="host", namespace=Namespace(site.host.path))
        self.nodes = {name: _node(name, netns) for name, netns in containers.items()}
        found: dict[IPAddress, list[Node]] = {}
        for node in self.nodes.values():
            for address in node.addresses:
                found.setdefault(address, []).append(node)
        self.places = Places(
            host=self.host,
            containers=found,
            carriers=PublishedPorts(ports_view(site.store, ())),
        )

    def trace(self, who: str, protocol: str, to: tuple[str, int]) -> Course:
        """The course from a container, ``host``, or else from an address outside."""
        destination = ip_address(to[0])
        node = self.host if who == "host" else self.nodes.get(who)
        walk = Walk(self.places)
        source = ip_address("::" if destination.version == 6 else "0.0.0.0")
        if node is None:
            source = ip_address(who)
        packet = Packet(
            source=source, destination=destination, protocol=protocol, sport=EPHEMERAL, dport=to[1]
        )
        return walk.from_outside(packet) if node is None else walk.from_node(node, packet)


def _node(name: str, netns: Netns) -> Node:
    namespace = Namespace(netns.path)
    addresses = [a for each in namespace.addresses.values() for a in each if not a.is_loopback]
    return Node(name=name, namespace=namespace, addresses=frozenset(addresses))


def told(course: Course) -> str:
    """A course in lines, for a test that fails."""
    lines: Iterable[str] = (f"{h.where}: {h.what} [{h.rule}] {h.remedy}" for h in course.hops)
    return "\n".join([course.verdict.value, *lines, *course.doubts])


def text(protocol: Protocol) -> str:
    """A protocol as packets have it."""
    return protocol.text


def two(site: Site) -> tuple[dict[str, Netns], str]:
    """A container that publishes a port, a neighbour of it, and the server's address."""
    network = site.network("web", "10.1.0.0/24")
    server = site.container(network, 2, [a_binding(80, 8080)])
    return {"server": server.netns, "client": site.container(network, 3).netns}, "10.1.0.2"


def course(site: Site, who: dict[str, Netns], to: tuple[str, int], by: str = "client") -> Course:
    """The course, of which the packet itself has said the same."""
    with Exchange() as exchange:
        exchange.serve(who["server"], Protocol.TCP, 80)
        found = Tracer(site, who).trace(by, "tcp", to)
        asker = {**who, "host": site.host}.get(by, site.outside)
        exchange.ask("it", asker, Protocol.TCP, to)
        wanted = SAYS.get(found.verdict, Answer.DROPPED)
        answers = exchange.answers({"it": wanted})
    if found.verdict is not Verdict.UNKNOWN:
        assert answers["it"] is wanted, told(found)
    return found
