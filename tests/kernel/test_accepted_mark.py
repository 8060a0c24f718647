"""Packets with a mark that the administrator named reach containers whose ports are not published."""

import socket
from collections.abc import Iterator
from itertools import product
from typing import Final

import pytest

from plugin.config import AcceptedMark
from plugin.model.ids import bridge_name
from tests.kernel.exchange import Answer
from tests.kernel.questions import SERVICE, SHUT, Question, at, surprises
from tests.kernel.site import HOST4, HOST6, Container, Site, is_v4
from tests.kernel.talk import udp_reaches

R, D = Answer.REACHED, Answer.DROPPED
PORT: Final = 7000  # of which no rule knows
ACCEPTED: Final = AcceptedMark(value=2, mask=3)
# Whatever goes to SERVICE is marked, by rules as an administrator has them; what goes to SHUT has
# a mark that is not accepted.  Between containers of one network that are kept apart, what is
# bridged belongs to no connection: ARP and the answers need the mark, too.
RULES: Final = f"""
table inet mine {{
    chain marking {{
        type filter hook prerouting priority -150;
        th dport {SERVICE} meta mark set 0xe
        th dport {SHUT} meta mark set 0xf
    }}
}}
table bridge mine {{
    chain marking {{
        type filter hook prerouting priority -150;
        ether type arp meta mark set 0xe
        th dport {SERVICE} meta mark set 0xe
        th sport {{ {SERVICE}, {SHUT} }} meta mark set 0xe
        th dport {SHUT} meta mark set 0xf
    }}
}}
"""
OPTIONS: Final[dict[str, dict[str, str]]] = {
    "blue": {},
    "green": {},
    "strict": {"isolation": "strict"},
    "apart": {"icc": "false"},
    "internal": {},
}
INTERNAL: Final = ("10.5.0.1", "fd00:5::1")  # the host on the last of them
# Whence, whither, and what becomes of what is marked.
REACHED: Final = [
    *(("lan", each, R) for each in ("blue", "strict", "apart")),
    *(("green", each, R) for each in ("blue", "apart")),
    ("neighbour", "apart", R),
    ("detour", "apart", R),
    ("apart", "blue", R),
    ("lan", "internal", D),
    ("blue", "internal", D),
    ("internal", "blue", D),
    ("blue", "strict", D),
    ("strict", "blue", D),
]


@pytest.fixture(params=[True, False], ids=["filtered-docker", "alone"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """With Docker, whose policy drops what nobody accepts, and without."""
    made = Site(br_netfilter=request.param, docker=request.param, accepted=ACCEPTED)
    made.host.run("nft", "-f", "-", stdin=RULES)
    with made.host.entered():
        yield made
        made.close()


def asked(site: Site) -> dict[str, Question]:
    """Every question to a port whose packets are marked, and to one whose are not."""
    there: dict[str, Container] = {}
    for number, (name, options) in enumerate(OPTIONS.items(), start=1):
        subnets = (f"10.{number}.0.0/24", f"fd00:{number}::/64")
        internal = name == "internal"
        network = site.network(name, *subnets, options=options, internal=internal)
        there[name] = site.container(network)
        site.outside.ip(
            *(f"route add {s} via {h}" for s, h in zip(subnets, (HOST4, HOST6), strict=True))
        )
    there["internal"].netns.ip(*(f"route add default via {each}" for each in INTERNAL))
    apart = there["apart"]
    detour = site.container(apart.network, 4)
    mac = site.host.mac_of(bridge_name(apart.network.id))
    for one, other in ((apart, detour), (detour, apart)):
        for address in at(other):
            one.netns.ip(f"neighbour replace {address} lladdr {mac} dev eth0")
    sources = {name: each.netns for name, each in there.items()} | {
        "lan": site.outside,
        "neighbour": site.container(apart.network, 3).netns,
        "detour": detour.netns,
    }
    return {
        f"{source} to {target} at {port}": (
            *(sources[source], at(there[target]), port),
            answer if port == SERVICE else D,
        )
        for (source, target, answer), port in product(REACHED, (SERVICE, SHUT))
    }


def test_who_is_reached_with_the_mark(site: Site) -> None:
    """What is accepted ends with the setting, and with its rules."""
    questions = asked(site)

    assert surprises(site, questions) == {}

    site.accepted = None
    site.restart()
    assert surprises(site, {name: (*each[:3], D) for name, each in questions.items()}) == {}
    assert "0x00000003" not in site.host.run("nft", "list", "ruleset")


def test_containers_cannot_set_it(site: Site) -> None:
    """A packet loses its mark when it leaves the network namespace, by a bridge and by a parent."""
    blue = site.container(site.network("blue", "10.1.0.0/24", "fd00:1::/64"))
    green = site.container(site.network("green", "10.2.0.0/24", "fd00:2::/64"))
    options = {"parent": "up0", "host_access": "true"}
    lan = site.network("lan", "192.0.2.0/24", "fd00:99::/64", mode="macvlan", options=options)
    stacked = site.container(lan, 50)
    stacked.netns.ip(f"route add 10.1.0.0/24 via {HOST4}", f"route add fd00:1::/64 via {HOST6}")
    for asker, address in product((green, stacked), at(blue)):

        def send(
            word: bytes, asker: Container = asker, to: tuple[str, int] = (address, PORT)
        ) -> None:
            family = socket.AF_INET if is_v4(to[0]) else socket.AF_INET6
            with asker.netns.socket(family, socket.SOCK_DGRAM) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, ACCEPTED.value)
                sock.sendto(word, to)

        assert not udp_reaches(site, blue.netns, (address, PORT), send)
