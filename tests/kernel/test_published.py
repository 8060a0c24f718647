"""Who reaches a published port: every form of address, from everywhere, in one table.

The cells of a host are asked all at once.  What is not reached is refused at once wherever the
host can say so; a datagram to a port that is held and not translated is met with silence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import pytest

from plugin.model.network import Network, PortBinding, Protocol
from tests.fakes.values import a_binding
from tests.kernel.exchange import Answer, Exchange
from tests.kernel.netns import Netns
from tests.kernel.site import HOST4, HOST4_OTHER, HOST6, Container, Site

PROTOCOLS: Final = (Protocol.TCP, Protocol.UDP)
FORMS: Final = (None, HOST4, "127.0.0.1", "::", "::1", HOST6)
FIRST_PORT: Final = 8000
# Who asks, and the address it asks at.
ORIGINS: Final = (
    *(("lan", HOST4), ("lan", HOST4_OTHER), ("lan", HOST6)),
    *(("host", HOST4), ("host", HOST6), ("host", "127.0.0.1"), ("host", "::1")),
    *(("same", HOST4), ("same", HOST6), ("other", HOST4), ("other", HOST6)),
    *(("docker", HOST4), ("docker", HOST6), ("self", HOST4), ("self", HOST6)),
)
# R: reached.  x: refused.  -: the asker has no such family.
# p: reached by the proxy; without it the port is held: TCP is refused, and UDP left unanswered.
# q: reached by the proxy; without it the port is not there at all, and refused.
DUAL: Final = """
                 lan                          host                     same      other     docker    self
                 .2  .3  v6    .2  v6  127  ::1   v4  v6    v4  v6    v4  v6    v4  v6
    any          R   R   R     R   R   R    p     R   R     R   R     R   R     R   R
    192.0.2.2    R   x   x     R   x   x    x     R   x     R   x     R   x     R   x
    127.0.0.1    x   x   x     x   x   R    x     x   x     x   x     x   x     x   x
    ::           x   x   R     x   R   x    p     x   R     x   R     x   R     x   R
    ::1          x   x   x     x   x   x    p     x   x     x   x     x   x     x   x
    fd00:99::2   x   x   R     x   R   x    x     x   R     x   R     x   R     x   R
"""
IPV4: Final = """
                 lan                          host                     same      other     docker    self
                 .2  .3  v6    .2  v6  127  ::1   v4  v6    v4  v6    v4  v6    v4  v6
    any          R   R   q     R   q   R    q     R   -     R   q     R   q     R   -
    192.0.2.2    R   x   x     R   x   x    x     R   -     R   x     R   x     R   -
    127.0.0.1    x   x   x     x   x   R    x     x   -     x   x     x   x     x   -
    ::           x   x   q     x   q   x    q     x   -     x   q     x   q     x   -
    ::1          x   x   x     x   x   x    q     x   -     x   x     x   x     x   -
    fd00:99::2   x   x   q     x   q   x    x     x   -     x   q     x   q     x   -
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One question."""

    protocol: Protocol
    form: str | None
    origin: tuple[str, str]
    proxy: bool

    @property
    def port(self) -> int:
        return FIRST_PORT + FORMS.index(self.form) + 100 * self.proxy


CELLS: Final = [Cell(*each) for each in product(PROTOCOLS, FORMS, ORIGINS, (True, False))]


def expected(table: str) -> dict[Cell, Answer]:
    """The table, read."""
    rows = {row[0]: row[1:] for row in map(str.split, table.strip().splitlines()[2:])}
    return {
        cell: _meaning(rows[cell.form or "any"][ORIGINS.index(cell.origin)], cell) for cell in CELLS
    }


def _meaning(letter: str, cell: Cell) -> Answer:
    if letter == "-":
        return Answer.UNREACHABLE
    if letter == "R" or (letter in "pq" and cell.proxy):
        return Answer.REACHED
    if letter == "p" and cell.protocol is Protocol.UDP:
        return Answer.DROPPED
    return Answer.REFUSED


@pytest.fixture(
    params=[(True, True), (True, False), (False, True), (False, False)],
    ids=["filtered-docker", "filtered", "docker", "alone"],
)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A host and its neighbour, in all weathers."""
    br_netfilter, docker = request.param
    made = Site(br_netfilter=br_netfilter, docker=docker)
    made.host.sysctl("net/ipv4/icmp_ratemask", 0)  # every refusal is said
    made.host.sysctl("net/ipv6/icmp/ratelimit", 0)
    with made.host.entered():
        yield made
        made.close()


def bindings(subnets: tuple[str, ...], *, proxy: bool) -> list[PortBinding]:
    """A port for every form that can be published."""
    numbers = {form: Cell(Protocol.TCP, form, ORIGINS[0], proxy).port for form in FORMS}
    possible = [
        form for form in FORMS if proxy or len(subnets) == 2 or form is None or ":" not in form
    ]
    return [
        a_binding(numbers[form], numbers[form], host_ip=form, protocol=protocol)
        for form, protocol in product(possible, PROTOCOLS)
    ]


@pytest.mark.parametrize(("families", "table"), [(2, DUAL), (1, IPV4)], ids=["dual-stack", "ipv4"])
def test_every_form_from_everywhere(site: Site, families: int, table: str) -> None:
    """Both protocols, with the userland proxy and without it."""
    wanted = expected(table)
    clients: dict[tuple[str, bool], Netns] = {}
    servers: dict[bool, Container] = {}
    other = site.container(site.network("other", "10.9.0.0/24", "fd00:9::/64")).netns
    docker = site.stranger("docker0", "172.17.0.1/16", "fd00:17::1/64")
    for proxy in (True, False):
        network = _network(site, families, proxy=proxy)
        pools = tuple(str(pool.prefix) for pool in network.pools)
        servers[proxy] = site.container(network, 2, bindings(pools, proxy=proxy))
        clients |= {
            ("lan", proxy): site.outside,
            ("host", proxy): site.host,
            ("same", proxy): site.container(network, 3).netns,
            ("other", proxy): other,
            ("docker", proxy): docker,
            ("self", proxy): servers[proxy].netns,
        }

    with Exchange() as exchange:
        for protocol, form, proxy in product(PROTOCOLS, FORMS, (True, False)):
            port = Cell(protocol, form, ORIGINS[0], proxy).port
            exchange.serve(servers[proxy].netns, protocol, port)
        for cell in CELLS:
            who, address = cell.origin
            exchange.ask(cell, clients[who, cell.proxy], cell.protocol, (address, cell.port))
        found = exchange.answers(dict(wanted))

    assert {
        cell: (found[cell], wanted[cell]) for cell in CELLS if found[cell] != wanted[cell]
    } == {}


def _network(site: Site, families: int, *, proxy: bool) -> Network:
    number = 1 if proxy else 2
    subnets = (f"10.{number}.0.0/24", f"fd00:{number}::/64")[:families]
    options = {"userland_proxy": str(proxy).lower()}
    return site.network(f"blue-{number}", *subnets, options=options)
