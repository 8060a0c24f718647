"""Who reaches whom, as a whole: every pair of networks, every form of port, in all weathers."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final

import pytest

from tests.e2e.asking import ways
from tests.e2e.conftest import Place, tidy
from tests.e2e.crossroads import KINDS, OPEN, PREFIXES, PUBLISHED, Crossroads
from tests.e2e.pairs import Weather, expected
from tests.kernel.exchange import Answer, Exchange
from tests.kernel.published import FAMILIES, PROTOCOLS
from tests.lab.host import Host
from tests.lab.namespace import Peer, ip

WEATHERS: Final = [Weather(*each) for each in product(("DROP", "ACCEPT"), (True, False))]
# Every refusal is said, however many there are.
TALKATIVE: Final = {"net.ipv4.icmp_ratemask": "0", "net.ipv6.icmp.ratelimit": "0"}


@pytest.fixture(scope="module")
def crossroads(place: Place, peer: Peer) -> Iterator[Crossroads]:
    """Everything that is asked for, made once."""
    with tidy(place) as site:
        made = Crossroads(site, peer)
        ip(site.host.netns, f"address add {made.other_address}/24 dev eth0")
        before = _set(site.host, TALKATIVE)
        try:
            with ways(peer, site, *PREFIXES):
                made.make()
                yield made
        finally:
            _set(site.host, before)
            ip(site.host.netns, f"address delete {made.other_address}/24 dev eth0")


@pytest.fixture(params=WEATHERS, ids=str)
def weather(request: pytest.FixtureRequest, place: Place) -> Iterator[Weather]:
    """The policy of FORWARD and br_netfilter, as any program may set them; Docker: DROP and on."""
    weather: Weather = request.param
    filtered = str(int(weather.filtered))
    names = [f"net.bridge.bridge-nf-call-{command}" for command in ("iptables", "ip6tables")]
    before = _set(place.host, dict.fromkeys(names, filtered))
    policies = _set_policies(place.host, dict.fromkeys(("iptables", "ip6tables"), weather.policy))
    yield weather
    _set_policies(place.host, policies)
    _set(place.host, before)


def test_every_pair_of_networks(crossroads: Crossroads, weather: Weather) -> None:
    """Nat, routed, isolated, icc=false, Docker's own two, the LAN and the host: both families."""
    wanted = expected(crossroads.site.host.engine.version, weather)

    with Exchange() as exchange:
        for kind, protocol, port in product(KINDS, PROTOCOLS, (OPEN, PUBLISHED)):
            exchange.serve(crossroads.kinds[kind][0], protocol, port)
        for pair in wanted:
            asker, target = pair.asker(crossroads), pair.target(crossroads)
            exchange.ask(pair, asker, pair.protocol, target)
        found = exchange.answers(wanted)

    # Where the asker finds no neighbour it may be told so, after a while.
    for pair, answer in wanted.items():
        if answer is Answer.DROPPED and found[pair] is Answer.UNREACHABLE:
            found[pair] = answer
    assert {pair: found[pair] for pair in wanted if found[pair] != wanted[pair]} == {}


@pytest.mark.parametrize("families", FAMILIES)
def test_every_form_of_port(crossroads: Crossroads, weather: Weather, families: str) -> None:
    """By both protocols, in every gateway mode, with the userland proxy and without it."""
    servers = [each for each in crossroads.servers if each.families == families]
    if not servers:
        pytest.skip("this engine has no --ipv4=false")
    lacking = {("docker0", "v6")}
    wanted = {cell: answer for each in servers for cell, answer in each.cells(lacking).items()}

    with Exchange() as exchange:
        for server in servers:
            for protocol, form in product(PROTOCOLS, server.rows):
                exchange.serve(crossroads.published[server][0], protocol, server.port(form))
        for cell in wanted:
            who, at = cell.origin
            asker = crossroads.askers(cell.server)[who]
            address = crossroads.address(cell.server, at)
            exchange.ask(cell, asker, cell.protocol, (address, cell.port))
        found = exchange.answers(wanted)

    assert {
        cell: (found[cell], wanted[cell]) for cell in wanted if found[cell] != wanted[cell]
    } == {}


def _set(host: Host, settings: Mapping[str, str]) -> dict[str, str]:
    """Set sysctls; return what they were."""
    before = {name: host.run("sysctl", "-n", name).strip() for name in settings}
    host.run("sysctl", "-q", "-w", *map("=".join, settings.items()))
    return before


def _set_policies(host: Host, policies: Mapping[str, str]) -> dict[str, str]:
    """Set the policy of FORWARD, by command; return what it was."""
    before = {each: host.run(each, "-w", "-S", "FORWARD").split()[2] for each in policies}
    for command, policy in policies.items():
        host.run(command, "-w", "-P", "FORWARD", policy)
    return before
