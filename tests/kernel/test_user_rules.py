"""Rules of the user's decide about pynet's networks as they do about Docker's."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from plugin.model.network import Network
from tests.fakes.values import a_binding
from tests.kernel.netns import Netns
from tests.kernel.site import HOST4, HOST4_OTHER, HOST6, OUTSIDE4, OUTSIDE6, Container, Site
from tests.kernel.talk import tcp

DUAL = ("10.1.0.0/24", "fd00:1::/64")
OTHER6 = "fd00:99::3"
PORT, OTHER_PORT, PUBLISHED = 80, 81, 8080
UPLINK = 2  # the mark of connections by the second uplink


@dataclass(frozen=True, slots=True)
class Family:
    """How one family is spoken of."""

    command: str
    subnet: str
    container: str
    outside: str
    host: str
    other: str  # another address of the host

    def at(self, port: int) -> str:
        """The container's address and a port, as iptables has them."""
        return f"[{self.container}]:{port}" if ":" in self.container else f"{self.container}:{port}"


V4 = Family("iptables", DUAL[0], "10.1.0.2", OUTSIDE4, HOST4, HOST4_OTHER)
V6 = Family("ip6tables", DUAL[1], "fd00:1::2", OUTSIDE6, HOST6, OTHER6)


@pytest.fixture
def site() -> Iterator[Site]:
    """A host with Docker's chains, whose neighbour knows a way to the containers."""
    made = Site(docker=True)
    made.host.ip(f"address add {OTHER6}/64 dev up0 nodad preferred_lft 0")
    made.outside.ip(f"route add {DUAL[0]} via {HOST4}", f"route add {DUAL[1]} via {HOST6}")
    with made.host.entered():
        yield made
        made.close()


@pytest.fixture
def network(site: Site) -> Network:
    return site.network("blue", *DUAL)


@pytest.fixture
def one(site: Site, network: Network) -> Container:
    """A container whose port 80 is published as 8080."""
    return site.container(network, 2, [a_binding(PORT, PUBLISHED)])


def seen(site: Site, family: Family, one: Container) -> str:
    """The address that a neighbour sees the container come from."""
    at = (family.outside, 7000)
    return tcp(site.outside, at, one.netns, at)


@pytest.mark.parametrize("family", [V4, V6], ids=["v4", "v6"])
class TestMasquerading:
    def test_nobody_says_anything(self, site: Site, family: Family, one: Container) -> None:
        """The host's address is seen."""
        assert seen(site, family, one) == family.host

    def test_another_source(self, site: Site, family: Family, one: Container) -> None:
        """A rule of the user's with SNAT, before Docker's or behind."""
        rule = f"-s {family.subnet} -o up0 -j SNAT --to-source {family.other}"
        site.host.run(family.command, "-t", "nat", "-A", "POSTROUTING", *rule.split())

        assert seen(site, family, one) == family.other

    def test_no_translation(self, site: Site, family: Family, one: Container) -> None:
        """ACCEPT, as it is written for what goes into a tunnel; the rest goes on."""
        nat = (family.command, "-t", "nat")
        rule = f"-s {family.subnet} -d {family.outside} -j ACCEPT"
        site.host.run(*nat, "-I", "POSTROUTING", *rule.split())
        site.healer.heal()  # as the watch of rules asks for

        assert seen(site, family, one) == family.container
        site.host.run(*nat, "-D", "POSTROUTING", *rule.split())
        assert seen(site, family, one) == family.host
        site.host.run(*nat, "-A", "POSTROUTING", *rule.split())
        site.healer.heal()
        assert seen(site, family, one) == family.container
        site.restart()
        assert seen(site, family, one) == family.container
        site.host.run(*nat, "-F", "POSTROUTING")
        site.healer.heal()
        assert seen(site, family, one) == family.host

    def test_an_address_that_the_network_names(self, site: Site, family: Family) -> None:
        """A rule that masquerades all traffic does not change it."""
        options = {"host_ipv4": V4.other, "host_ipv6": V6.other}
        rule = "POSTROUTING -o up0 -j MASQUERADE"
        site.host.run(family.command, "-t", "nat", "-A", *rule.split())
        one = site.container(site.network("red", *DUAL, options=options))

        assert seen(site, family, one) == family.other


@pytest.mark.parametrize("family", [V4, V6], ids=["v4", "v6"])
@pytest.mark.parametrize("chain", ["PREROUTING", "OUTPUT"])
def test_a_port_that_the_user_sends_elsewhere(
    site: Site, family: Family, chain: str, one: Container
) -> None:
    """For one client, from outside and from the host itself; the others reach what is published."""
    client = site.outside if chain == "PREROUTING" else site.host
    rule = f"-p tcp -d {family.host} --dport {PUBLISHED} -j DNAT --to-destination"
    site.host.run(family.command, "-t", "nat", "-A", chain, *rule.split(), family.at(OTHER_PORT))

    tcp(one.netns, (family.container, OTHER_PORT), client, (family.host, PUBLISHED))
    tcp(one.netns, (family.container, PORT), client, (family.other, PUBLISHED))


@pytest.fixture
def second(site: Site, one: Container) -> Iterator[Netns]:
    """A client behind a second uplink; answers go there by the mark of the connection alone.

    The recipe is everybody's: CONNMARK, exact marks, and a routing table for each uplink.
    """
    made = Netns()
    site.host.ip(
        f"link add up1 type veth peer name eth0 netns {made.path}",
        "address add 198.51.100.1/24 dev up1",
        "address add fd00:98::1/64 dev up1 nodad",
        "link set up1 up",
    )
    made.ip(
        "address add 198.51.100.2/24 dev eth0",
        "address add 203.0.113.1/32 dev lo",
        "address add fd00:98::2/64 dev eth0 nodad",
        "address add fd00:97::1/128 dev lo nodad",
        "link set eth0 up",
        "route replace 198.51.100.0/24 dev eth0 src 203.0.113.1",
        "route add fd00:98::1/128 dev eth0 src fd00:97::1",
    )
    made.wait_for_carrier("eth0")
    bridge = json.loads(site.host.run("ip", "-json", "link", "show", "type", "bridge"))[0]["ifname"]
    for command, via in (("iptables", "198.51.100.2"), ("ip6tables", "fd00:98::2")):
        for rule in (
            f"-i up1 -m conntrack --ctstate NEW -j CONNMARK --set-mark {UPLINK}",
            f"-i {bridge} -m connmark --mark {UPLINK} -j CONNMARK --restore-mark",
        ):
            site.host.run(command, "-t", "mangle", "-A", "PREROUTING", *rule.split())
        site.host.run(command, "-t", "mangle", "-A", "POSTROUTING", "-m", "mark", "--mark", "2")
        version = "-6" if command == "ip6tables" else "-4"
        site.host.run("ip", version, "route", "add", "default", "via", via, "table", "102")
        site.host.run("ip", version, "rule", "add", "fwmark", str(UPLINK), "table", "102")
    for name in ("all", "up0", "up1"):
        site.host.sysctl(f"net/ipv4/conf/{name}/rp_filter", 0)
    yield made
    made.close()


@pytest.mark.parametrize("family", [V4, V6], ids=["v4", "v6"])
def test_answers_find_their_uplink_by_an_exact_mark(
    site: Site, family: Family, one: Container, second: Netns
) -> None:
    """The mark is the user's where routing, mangle and tc look at it."""
    host = "198.51.100.1" if family is V4 else "fd00:98::1"

    came_from = tcp(one.netns, (family.container, PORT), second, (host, PUBLISHED))
    assert came_from == ("203.0.113.1" if family is V4 else "fd00:97::1")
    listing = site.host.run(family.command, "-t", "mangle", "-v", "-n", "-L", "POSTROUTING")
    (rule,) = [line for line in listing.splitlines() if "mark match 0x2" in line]
    assert int(rule.split()[0]) > 0


def test_marks_are_whole_when_they_leave(site: Site, one: Container) -> None:
    """Of what was let through, and where the last rule of iptables' has set one."""
    site.host.run("iptables", "-t", "nat", "-A", "POSTROUTING", "-d", "192.0.2.9", "-j", "ACCEPT")
    site.healer.heal()
    table = """
        add table netdev mine
        add chain netdev mine out { type filter hook egress device "up0" priority 0; }
        add rule netdev mine out ip daddr 192.0.2.1 meta mark 0 counter
        add rule netdev mine out ip daddr 192.0.2.1 meta mark != 0 counter
    """
    site.host.run("nft", "-f", "-", stdin=table)
    assert seen(site, V4, one) == HOST4

    plain, marked = re.findall(
        r"packets (\d+)", site.host.run("nft", "list", "table", "netdev", "mine")
    )
    assert int(plain) > 0
    assert marked == "0"
