"""A network on the host's own bridge, which others stand on and go by: who reaches whom.

The LAN is a port of that bridge.  A virtual machine stands behind the host, on a link that the
user has opened with rules.
"""

from collections.abc import Iterator

import pytest

from plugin.model.network import Protocol
from tests.kernel.exchange import Answer, Exchange
from tests.kernel.netns import Netns
from tests.kernel.site import HOST4, HOST6, WEATHERS, Site

PORT = 7000
BRIDGE = "br-lan"
LAN = ("10.99.0.0/24", "fd00:99:1::/64")
# R: reached.  d: dropped.  -: it knows no way.  P: as the policy of FORWARD is.  one and two are containers of the
# network, lan and guest are on its bridge, the others have networks of their own.
TOGETHER = """
              one  lan  guest  vm  other
    one       .    R    R      R   d
    two       R    R    R      R   d
    lan       R    .    R      R   -
    guest     R    R    .      R   d
    vm        d    R    R      .   d
    other     d    R    R      R   .
    strict    d    R    R      R   d
    internal  d    d    d      d   d
    docker0   d    R    R      R   d
    outside   d    P    P      R   d
"""
APART = TOGETHER.replace("two       R", "two       d")
ANSWERS = {"R": Answer.REACHED, "d": Answer.DROPPED, "-": Answer.UNREACHABLE}


@pytest.fixture(
    params=WEATHERS,
)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A host in all weathers, with Docker's rules for its own bridge, and the owner's."""
    br_netfilter, docker = request.param
    made = Site(br_netfilter=br_netfilter, docker=docker)
    for command in ("iptables", "ip6tables") if docker else ():
        for rule in ("-i docker0", "-i vmr", "-o vmr", "-i br-lan -o br-lan"):
            made.host.run(command, "-I", "FORWARD", *rule.split(), "-j", "ACCEPT")
        established = "-m conntrack --ctstate ESTABLISHED -j ACCEPT"
        made.host.run(command, "-I", "FORWARD", *established.split())
    with made.host.entered():
        yield made
        made.close()


@pytest.mark.parametrize(("icc", "table"), [("true", TOGETHER), ("false", APART)])
def test_who_reaches_whom(site: Site, icc: str, table: str) -> None:
    """By both families and protocols."""
    policy = "d" if "-P FORWARD DROP" in site.host.run("iptables", "-S", "FORWARD") else "R"
    who = _neighbours(site)
    network = site.network("lan", *LAN, options={"bridge_name": BRIDGE, "icc": icc})
    who |= {"one": site.container(network, 4).netns, "two": site.container(network, 5).netns}
    for number, (name, options) in enumerate({"other": "on", "strict": "strict"}.items()):
        subnets = (f"10.{number}.0.0/24", f"fd00:{number}::/64")
        made = site.network(name, *subnets, options={"isolation": options})
        who[name] = site.container(made, 2).netns
    internal = site.network("internal", "10.3.0.0/24", "fd00:3::/64", internal=True)
    who["internal"] = site.container(internal, 2).netns
    who["internal"].ip("route add default via 10.3.0.1", "route add default via fd00:3::1")
    who["docker0"] = site.stranger("docker0", "10.4.0.1/24", "fd00:4::1/64")
    addresses = {
        **{
            name: (f"10.99.0.{n}", f"fd00:99:1::{n}")
            for name, n in {"lan": 2, "guest": 3, "one": 4}.items()
        },
        "vm": ("10.98.0.2", "fd00:98::2"),
        "other": ("10.0.0.2", "fd00:0::2"),
    }
    lines = [line.split() for line in table.replace("P", policy).strip().splitlines()]
    wanted = {
        (row[0], server, protocol, address): ANSWERS[letter]
        for row in lines[1:]
        for server, letter in zip(lines[0], row[1:], strict=True)
        if letter != "."
        for protocol in (Protocol.TCP, Protocol.UDP)
        for address in addresses[server]
    }

    with Exchange() as exchange:
        for server in addresses:
            for protocol in (Protocol.TCP, Protocol.UDP):
                exchange.serve(who[server], protocol, PORT)
        for key in wanted:
            client, _, protocol, address = key
            exchange.ask(key, who[client], protocol, (address, PORT))
        found = exchange.answers(wanted)

    assert {key: found[key] for key in wanted if found[key] != wanted[key]} == {}


def _neighbours(site: Site) -> dict[str, Netns]:
    """Everybody who was there before pynet."""
    lan = site.stranger(BRIDGE, "10.99.0.1/24", "fd00:99:1::1/64")
    # It knows the others by the host's address only, but for those whose owner says so.
    lan.ip("route delete default via 10.99.0.1", "route delete default via fd00:99:1::1")
    for via4, via6 in (("10.98.0.0/24", "fd00:98::/64"), ("192.0.2.0/24", "fd00:99::/64")):
        lan.ip(f"route add {via4} via 10.99.0.1", f"route add {via6} via fd00:99:1::1")
    lan.ip("route add 10.4.0.0/24 via 10.99.0.1", "route add fd00:4::/64 via fd00:99:1::1")
    guest = site.stranger(BRIDGE, "10.99.0.1/24", "fd00:99:1::1/64", number=3)
    vm = Netns()
    site.host.ip(
        f"link add vmr type veth peer name eth0 netns {vm.path}",
        "address add 10.98.0.1/24 dev vmr",
        "address add fd00:98::1/64 dev vmr nodad",
        "link set vmr up",
    )
    vm.ip(
        "address add 10.98.0.2/24 dev eth0",
        "address add fd00:98::2/64 dev eth0 nodad",
        "link set eth0 up",
        "route add default via 10.98.0.1",
        "route add default via fd00:98::1",
    )
    vm.wait_for_carrier("eth0")
    site.outside.ip(f"route add 10.0.0.0/8 via {HOST4}", f"route add fd00::/16 via {HOST6}")
    return {"lan": lan, "guest": guest, "vm": vm, "outside": site.outside}
