"""The host among ipvlan containers: who reaches whom, in each mode."""

from typing import Final

import pytest

from plugin.errors import RefusedError
from plugin.model.ids import own_address
from plugin.model.network import Network, Protocol
from tests.fakes.values import a_binding
from tests.kernel.exchange import Answer
from tests.kernel.netns import Netns
from tests.kernel.questions import PUBLISHED, SERVICE, SHUT, Question, at, surprises
from tests.kernel.site import HOST4, HOST6, OUTSIDE4, OUTSIDE6, Site

pytestmark = pytest.mark.vm

LAN: Final = ("192.0.2.0/24", "fd00:99::/64")
BEHIND: Final = ("10.20.1.0/24", "fd00:20::/64")  # what the LAN routes to the host
OWN: Final = ("192.0.2.9", "fd00:99::9")
OWN_BEHIND: Final = ("10.20.1.9", "fd00:20::9")
PARENT: Final = (HOST4, HOST6)
REACHED, DROPPED = Answer.REACHED, Answer.DROPPED


def a_net(site: Site, mode: str, **options: str) -> Network:
    """On the LAN or behind the host, as the mode wants it."""
    subnets, own = (LAN, OWN) if mode == "l2" else (BEHIND, OWN_BEHIND)
    if mode != "l2":
        site.outside.ip(
            f"route add {subnets[0]} via {HOST4}", f"route add {subnets[1]} via {HOST6}"
        )
    given = {
        "mode": "ipvlan",
        "parent": "up0",
        "ipvlan_mode": mode,
        "host_access": "true",
        "host_address": ",".join(own),
        **options,
    }
    given = {name: value for name, value in given.items() if value}
    return site.network("net", *subnets, mode="ipvlan", options=given)


@pytest.mark.parametrize("mode", ["l2", "l3", "l3s"])
def test_who_reaches_whom(site: Site, mode: str) -> None:
    """Host and containers each other, published ports everybody; the LAN as ever."""
    network = a_net(site, mode)
    own = OWN if mode == "l2" else OWN_BEHIND
    bindings = [
        a_binding(SERVICE, PUBLISHED, protocol=each) for each in (Protocol.TCP, Protocol.UDP)
    ]
    one, two = site.container(network, 50, bindings), site.container(network, 51)
    bridge = site.network("blue", "10.1.0.0/24", "fd00:1::/64")
    inner = site.container(bridge)
    questions: dict[str, Question] = {
        "host to container": (site.host, at(one), SERVICE, REACHED),
        "container to host": (one.netns, own, SERVICE, REACHED),
        "container to container": (two.netns, at(one), SERVICE, REACHED),
        "LAN to container": (site.outside, at(one), SERVICE, REACHED),
        "container to LAN": (one.netns, (OUTSIDE4, OUTSIDE6), SERVICE, REACHED),
        "LAN to host": (site.outside, PARENT, SERVICE, REACHED),
        "host published": (site.host, PARENT, PUBLISHED, REACHED),
        "LAN published": (site.outside, PARENT, PUBLISHED, REACHED),
        "neighbour published": (two.netns, own, PUBLISHED, REACHED),
        "own published": (one.netns, own, PUBLISHED, REACHED),
        "bridge published": (inner.netns, PARENT, PUBLISHED, REACHED),
        "bridge to container": (inner.netns, at(one), SERVICE, DROPPED),
        "LAN to the host there": (
            site.outside,
            own,
            SERVICE,
            REACHED if mode == "l3s" else DROPPED,
        ),
    }

    assert surprises(site, questions) == {}


@pytest.mark.parametrize("mode", ["l2", "l3", "l3s"])
def test_no_address_is_needed(site: Site, mode: str) -> None:
    """The host has one among its containers that the LAN does not know."""
    network = a_net(site, mode, host_address="")
    own = (str(own_address(network.id, 4)), str(own_address(network.id, 6)))
    bindings = [
        a_binding(SERVICE, PUBLISHED, protocol=each) for each in (Protocol.TCP, Protocol.UDP)
    ]
    one, two = site.container(network, 50, bindings), site.container(network, 51)
    questions: dict[str, Question] = {
        "host to container": (site.host, at(one), SERVICE, REACHED),
        "container to host": (one.netns, own, SERVICE, REACHED),
        "container to container": (two.netns, at(one), SERVICE, REACHED),
        "LAN to container": (site.outside, at(one), SERVICE, REACHED),
        "container to LAN": (one.netns, (OUTSIDE4, OUTSIDE6), SERVICE, REACHED),
        "host to LAN": (site.host, (OUTSIDE4, OUTSIDE6), SERVICE, REACHED),
        "host published": (site.host, PARENT, PUBLISHED, REACHED),
        "LAN published": (site.outside, PARENT, PUBLISHED, REACHED),
        "neighbour published": (two.netns, own, PUBLISHED, REACHED),
        "own published": (one.netns, own, PUBLISHED, REACHED),
    }

    assert surprises(site, questions) == {}


def test_what_guards_the_parent_guards_the_host(site: Site) -> None:
    """In mode l3s, where the LAN reaches the host's address there: it comes in by the parent."""
    network = a_net(site, "l3s")
    one = site.container(network, 50)
    for command in ("iptables", "ip6tables"):
        for protocol in ("tcp", "udp"):
            rule = f"-A INPUT -i up0 -p {protocol} --dport {SHUT} -j DROP"
            site.host.run(command, *rule.split())
    questions: dict[str, Question] = {
        "LAN": (site.outside, OWN_BEHIND, SHUT, DROPPED),
        "container": (one.netns, OWN_BEHIND, SHUT, REACHED),
    }

    assert surprises(site, questions) == {}


def test_services_of_the_host(site: Site) -> None:
    """As far as they are allowed, and not at another address of the host's either."""
    network = a_net(site, "l2", host_services=f"{SERVICE},{SERVICE}/udp")
    one = site.container(network, 50)
    questions: dict[str, Question] = {
        "allowed": (one.netns, OWN, SERVICE, REACHED),
        "denied": (one.netns, OWN, SHUT, DROPPED),
        "parent": (one.netns, PARENT, SHUT, DROPPED),
        "asked": (site.host, at(one), SHUT, REACHED),
        "LAN": (site.outside, PARENT, SHUT, REACHED),
    }

    assert surprises(site, questions) == {}


def test_a_frame_past_the_services(site: Site) -> None:
    """A container that knows its own MAC address knows its parent's."""
    network = a_net(site, "l2", host_services="deny")
    one, two = site.container(network, 50), site.container(network, 51)
    mac_address = site.host.mac_of("up0")
    one.netns.ip(*(f"neigh replace {each} lladdr {mac_address} dev eth0" for each in PARENT))
    questions: dict[str, Question] = {
        "past the services": (one.netns, PARENT, SERVICE, DROPPED),
        "by the services": (one.netns, OWN, SERVICE, DROPPED),
        "container to container": (two.netns, at(one), SERVICE, REACHED),
        "LAN to host": (site.outside, PARENT, SERVICE, REACHED),
        "LAN to container": (site.outside, at(one), SERVICE, REACHED),
    }

    assert surprises(site, questions) == {}


def test_the_host_is_off_the_link(site: Site) -> None:
    """Then containers are told that it is on it all the same."""
    own = ("172.16.0.9", "fd00:16::9")
    network = a_net(site, "l2", host_address=",".join(own))
    one = site.container(network, 50)
    questions: dict[str, Question] = {
        "host to container": (site.host, at(one), SERVICE, REACHED),
        "container to host": (one.netns, own, SERVICE, REACHED),
    }

    assert surprises(site, questions) == {}


def test_the_parent_has_another_mac_address(site: Site) -> None:
    """As on Wi-Fi at every connection: containers have it too."""
    network = a_net(site, "l2")
    one = site.container(network, 50)
    site.host.ip("link set up0 address 02:00:00:00:00:77")
    site.host_addresses.follow()
    questions: dict[str, Question] = {
        "host to container": (site.host, at(one), SERVICE, REACHED),
        "container to host": (one.netns, OWN, SERVICE, REACHED),
    }

    assert surprises(site, questions) == {}


def test_nothing_is_left(site: Site) -> None:
    """Of a network that a restarted plugin found again."""
    network = a_net(site, "l2")
    one = site.container(network, 50)
    site.restart()
    site.healer.heal()
    assert "pnh-" in site.host.run("ip", "link")
    assert "192.0.2.50" in site.host.run("ip", "route")
    site.stop(one)
    assert "192.0.2.50" not in site.host.run("ip", "route")
    site.networks.delete(network.id)
    site.kernel.settle()

    assert "pnh-" not in site.host.run("ip", "link")


def test_an_address_that_another_network_has(site: Site) -> None:
    """Is the kernel's to refuse, and nothing is left."""
    a_net(site, "l2")
    options = {"mode": "ipvlan", "parent": "up0", "host_access": "true", "host_address": OWN[0]}
    with pytest.raises(RefusedError, match=f"address {OWN[0]} is in use"):
        site.network("other", "10.30.0.0/24", mode="ipvlan", options=options)
    site.kernel.settle()

    assert site.host.run("ip", "-o", "link").count("pnh-") == 1


@pytest.mark.parametrize("mode", ["l2", "l3", "l3s"])
def test_the_address_of_the_parent(site: Site, mode: str) -> None:
    """The kernel would let a container have what the LAN sends to the host; pynet does not."""
    options = {"mode": "ipvlan", "parent": "up0", "ipvlan_mode": mode}
    network = site.network("lan", *LAN, mode="ipvlan", options=options)
    asked: dict[str, Question] = {"LAN to host": (site.outside, PARENT, SERVICE, REACHED)}

    with pytest.raises(RefusedError, match=rf"address {HOST4} is the host's on the parent"):
        site.container(network, 2)
    assert surprises(site, asked) == {}

    thief = Netns()
    site.host.ip(f"link add link up0 name thief type ipvlan mode {mode}")
    site.host.ip(f"link set thief netns {thief.path}")
    thief.ip(f"address add {HOST4}/24 dev thief", "link set thief up")
    assert surprises(site, asked) != {}
