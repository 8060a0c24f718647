"""What the options of bridge mode do to packets."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from plugin.model.ids import bridge_name, port_name
from plugin.model.network import Network, Protocol
from plugin.model.traffic import Reach
from tests.fakes.values import a_binding
from tests.kernel.exchange import Answer, Exchange
from tests.kernel.netns import Netns
from tests.kernel.site import HOST4, HOST4_OTHER, HOST6, OUTSIDE4, OUTSIDE6, WEATHERS, Site
from tests.kernel.talk import sender, tcp, udp_reaches

DUAL = ("10.1.0.0/24", "fd00:1::/64")
PORT = 7000
TCP, UDP = Protocol.TCP, Protocol.UDP
R, X, D = Answer.REACHED, Answer.REFUSED, Answer.DROPPED


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


Question = tuple[Netns, str, int]


def answers(
    servers: list[tuple[Netns, int]], questions: dict[str, tuple[Question, Answer]]
) -> tuple[dict[str, Answer], dict[str, Answer]]:
    """What became of the questions by both protocols, and what should have."""
    wanted = {
        f"{name} {protocol.text}": answer
        for name, (_, answer) in questions.items()
        for protocol in (TCP, UDP)
    }
    with Exchange() as exchange:
        for netns, port in servers:
            for protocol in (TCP, UDP):
                exchange.serve(netns, protocol, port)
        for name, ((netns, address, port), _) in questions.items():
            for protocol in (TCP, UDP):
                exchange.ask(f"{name} {protocol.text}", netns, protocol, (address, port))
        found = exchange.answers(dict(wanted))
    return {str(key): answer for key, answer in found.items()}, wanted


def both(port: int, host_port: int) -> list[object]:
    return [a_binding(port, host_port, protocol=protocol) for protocol in (TCP, UDP)]


class TestIcc:
    def test_containers_do_not_reach_each_other(self, site: Site) -> None:
        """But for those that may; published ports and the host are reached all the same."""
        blue = site.network("blue", *DUAL, options={"icc": "false"})
        one = site.container(blue, 2, both(PORT, 8080))  # type: ignore[arg-type]
        two = site.container(blue, 3)
        friend = site.container(blue, 4, options={"icc_allow": "10.1.0.2,fd00:1::2"})
        questions: dict[str, tuple[Question, Answer]] = {}
        for own, address in (("10.1.0.2", HOST4), ("fd00:1::2", HOST6)):
            questions |= {
                f"direct {own}": ((two.netns, own, PORT), D),
                f"allowed {own}": ((friend.netns, own, PORT), R),
                f"published {own}": ((two.netns, address, 8080), R),
                f"published, from itself {own}": ((one.netns, address, 8080), R),
                f"from the host {own}": ((site.host, own, PORT), R),
                f"from outside {own}": ((site.outside, address, 8080), R),
            }
        for other, back in (("10.1.0.4", "10.1.0.3"), ("fd00:1::4", "fd00:1::3")):
            questions |= {
                f"the friend's way back {other}": ((one.netns, other, PORT), R),
                f"not everybody's friend {other}": ((two.netns, other, PORT), D),
                f"nobody's friend {back}": ((one.netns, back, PORT), D),
            }
        servers = [(each.netns, PORT) for each in (one, two, friend)]

        found, wanted = answers(servers, questions)

        assert found == wanted

    def test_nor_by_way_of_the_host(self, site: Site) -> None:
        """Frames to the MAC address of the bridge, or of the host's end of the own link."""
        blue = site.network("blue", *DUAL, "10.2.0.0/24", options={"icc": "false"})
        one = site.container(blue, 2)
        two = site.container(blue, 3)
        friend = site.container(blue, 4, options={"icc_allow": "10.1.0.2,fd00:1::2"})
        for asker, heard in ((two, False), (friend, True)):
            for ifname in (bridge_name(blue.id), port_name(asker.endpoint.id)):
                mac = site.host.mac_of(ifname)
                for address in ("10.1.0.2", "fd00:1::2"):
                    asker.netns.ip(f"neighbour replace {address} lladdr {mac} dev eth0")
                    at = (address, PORT)

                    found = udp_reaches(site, one.netns, at, sender(asker.netns, at))
                    assert found is heard, (ifname, address)

    def test_the_friendship_ends_with_the_container(self, site: Site) -> None:
        """The next container with its address is a stranger."""
        blue = site.network("blue", *DUAL, options={"icc": "false"})
        one = site.container(blue, 2)
        friend = site.container(blue, 3, options={"icc_allow": "10.1.0.2,fd00:1::2"})
        site.stop(friend)
        site.kernel.settle()
        stranger = site.container(blue, 3)
        questions = {each: ((stranger.netns, each, PORT), D) for each in ("10.1.0.2", "fd00:1::2")}

        found, wanted = answers([(one.netns, PORT)], questions)

        assert found == wanted

    def test_who_named_the_other_too_goes_on(self, site: Site) -> None:
        """What both asked for is not drift when one of them is over."""
        blue = site.network("blue", *DUAL, options={"icc": "false"})
        site.container(blue, 2, options={"icc_allow": "10.1.0.3,fd00:1::3"})
        other = site.container(blue, 3, options={"icc_allow": "10.1.0.2,fd00:1::2"})
        before = {each for each in site.firewall.read() if isinstance(each, Reach)}
        site.stop(other)
        after = {each for each in site.firewall.read() if isinstance(each, Reach)}

        assert len(before) == 4
        assert after == before


class TestHostServices:
    @pytest.mark.parametrize(
        ("option", "allowed", "other"),
        [("allow", R, R), ("deny", D, D), (f"{PORT},{PORT}/udp", R, D)],
    )
    def test_what_containers_reach_of_the_host(
        self, site: Site, option: str, allowed: Answer, other: Answer
    ) -> None:
        """At any of its addresses; other containers and the world are not the host."""
        blue = site.network("blue", *DUAL, options={"host_services": option})
        red = site.network("red", "10.2.0.0/24", "fd00:2::/64")
        one = site.container(blue, 2)
        two = site.container(red, 2, both(PORT, 8080))  # type: ignore[arg-type]
        questions: dict[str, tuple[Question, Answer]] = {}
        for addresses in ((HOST4, "10.1.0.1", OUTSIDE4), (HOST6, "fd00:1::1", OUTSIDE6)):
            host, gateway, outside = addresses
            questions |= {
                f"named port of {host}": ((one.netns, host, PORT), allowed),
                f"named port of {gateway}": ((one.netns, gateway, PORT), allowed),
                f"another port of {host}": ((one.netns, host, PORT + 1), other),
                f"published at {host}": ((one.netns, host, 8080), R),
                f"another network at {host}": ((two.netns, host, PORT + 1), R),
                f"outside {outside}": ((one.netns, outside, PORT), R),
            }
        servers = [
            *((site.host, PORT), (site.host, PORT + 1), (two.netns, PORT), (site.outside, PORT))
        ]

        found, wanted = answers(servers, questions)

        assert found == wanted

    def test_the_host_reaches_the_container_and_is_answered(self, site: Site) -> None:
        """A closed host can still ask."""
        one = site.container(site.network("blue", *DUAL, options={"host_services": "deny"}))
        questions = {each: ((site.host, each, PORT), R) for each in ("10.1.0.2", "fd00:1::2")}

        found, wanted = answers([(one.netns, PORT)], questions)

        assert found == wanted

    def test_ping_is_answered_always(self, site: Site) -> None:
        """Else nobody could tell a closed host from a dead one."""
        one = site.container(site.network("blue", *DUAL, options={"host_services": "deny"}))

        for address in (HOST4, "10.1.0.1", HOST6, "fd00:1::1"):
            one.netns.run("ping", "-c", "1", "-W", "2", address)


class TestDirectRouting:
    @pytest.mark.parametrize(("link", "answer"), [("up0", R), ("up1", D)])
    def test_trusted_interfaces(self, site: Site, link: str, answer: Answer) -> None:
        """A host that comes in by a trusted link reaches every port; by another link, none."""
        blue = site.network("blue", *DUAL, options={"trusted_interfaces": f"tap0:{link}"})
        red = site.container(site.network("red", "10.2.0.0/24", "fd00:2::/64"))
        one = site.container(blue)
        for number in (1, 2):
            site.outside.ip(
                f"route add 10.{number}.0.0/24 via {HOST4}",
                f"route add fd00:{number}::/64 via {HOST6}",
            )
        questions = {
            **{each: ((site.outside, each, PORT), answer) for each in ("10.1.0.2", "fd00:1::2")},
            **{each: ((site.outside, each, PORT), D) for each in ("10.2.0.2", "fd00:2::2")},
        }

        found, wanted = answers([(one.netns, PORT), (red.netns, PORT)], questions)

        assert found == wanted

    @pytest.mark.parametrize("mode", ["nat", "routed", "nat-unprotected"])
    def test_ping_from_outside(self, site: Site, mode: str) -> None:
        """Is answered where the containers' addresses are known outside."""
        options = {"gateway_mode_ipv4": mode, "gateway_mode_ipv6": mode}
        site.container(site.network("blue", *DUAL, options=options))
        site.outside.ip(f"route add 10.1.0.0/24 via {HOST4}", f"route add fd00:1::/64 via {HOST6}")

        assert [_pings(site.outside, each) for each in ("10.1.0.2", "fd00:1::2")] == [
            mode != "nat"
        ] * 2


class TestSource:
    def test_a_chosen_source_is_what_others_see(self, site: Site) -> None:
        """In place of the one that the host would choose."""
        site.host.ip("address add fd00:99::3/64 dev up0 nodad preferred_lft 0")
        options = {"host_ipv4": HOST4_OTHER, "host_ipv6": "fd00:99::3"}
        one = site.container(site.network("blue", *DUAL, options=options))
        two = site.container(site.network("red", "10.2.0.0/24", "fd00:2::/64"))

        for address, chosen, usual in (
            (OUTSIDE4, HOST4_OTHER, HOST4),
            (OUTSIDE6, "fd00:99::3", HOST6),
        ):
            at = (address, PORT)
            assert tcp(site.outside, at, one.netns, at) == chosen
            assert tcp(site.outside, at, two.netns, at) == usual

    @pytest.mark.parametrize("mode", ["routed", "nat"])
    def test_a_routed_network_keeps_its_own(self, site: Site, mode: str) -> None:
        """The routers outside know the way."""
        options = {"gateway_mode_ipv4": mode}
        one = site.container(site.network("blue", *DUAL, options=options))
        site.outside.ip(f"route add 10.1.0.0/24 via {HOST4}")
        at = (OUTSIDE4, PORT)

        assert tcp(site.outside, at, one.netns, at) == ("10.1.0.2" if mode == "routed" else HOST4)


class TestIsolatedGateway:
    def test_the_host_has_no_part_in_it(self, site: Site) -> None:
        """Containers reach each other and nobody else."""
        options = {"gateway_mode_ipv4": "isolated", "gateway_mode_ipv6": "isolated"}
        blue = _without_gateways(site, options)
        one, two = site.container(blue, 2), site.container(blue, 3)

        for address in ("10.1.0.2", "fd00:1::2"):
            assert tcp(one.netns, (address, PORT), two.netns, (address, PORT))
        addresses = site.host.run("ip", "-o", "address", "show", "dev", "lan")
        assert "inet" not in addresses


class TestAdopted:
    def test_an_existing_bridge_is_used_and_left(self, site: Site) -> None:
        """With its own ports and addresses."""
        neighbour = site.stranger("br0", "10.1.0.254/24", number=9)
        blue = site.network("blue", "10.1.0.0/24", options={"bridge_name": "br0"})
        one = site.container(blue, 2, [a_binding(PORT)])

        assert tcp(one.netns, ("10.1.0.2", PORT), neighbour, ("10.1.0.2", PORT)) == "10.1.0.9"
        assert tcp(one.netns, ("10.1.0.2", PORT), site.outside, (HOST4, 8080)) == OUTSIDE4
        site.stop(one)
        site.networks.delete(blue.id)
        site.kernel.settle()
        found = site.host.run("ip", "-o", "address", "show", "dev", "br0")
        assert "10.1.0.254/24" in found
        assert "10.1.0.1/24" not in found


@pytest.mark.parametrize("subnets", [DUAL[:1], DUAL])
def test_an_existing_bridge_keeps_its_ipv6(site: Site, subnets: tuple[str, ...]) -> None:
    """Address, advertisements and all: the host may be reached by it."""
    site.host.ip(
        "link add br0 type bridge", "link set br0 up", "address add fd00:7::1/64 dev br0 nodad"
    )
    site.host.sysctl("net/ipv6/conf/br0/accept_ra", 2)
    settings = ("disable_ipv6", "accept_ra", "accept_dad")
    names = [f"net.ipv6.conf.br0.{each}" for each in settings]
    before = site.host.run("sysctl", *names)
    blue = site.network("blue", *subnets, options={"bridge_name": "br0"})
    site.healer.heal()

    assert site.host.run("sysctl", *names) == before
    assert "fd00:7::1/64" in site.host.run("ip", "-o", "address", "show", "dev", "br0")
    site.networks.delete(blue.id)
    assert "fd00:7::1/64" in site.host.run("ip", "-o", "address", "show", "dev", "br0")


def _pings(netns: Netns, address: str) -> bool:
    """One question is enough: the host answers for what it routes, or drops at once."""
    with ExitStack() as stack:
        v6 = ":" in address
        family = socket.AF_INET6 if v6 else socket.AF_INET
        with netns.entered():
            sock = stack.enter_context(
                socket.socket(
                    family,
                    socket.SOCK_RAW,
                    socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP,
                )
            )
        sock.settimeout(0.5)
        sock.connect((address, 0))
        kind = b"\x80\x00" if v6 else b"\x08\x00"
        check = b"\0\0" if v6 else b"\xf7\xfd"  # which the kernel fills in for IPv6 only
        sock.send(kind + check + b"\0\1\0\1")
        try:
            return bool(sock.recv(64))
        except TimeoutError:
            return False


def _without_gateways(site: Site, options: dict[str, str]) -> Network:
    return site.network("blue", *DUAL, internal=True, options={"bridge_name": "lan", **options})
