"""The host among containers on a parent: who is heard, who is answered, who gets through."""

import socket
from collections.abc import Iterator
from typing import Final

import pytest

from plugin.model.ids import shim_name
from plugin.model.network import Network, Protocol
from tests.fakes.values import a_binding
from tests.kernel import frames
from tests.kernel.exchange import Answer
from tests.kernel.questions import PUBLISHED, SERVICE, SHUT, Question, at, surprises
from tests.kernel.site import HOST4, HOST6, OUTSIDE4, OUTSIDE6, Site

pytestmark = pytest.mark.kernels

OPTIONS: Final = {"mode": "macvlan", "parent": "up0", "host_access": "true"}
SUBNETS: Final = ("192.0.2.0/24", "fd00:99::/64")
HOST: Final = (HOST4, HOST6)
REACHED, DROPPED = Answer.REACHED, Answer.DROPPED
GROUPS: Final = (
    "01:00:5e:00:00:01",
    *(f"01:80:c2:00:00:{last:02x}" for last in range(16) if last != 1),
)


@pytest.fixture(params=[True, False], ids=["docker", "alone"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    made = Site(br_netfilter=request.param, docker=request.param)
    for netns in (made.host, made.outside):
        netns.sysctl("net/ipv4/icmp_ratemask", 0)
        netns.sysctl("net/ipv6/icmp/ratelimit", 0)
    with made.host.entered():
        yield made
        made.close()


def a_lan(site: Site, **options: str) -> Network:
    return site.network("lan", *SUBNETS, mode="macvlan", options={**OPTIONS, **options})


def test_who_reaches_whom(site: Site) -> None:
    """Host and containers each other, published ports everybody; the host is no way through."""
    network = a_lan(site)
    bindings = [
        a_binding(SERVICE, PUBLISHED, protocol=each) for each in (Protocol.TCP, Protocol.UDP)
    ]
    one, two = site.container(network, 50, bindings), site.container(network, 51)
    bridge = site.network("blue", "10.1.0.0/24", "fd00:1::/64")
    inner = site.container(bridge)
    for each in (one, two):
        each.netns.ip(f"route add 10.1.0.0/24 via {HOST4}", f"route add fd00:1::/64 via {HOST6}")

    questions: dict[str, Question] = {
        "host to container": (site.host, at(one), SERVICE, REACHED),
        "container to host": (one.netns, HOST, SERVICE, REACHED),
        "container to container": (two.netns, at(one), SERVICE, REACHED),
        "LAN to container": (site.outside, at(one), SERVICE, REACHED),
        "LAN to host": (site.outside, HOST, SERVICE, REACHED),
        "host published": (site.host, HOST, PUBLISHED, REACHED),
        "LAN published": (site.outside, HOST, PUBLISHED, REACHED),
        "neighbour published": (two.netns, HOST, PUBLISHED, REACHED),
        "own published": (one.netns, HOST, PUBLISHED, REACHED),
        "bridge published": (inner.netns, HOST, PUBLISHED, REACHED),
        "container to bridge": (one.netns, at(inner), SERVICE, DROPPED),
        "bridge to container": (inner.netns, at(one), SERVICE, DROPPED),
        "LAN by way of the host": (inner.netns, (OUTSIDE4, OUTSIDE6), SERVICE, REACHED),
    }

    assert surprises(site, questions) == {}


def test_services_of_the_host(site: Site) -> None:
    """As far as they are allowed; answers come in any case."""
    network = a_lan(site, host_services=f"{SERVICE},{SERVICE}/udp")
    one = site.container(network, 50)

    questions: dict[str, Question] = {
        "allowed": (one.netns, HOST, SERVICE, REACHED),
        "denied": (one.netns, HOST, SHUT, DROPPED),
        "asked": (site.host, at(one), SHUT, REACHED),
        "LAN": (site.outside, HOST, SHUT, REACHED),
    }

    assert surprises(site, questions) == {}


def test_the_lan_is_not_heard(site: Site) -> None:
    """A host that sends to the shim's hardware address gets past what guards the parent."""
    network = a_lan(site)
    one = site.container(network, 50)
    shim = site.host.mac_of(shim_name(network.id))
    site.outside.ip(*(f"neigh replace {each} lladdr {shim} dev eth0" for each in HOST))

    questions: dict[str, Question] = {
        "LAN": (site.outside, HOST, SERVICE, DROPPED),
        "container": (one.netns, HOST, SERVICE, REACHED),
    }

    assert surprises(site, questions) == {}


def test_a_container_is_heard_as_itself_only(site: Site) -> None:
    """Another address is not, nor is it one of its neighbours'."""
    network = a_lan(site)
    one, two = site.container(network, 50), site.container(network, 51)
    one.netns.ip(
        "address add 192.0.2.60/24 dev eth0",
        "address add fd00:99::60/64 dev eth0 nodad",
        f"route add {HOST4} dev eth0 src 192.0.2.60",
        f"route add {HOST6} dev eth0 src fd00:99::60",
    )
    questions = {
        "as another": (one.netns, HOST, SERVICE, DROPPED),
        "as itself": (two.netns, HOST, SERVICE, REACHED),
    }

    assert surprises(site, questions) == {}


def test_the_lan_does_not_take_the_shim_for_the_host(site: Site) -> None:
    """A host that asks for the host's hardware address hears the parent's."""
    network = a_lan(site)
    one = site.container(network, 50)
    questions: dict[str, Question] = {
        "host to container": (site.host, at(one), SERVICE, REACHED),
        "LAN to host": (site.outside, HOST, SERVICE, REACHED),
        "container to host": (one.netns, HOST, SERVICE, REACHED),
    }

    assert surprises(site, questions) == {}

    parent, shim = (site.host.mac_of(name) for name in ("up0", shim_name(network.id)))
    for address in HOST:
        assert parent in site.outside.run("ip", "neigh", "show", "to", address)
        assert shim in one.netns.run("ip", "neigh", "show", "to", address)


class TestTheHostsAddresses:
    """They may be leased, and the program that manages them knows nothing of the shim."""

    def test_another_one(self, site: Site) -> None:
        """Of both families, at once."""
        network = a_lan(site)
        one = site.container(network, 50)
        new = ("192.0.2.7", "fd00:99::7")
        site.host.ip(
            f"address delete {HOST4}/24 dev up0",
            f"address delete {HOST6}/64 dev up0",
            f"address add {new[0]}/24 dev up0",
            f"address add {new[1]}/64 dev up0 nodad",
        )
        site.host_addresses.follow()
        site.healer.heal()
        questions: dict[str, Question] = {
            "host to container": (site.host, at(one), SERVICE, REACHED),
            "container to host": (one.netns, new, SERVICE, REACHED),
        }

        assert surprises(site, questions) == {}
        assert site.health.conditions == ()

    def test_flushed(self, site: Site) -> None:
        """The shim has no address of its own then; the next tick restores it."""
        own = ("192.0.2.9", "fd00:99::9")
        network = a_lan(site, host_address=",".join(own))
        one = site.container(network, 50)
        site.host.run("ip", "-6", "address", "flush", "dev", shim_name(network.id))
        site.healer.heal()
        questions: dict[str, Question] = {
            "host to container": (site.host, at(one), SERVICE, REACHED),
            "container to host": (one.netns, own, SERVICE, REACHED),
        }

        assert surprises(site, questions) == {}
        assert site.health.conditions == ()


class TestHardwareAddresses:
    """Containers remember the shim's."""

    def test_the_parent_has_another(self, site: Site) -> None:
        """Its shim has not."""
        network = a_lan(site)
        before = site.host.mac_of(shim_name(network.id))
        site.host.ip("link set up0 address 02:00:00:00:00:77")
        site.host_addresses.follow()
        site.healer.heal()

        assert site.host.mac_of(shim_name(network.id)) == before

    def test_of_a_network_without_a_parent(self, site: Site) -> None:
        """Another program deletes the shim, and the next tick makes it anew."""
        options = {"mode": "macvlan", "host_access": "true", "host_address": "10.9.0.9"}
        network = site.network("alone", "10.9.0.0/24", mode="macvlan", options=options)
        before = site.host.mac_of(shim_name(network.id))
        site.host.ip(f"link delete {shim_name(network.id)}")
        site.healer.heal()

        assert site.host.mac_of(shim_name(network.id)) == before


@pytest.mark.parametrize("services", ["allow", "deny"])
def test_no_hardware_address_leads_past_the_hosts_link(site: Site, services: str) -> None:
    """To a group or to all: what is heard is what the services allow."""
    one = site.container(a_lan(site, host_services=services), 50)
    own = str(one.endpoint.mac_address)
    packets = {
        "own address": frames.udp4(str(one.address4), HOST4, (7, SERVICE)),
        "forged address": frames.udp4("192.0.2.51", HOST4, (7, SERVICE)),
    }
    heard = set()
    with (
        site.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as service,
        one.netns.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender,
    ):
        service.bind((HOST4, SERVICE))
        sender.bind(("eth0", 0))
        for word, packet in packets.items():
            for target in (frames.BROADCAST, *GROUPS):
                sender.send(frames.Ether(source=own, target=target).frame(frames.IP4, packet))
            with site.outside.socket(socket.AF_INET, socket.SOCK_DGRAM) as honest:
                honest.sendto(b"control", (HOST4, SERVICE))
            while service.recv(64) != b"control":
                heard.add(word)

    assert heard == ({"own address"} if services == "allow" else set())
