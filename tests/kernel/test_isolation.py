"""Who reaches whom between networks: every ordered pair, both families, published and not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import pytest

from plugin.model.ids import bridge_name
from plugin.model.network import Network, Protocol
from tests.fakes.values import a_binding
from tests.kernel.exchange import Answer, Exchange
from tests.kernel.netns import Netns
from tests.kernel.site import HOST4, HOST6, WEATHERS, Site
from tests.kernel.talk import pings, sender, udp_reaches

# Each cell has three answers: at the container's own address on a port that is not published,
# there on one that is, and at the host's address.
# R: reached.  d: dropped.  x: refused by the host, for nothing is published there (and dropped
# if it comes from an isolated network by IPv6, which the host does not speak there).
ON: Final = """
                nat   routed  internal  isolated  unprotected  docker0  user  away  vm
    nat         -     dRx     ddx       ddx       RRR          ddx      ddx   ddx   RRx
    routed      ddR   -       ddx       ddx       RRR          ddx      ddx   ddx   RRx
    internal    ddd   ddx     -         ddx       ddd          ddx      ddx   ddx   ddx
    isolated    ddd   ddd     ddd       -         ddd          ddd      ddd   ddd   ddd
    unprotected ddR   dRx     ddx       ddx       -            ddx      ddx   ddx   RRx
    docker0     ddR   dRx     ddx       ddx       RRR          -        -     -     -
    user        ddR   dRx     ddx       ddx       RRR          -        -     -     -
    away        ddR   dRx     ddx       ddx       RRR          -        -     -     -
    vm          ddR   dRx     ddx       ddx       RRR          -        -     -     -
    lan         ddR   dRx     ddx       ddx       RRR          -        -     -     -
"""
OFF: Final = """
                nat   routed  internal  isolated  unprotected  docker0  user  away  vm
    nat         -     RRx     ddx       ddx       RRR          ddx      ddx   ddx   RRx
    routed      RRR   -       ddx       ddx       RRR          ddx      ddx   ddx   RRx
    internal    ddd   ddx     -         ddx       ddd          ddx      ddx   ddx   ddx
    isolated    ddd   ddd     ddd       -         ddd          ddd      ddd   ddd   ddd
    unprotected RRR   RRx     ddx       ddx       -            ddx      ddx   ddx   RRx
    docker0     ddR   dRx     ddx       ddx       RRR          -        -     -     -
    user        ddR   dRx     ddx       ddx       RRR          -        -     -     -
    away        ddR   dRx     ddx       ddx       RRR          -        -     -     -
    vm          ddR   dRx     ddx       ddx       RRR          -        -     -     -
    lan         ddR   dRx     ddx       ddx       RRR          -        -     -     -
"""
STRICT: Final = """
                nat   routed  internal  isolated  unprotected  docker0  user  away  vm
    nat         -     ddx     ddx       ddx       ddd          ddx      ddx   ddx   RRx
    routed      ddd   -       ddx       ddx       ddd          ddx      ddx   ddx   RRx
    internal    ddd   ddx     -         ddx       ddd          ddx      ddx   ddx   ddx
    isolated    ddd   ddd     ddd       -         ddd          ddd      ddd   ddd   ddd
    unprotected ddd   ddx     ddx       ddx       -            ddx      ddx   ddx   RRx
    docker0     ddd   ddx     ddx       ddx       ddd          -        -     -     -
    user        ddd   ddx     ddx       ddx       ddd          -        -     -     -
    away        ddd   ddx     ddx       ddx       ddd          -        -     -     -
    vm          ddR   dRx     ddx       ddx       RRR          -        -     -     -
    lan         ddR   dRx     ddx       ddx       RRR          -        -     -     -
"""
# Networks that differ: open ones are open to each other only, a strict one to nobody.
MIXED: Final = """
                nat   routed  internal  isolated  unprotected  docker0  user  away  vm
    nat         -     RRx     ddx       ddx       ddd          ddx      ddx   ddx   RRx
    routed      RRR   -       ddx       ddx       ddd          ddx      ddx   ddx   RRx
    internal    ddd   ddx     -         ddx       ddd          ddx      ddx   ddx   ddx
    isolated    ddd   ddd     ddd       -         ddd          ddd      ddd   ddd   ddd
    unprotected ddd   ddx     ddx       ddx       -            ddx      ddx   ddx   RRx
    docker0     ddR   dRx     ddx       ddx       ddd          -        -     -     -
    user        ddR   dRx     ddx       ddx       ddd          -        -     -     -
    away        ddR   dRx     ddx       ddx       ddd          -        -     -     -
    vm          ddR   dRx     ddx       ddx       RRR          -        -     -     -
    lan         ddR   dRx     ddx       ddx       RRR          -        -     -     -
"""
MIXTURE: Final = {
    "nat": "off",
    "routed": "off",
    "internal": "on",
    "isolated": "on",
    "unprotected": "strict",
}
MODES: Final = {
    "nat": {},
    "routed": {"gateway_mode_ipv4": "routed", "gateway_mode_ipv6": "routed"},
    "internal": {},
    "isolated": {"gateway_mode_ipv4": "isolated", "gateway_mode_ipv6": "isolated"},
    "unprotected": {
        "gateway_mode_ipv4": "nat-unprotected",
        "gateway_mode_ipv6": "nat-unprotected",
    },
}
CLOSED: Final = ("internal", "isolated")
# And their bridges: Docker's, one of them made while pynet was away, and virtual machines', which
# is the last that is seen.
STRANGERS: Final = {
    "docker0": "docker0",
    "user": "br-0123456789ab",
    "vm": "virbr0",
    "away": "br-ba9876543210",
}
NETWORKS: Final = (*MODES, *STRANGERS)
OPEN_PORT, PUBLISHED_PORT, FIRST_HOST_PORT = 7001, 7002, 8001
ANSWERS: Final = {"R": Answer.REACHED, "d": Answer.DROPPED, "x": Answer.REFUSED}
WAYS: Final = ("unpublished", "published", "host")


@dataclass(frozen=True, slots=True)
class Pair:
    """Who asks whom, by which family and way."""

    client: str
    server: str
    version: int
    way: str

    def target(self) -> tuple[str, int]:
        number = NETWORKS.index(self.server)
        if self.way == "host":
            return (HOST4 if self.version == 4 else HOST6, FIRST_HOST_PORT + number)
        port = OPEN_PORT if self.way == "unpublished" else PUBLISHED_PORT
        return (f"10.{number}.0.2" if self.version == 4 else f"fd00:{number}::2", port)


def expected(table: str) -> dict[Pair, Answer]:
    """The table, read."""
    lines = [line.split() for line in table.strip().splitlines()]
    return {
        Pair(row[0], server, version, way): (
            Answer.DROPPED if (row[0], version) == ("isolated", 6) else ANSWERS[letter]
        )
        for row in lines[1:]
        for server, cell in zip(lines[0], row[1:], strict=True)
        if cell != "-"
        for version, (way, letter) in product((4, 6), zip(WAYS, cell, strict=True))
    }


@pytest.fixture(
    params=WEATHERS,
)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A host and its neighbour, in all weathers; every refusal is said."""
    br_netfilter, docker = request.param
    made = Site(br_netfilter=br_netfilter, docker=docker)
    made.host.sysctl("net/ipv4/icmp_ratemask", 0)
    made.host.sysctl("net/ipv6/icmp/ratelimit", 0)
    with made.host.entered():
        yield made
        made.close()


def populated(site: Site, isolation: dict[str, str]) -> dict[str, Netns]:
    """A container on each network, and the neighbour, with ways to all of them."""
    who = {"lan": site.outside}
    for number, name in enumerate(MODES):
        subnets = (f"10.{number}.0.0/24", f"fd00:{number}::/64")
        site.outside.ip(*(f"route add {subnet} via {_via(subnet)}" for subnet in subnets))
        options = {**MODES[name], "isolation": isolation[name]}
        network = site.network(name, *subnets, options=options, internal=name in CLOSED)
        bindings = [
            a_binding(PUBLISHED_PORT, FIRST_HOST_PORT + number, protocol=protocol)
            for protocol in (Protocol.TCP, Protocol.UDP)
        ]
        who[name] = site.container(network, 2, bindings).netns
        if name in CLOSED:  # without a route it could not even try
            who[name].ip(
                f"route add default via 10.{number}.0.1", f"route add default via fd00:{number}::1"
            )
        if name == "isolated":
            _connect(site, network, who[name], subnets)
    for name, bridge in STRANGERS.items():
        number = NETWORKS.index(name)
        subnets = (f"10.{number}.0.1/24", f"fd00:{number}::1/64")
        who[name] = site.stranger(bridge, *subnets, seen=name == "vm")
    return who


def _connect(site: Site, network: Network, container: Netns, subnets: Sequence[str]) -> None:
    """Give host and container the way to each other that the driver gave neither of them."""
    bridge = bridge_name(network.id)
    mac = site.host.mac_of(bridge)
    site.host.ip(f"route add {subnets[0]} dev {bridge}")
    gateways = [str(pool.gateway.ip) for pool in network.pools if pool.gateway]
    container.ip(*(f"neighbour replace {each} lladdr {mac} dev eth0" for each in gateways))


def _via(subnet: str) -> str:
    return HOST6 if ":" in subnet else HOST4


@pytest.mark.parametrize(
    ("isolation", "table"),
    [
        (dict.fromkeys(MODES, "on"), ON),
        (dict.fromkeys(MODES, "off"), OFF),
        (dict.fromkeys(MODES, "strict"), STRICT),
        (MIXTURE, MIXED),
    ],
    ids=["on", "off", "strict", "mixed"],
)
def test_every_pair(site: Site, isolation: dict[str, str], table: str) -> None:
    """By both protocols; a route that a container sets for itself is no permission."""
    who = populated(site, isolation)
    wanted = {
        (protocol, pair): answer
        for protocol in (Protocol.TCP, Protocol.UDP)
        for pair, answer in expected(table).items()
    }

    with Exchange() as exchange:
        for protocol, name in product((Protocol.TCP, Protocol.UDP), NETWORKS):
            for port in (OPEN_PORT, PUBLISHED_PORT):
                exchange.serve(who[name], protocol, port)
        for protocol, pair in wanted:
            exchange.ask((protocol, pair), who[pair.client], protocol, pair.target())
        found = exchange.answers(wanted)

    assert {key: (found[key], wanted[key]) for key in wanted if found[key] != wanted[key]} == {}
    pinged = {
        Pair(pair.client, pair.server, pair.version, "unpublished"): _answers_ping(pair, table)
        for pair in expected(table)
    }
    assert pings({key: (who[key.client], key.target()[0]) for key in pinged}, pinged) == pinged


def _answers_ping(pair: Pair, table: str) -> bool:
    """Containers of an open network do, and on a routed one those that publish a port."""
    way = "published" if pair.server == "routed" else "unpublished"
    cell = expected(table)[Pair(pair.client, pair.server, pair.version, way)]
    return cell is Answer.REACHED


def test_each_row_and_column_is_there() -> None:
    """Every ordered pair of networks with one of pynet's in it, and the neighbour to five of them."""
    for table in (ON, OFF, STRICT, MIXED):
        pairs = {(pair.client, pair.server) for pair in expected(table)}

        assert len(pairs) == 9 * 8 - 4 * 3 + 5


@pytest.mark.parametrize("version", [4, 6])
def test_an_internal_network_hears_nothing_from_one_that_is_open(site: Site, version: int) -> None:
    """Not even a datagram that it could never answer."""
    who = populated(site, dict.fromkeys(MODES, "off"))
    at = Pair("nat", "internal", version, "unpublished").target()

    assert not udp_reaches(site, who["internal"], at, sender(who["nat"], at))
    at = Pair("nat", "routed", version, "unpublished").target()
    assert udp_reaches(site, who["routed"], at, sender(who["nat"], at))


@pytest.mark.parametrize(("isolation", "answer"), [("on", "R"), ("strict", "d")])
def test_what_docker_publishes_is_for_networks_that_are_not_strict(
    site: Site, isolation: str, answer: str
) -> None:
    """By Docker's own translation."""
    who = populated(site, dict.fromkeys(MODES, isolation))
    target = Pair("nat", "docker0", 4, "unpublished").target()
    docker = f"-d {HOST4} -p tcp --dport 9000 -j DNAT --to-destination {target[0]}:{target[1]}"
    site.host.run("iptables", "-t", "nat", "-A", "PREROUTING", *docker.split())
    wanted = dict.fromkeys(("nat", "routed", "unprotected"), ANSWERS[answer])

    with Exchange() as exchange:
        exchange.serve(who["docker0"], Protocol.TCP, target[1])
        for name in wanted:
            exchange.ask(name, who[name], Protocol.TCP, (HOST4, 9000))
        found = exchange.answers(wanted)

    assert found == wanted
