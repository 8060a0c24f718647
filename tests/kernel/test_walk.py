"""What a trace says of a packet is what the packet does, in every cell of the matrices."""

from collections.abc import Hashable, Iterator, Mapping
from itertools import product
from typing import TypeVar

import pytest

from plugin.model.network import Protocol
from plugin.trace.packet import Course
from tests.kernel.exchange import Answer, Exchange
from tests.kernel.netns import Netns
from tests.kernel.published import FAMILIES, PROTOCOLS, SERVERS, Cell, Server
from tests.kernel.site import (
    HOST4,
    HOST6,
    OUTSIDE4,
    OUTSIDE6,
    WEATHERS,
    Container,
    Site,
)
from tests.kernel.test_isolation import (
    MIXED,
    MIXTURE,
    MODES,
    NETWORKS,
    OFF,
    ON,
    OPEN_PORT,
    PUBLISHED_PORT,
    STRICT,
    Pair,
    expected,
    populated,
)
from tests.kernel.test_published import address, bindings
from tests.kernel.tracing import SAYS, Tracer, told

ISOLATIONS = {
    "on": (dict.fromkeys(MODES, "on"), ON),
    "off": (dict.fromkeys(MODES, "off"), OFF),
    "strict": (dict.fromkeys(MODES, "strict"), STRICT),
    "mixed": (MIXTURE, MIXED),
}
# Of one weather, table and protocol every run walks a part, always the same; the night walks everything.
OF_EVERY_RUN = 5
BETWEEN = [
    pytest.param(*WEATHERS[0].values, "mixed", Protocol.TCP, OF_EVERY_RUN, id="part"),
    *(
        pytest.param(
            *(*weather.values, isolation, protocol, 1),
            id=f"{weather.id}-{isolation}-{protocol.text}",
            marks=pytest.mark.nightly,
        )
        for weather, isolation, protocol in product(WEATHERS, ISOLATIONS, PROTOCOLS)
    ),
]
PUBLISHED = [
    pytest.param(*WEATHERS[0].values, "ipv6", Protocol.TCP, OF_EVERY_RUN, id="part"),
    *(
        pytest.param(
            *(*weather.values, families, protocol, 1),
            id=f"{weather.id}-{families}-{protocol.text}",
            marks=pytest.mark.nightly,
        )
        for weather, families, protocol in product(WEATHERS, FAMILIES, PROTOCOLS)
    ),
]
Key = TypeVar("Key", bound=Hashable)


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A host and its neighbour, in all weathers; every refusal is said."""
    br_netfilter, docker = request.param
    made = Site(br_netfilter=br_netfilter, docker=docker)
    made.host.sysctl("net/ipv4/icmp_ratemask", 0)
    made.host.sysctl("net/ipv6/icmp/ratelimit", 0)
    with made.host.entered():
        yield made
        made.close()


@pytest.mark.parametrize(("site", "isolation", "protocol", "each"), BETWEEN, indirect=["site"])
def test_between_networks(site: Site, isolation: str, protocol: Protocol, each: int) -> None:
    """Every ordered pair of networks, beside real packets."""
    options, table = ISOLATIONS[isolation]
    who = populated(site, options)
    wanted = _part(expected(table), each)

    with Exchange() as exchange:
        for name, port in product(NETWORKS, (OPEN_PORT, PUBLISHED_PORT)):
            exchange.serve(who[name], protocol, port)
        for pair in wanted:
            exchange.ask(pair, who[pair.client], protocol, pair.target())
        found = exchange.answers(wanted)
        tracer = Tracer(site, {name: netns for name, netns in who.items() if name != "lan"})
        courses = {
            pair: tracer.trace(_client(pair), protocol.text, pair.target()) for pair in wanted
        }

    assert _differing(courses, found) == {}


def _client(pair: Pair) -> str:
    if pair.client != "lan":
        return pair.client
    return OUTSIDE4 if pair.version == 4 else OUTSIDE6


@pytest.mark.parametrize(("site", "families", "protocol", "each"), PUBLISHED, indirect=["site"])
def test_published_ports(site: Site, families: str, protocol: Protocol, each: int) -> None:
    """Every form of publishing, by every origin, beside real packets."""
    site.outside.ip(f"route add 10.60.0.0/16 via {HOST4}", f"route add fd00:60::/48 via {HOST6}")
    strangers = {
        "other": site.container(site.network("other", "10.9.0.0/24", "fd00:9::/64")).netns,
        "docker0": site.stranger("docker0", "172.17.0.1/16", "fd00:17::1/64"),
        "user": site.stranger("br-0123456789ab", "172.18.0.1/16", "fd00:18::1/64"),
    }
    servers = [server for server in SERVERS if server.families == families]
    wanted = _part(
        {
            cell: answer
            for server in servers
            for cell, answer in server.cells().items()
            if cell.protocol is protocol
        },
        each,
    )

    with Exchange() as exchange:
        made: dict[Server, Container] = {}
        near: dict[str, Netns] = {}
        for server in servers:
            made[server] = _server(site, server, near)
            for form in server.rows:
                exchange.serve(made[server].netns, protocol, server.port(form))
        everyone = {**strangers, **near, "host": site.host, "lan": site.outside}
        for cell in wanted:
            to = (address(made[cell.server], cell.origin[1]), cell.port)
            exchange.ask(cell, everyone[_asker(cell)], cell.protocol, to)
        found = exchange.answers(wanted)
        tracer = Tracer(site, strangers | near)
        courses = {cell: _trace(tracer, cell, made[cell.server]) for cell in wanted}

    assert _differing(courses, found) == {}


def _part(cells: dict[Key, Answer], each: int) -> dict[Key, Answer]:
    """One of so many cells of every answer, spread over all rows and columns."""
    return {
        cell: answer
        for wanted in dict.fromkeys(cells.values())
        for cell, answer in [c for c in cells.items() if c[1] is wanted][::each]
    }


def _server(site: Site, server: Server, near: dict[str, Netns]) -> Container:
    number = SERVERS.index(server)
    subnets = server.subnets("10.60", "fd00:60:0")
    network = site.network(str(number), *subnets, options=server.options)
    made = site.container(network, 2, bindings(server))
    near[f"same{number}"] = site.container(network, 3).netns
    near[f"self{number}"] = made.netns
    return made


def _asker(cell: Cell) -> str:
    who = cell.origin[0]
    return f"{who}{SERVERS.index(cell.server)}" if who in ("same", "self") else who


def _trace(tracer: Tracer, cell: Cell, server: Container) -> Course:
    to = address(server, cell.origin[1])
    who = _asker(cell)
    if who == "lan":
        who = OUTSIDE6 if ":" in to else OUTSIDE4
    return tracer.trace(who, cell.protocol.text, (to, cell.port))


def _differing(courses: Mapping[Key, Course], found: Mapping[Key, Answer]) -> dict[Key, str]:
    """Courses that are not what the packet did, each as it is told."""
    return {
        key: f"{told(course)}\nbut: {found[key].value}"
        for key, course in courses.items()
        if SAYS.get(course.verdict) is not found[key]
    }
