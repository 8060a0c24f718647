"""Who reaches whom across hosts: containers, the hosts, the LAN, and a container that moves."""

import re
import shlex
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.asking import NOBODY, Question, surprises, ways
from tests.e2e.spanning import HEADERS, App, Two, hears
from tests.lab.clients import reaches
from tests.lab.host import IMAGE
from tests.lab.namespace import Peer
from tests.lab.site import Site

PAGE: Final = Path(__file__).parents[3] / "docs/reference/overlay.md"
HOST: Final = r"\b10\.99\.0\.(\d)\b"
MTU: Final = 1450
GROUP: Final = "239.1.2.3"

# Those of `docker network create`, and what each is to leave as it was: who reaches whom.
OPTIONS: Final = (
    ("peers={peers6}",),
    ("vni=4242", "vxlan_port=4790"),
    ("com.docker.network.driver.overlay.vxlanid_list=4243", "encrypted=false"),
    ("mtu=1300", "iface_prefix=net"),
    ("bridge_name=br-lan",),
    ("masquerade=false", "host_binding=127.0.0.1"),
    ("gateway_mode_ipv4=routed", "gateway_mode_ipv6=routed"),
    ("gateway_mode_ipv4=nat-unprotected", "gateway_mode_ipv6=nat-unprotected"),
    ("gateway_mode_ipv4=isolated", "gateway_mode_ipv6=isolated"),
    ("inhibit_ipv4=true", "trusted_interfaces=eth0"),
    ("isolation=strict", "host_services=deny"),
    ("spoof_guard=false", "no_default_route=true"),
    ("routes=10.9.0.0/16 via 10.52.2.1", "userland_proxy=false"),
    ("rate_to=10mbit", "rate_from=10mbit"),
)


def test_who_reaches_whom(two: Two, app: App, peer: Peer) -> None:
    """Containers each other; others what is published, where it is published, and nothing else."""
    here, there = two.sites
    one, other = app.addresses
    stranger = here.netns(here.run("--network", here.network()))
    first, second = here.host.address, there.host.address
    questions: dict[str, Question] = {
        "each other": (app.netns[0], other, 80, app.webs[1]),
        "each other, back": (app.netns[1], one, 80, app.webs[0]),
        "published here": (peer.netns, first, 8088, app.webs[0]),
        "published there": (peer.netns, second, 8088, app.webs[1]),
        "published there, from within": (app.netns[0], second, 8088, app.webs[1]),
        "published there, from another network": (stranger, second, 8088, app.webs[1]),
        "the host's own": (here.host.netns, one, 80, app.webs[0]),
        "the other host's": (here.host.netns, other, 80, NOBODY),
        "from another network": (stranger, one, 80, NOBODY),
        "from another network, there": (stranger, other, 80, NOBODY),
        "from the LAN": (peer.netns, one, 80, NOBODY),
        "from the LAN, there": (peer.netns, other, 80, NOBODY),
    }
    with ways(peer, here, "10.52.1.0/24"):
        assert surprises(questions) == {}
    assert app.pings() == [True] * 4


def test_the_example_of_the_page(two: Two, peer: Peer) -> None:
    """Line by line, with these hosts' addresses."""
    own = [str(site.host.address) for site in two.sites]
    said = []
    for site in two.sites:
        site.docker("tag", IMAGE, "busybox")
    for line in PAGE.read_text().split("```")[1].replace("\\\n", "").splitlines():
        if line:
            prompt, _, command = re.sub(HOST, lambda found: own[int(found[1]) - 1], line).partition(
                "$ "
            )
            said.append(two.sites[int(prompt[-1]) - 1].docker(*shlex.split(command)[1:]))

    assert "3 packets received" in said[-1]
    assert reaches(peer.netns, own[0], 8080)
    two.sites[0].docker("rm", "-f", "web")
    for site in two.sites:
        site.docker("network", "rm", "app")


def test_sizes_and_receivers(app: App) -> None:
    """The largest packet fits whole, a larger one is refused; a broadcast and a multicast arrive."""
    one, other = app.netns
    most = MTU - HEADERS

    assert hears(other, str(app.addresses[1]), most, one) == most
    with pytest.raises(OSError, match="Message too long"):
        hears(other, str(app.addresses[1]), most + 1, one)
    assert hears(other, "10.52.1.255", 10, one) == hears(one, "10.52.1.255", 10, other) == 10
    assert hears(other, GROUP, 10, one, group=True) == 10


def _move(two: Two, app: App, times: int) -> None:
    for number in range(times):
        site = two.sites[number % 2]
        moving = site.run(
            *("--network", app.networks[number % 2], "--ip=10.52.1.9", "--ip6=fd00:50:1::9")
        )
        for watcher, web in zip(two.sites, app.webs, strict=True):
            for address in ("10.52.1.9", "fd00:50:1::9"):
                assert comes_near(watcher, web, address), f"{address}, move {number}"
        site.remove(moving)


def comes_near(site: Site, container: str, address: str) -> bool:
    """Whether it answers before a kernel would ask anew where it is."""
    return any(site.pings(container, address) for _ in range(3))


def test_a_container_moves(two: Two, app: App) -> None:
    """It is reached where it is now, from both hosts and by both families."""
    _move(two, app, 3)


@pytest.mark.nightly
def test_a_container_moves_again_and_again(two: Two, app: App) -> None:
    """A hundred times."""
    _move(two, app, 100)


@pytest.mark.nightly
def test_options(two: Two) -> None:
    """Containers reach each other across hosts with every option of a network."""
    peers6 = ",".join(str(each.host.address6) for each in two.sites)
    silent = []
    for options in OPTIONS:
        words = [word for each in options for word in ("-o", each.format(peers6=peers6))]
        internal = ["--internal"] if "isolated" in options[0] else []
        networks = two.network(2, *words, *internal)
        containers = [
            site.run("--network", network)
            for site, network in zip(two.sites, networks, strict=True)
        ]
        for host, site in enumerate(two.sites):
            other, name = two.sites[1 - host], containers[1 - host]
            targets = [find(name, networks[1 - host]) for find in (other.address, other.address6)]
            silent += [
                (*options, host, str(target))
                for target in targets
                if not comes_near(site, containers[host], str(target))
            ]
        for site, container, network in zip(two.sites, containers, networks, strict=True):
            site.remove(container)
            site.remove_network(network)

    assert silent == []
