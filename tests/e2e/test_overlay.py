"""One network on a host of each engine, without a swarm: who reaches whom, whatever dies."""

import signal
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import pytest

from tests.e2e.asking import NOBODY, Question, comes_true, surprises, ways
from tests.e2e.spanning import EVERYBODY, Two, hears, two_hosts
from tests.lab.commands import wait_until
from tests.lab.lab import Lab
from tests.lab.namespace import Peer, ip, ip_json
from tests.lab.site import Site
from tests.reliability.engines.travellers import Ping

SOON: Final = 15.0
MTU: Final = 1450
HEADERS: Final = 28  # of IPv4 and UDP
GROUP: Final = "239.1.2.3"


class App:
    """A network with a web server on each host."""

    def __init__(self, two: Two) -> None:
        self.two = two
        self.networks = two.network(1)
        options = ("-p", "8080:80")
        self.webs = [
            site.web("--network", network, *options)
            for site, network in zip(two.sites, self.networks, strict=True)
        ]
        self.addresses = [
            site.address(web, network)
            for site, web, network in zip(two.sites, self.webs, self.networks, strict=True)
        ]
        self.netns = [site.netns(web) for site, web in zip(two.sites, self.webs, strict=True)]

    def pings(self) -> list[bool]:
        """Whether each reaches the other, by both families."""
        found = []
        for host, site in enumerate(self.two.sites):
            other = self.two.sites[1 - host]
            web, network = self.webs[1 - host], self.networks[1 - host]
            found.append(site.pings(self.webs[host], self.addresses[1 - host]))
            found.append(site.pings(self.webs[host], other.address6(web, network)))
        return found


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
    ("routes=10.9.0.0/16 via 10.50.2.1", "userland_proxy=false"),
    ("rate_to=10mbit", "rate_from=10mbit"),
)


@pytest.fixture(scope="module")
def two(lab: Lab) -> Iterator[Two]:
    with two_hosts(lab) as two:
        yield two


@pytest.fixture(scope="module")
def app(two: Two) -> App:
    return App(two)


def test_who_reaches_whom(two: Two, app: App, peer: Peer) -> None:
    """Containers each other; others what is published, where it is published, and nothing else."""
    here, there = two.sites
    one, other = app.addresses
    stranger = here.netns(here.run("--network", here.network()))
    first, second = here.host.address, there.host.address
    questions: dict[str, Question] = {
        "each other": (app.netns[0], other, 80, app.webs[1]),
        "each other, back": (app.netns[1], one, 80, app.webs[0]),
        "published here": (peer.netns, first, 8080, app.webs[0]),
        "published there": (peer.netns, second, 8080, app.webs[1]),
        "published there, from within": (app.netns[0], second, 8080, app.webs[1]),
        "published there, from another network": (stranger, second, 8080, app.webs[1]),
        "the host's own": (here.host.netns, one, 80, app.webs[0]),
        "the other host's": (here.host.netns, other, 80, NOBODY),
        "from another network": (stranger, one, 80, NOBODY),
        "from another network, there": (stranger, other, 80, NOBODY),
        "from the LAN": (peer.netns, one, 80, NOBODY),
        "from the LAN, there": (peer.netns, other, 80, NOBODY),
    }
    with ways(peer, here, "10.50.1.0/24"):
        assert surprises(questions) == {}
    assert app.pings() == [True] * 4


def test_sizes_and_receivers(app: App) -> None:
    """The largest packet fits whole, a larger one is refused; a broadcast and a multicast arrive."""
    one, other = app.netns
    most = MTU - HEADERS

    assert hears(other, str(app.addresses[1]), most, one) == most
    with pytest.raises(OSError, match="Message too long"):
        hears(other, str(app.addresses[1]), most + 1, one)
    assert hears(other, "10.50.1.255", 10, one) == hears(one, "10.50.1.255", 10, other) == 10
    assert hears(other, GROUP, 10, one, group=True) == 10


def _move(two: Two, app: App, times: int) -> None:
    for number in range(times):
        site = two.sites[number % 2]
        moving = site.run(
            *("--network", app.networks[number % 2], "--ip=10.50.1.9", "--ip6=fd00:50:1::9")
        )
        for watcher, web in zip(two.sites, app.webs, strict=True):
            for address in ("10.50.1.9", "fd00:50:1::9"):
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


def test_the_plugin_and_the_engine_are_killed(two: Two, app: App) -> None:
    """Nothing is lost of what is under way, and new containers are reached."""
    one, other = app.addresses
    with Ping(app.netns[0], other) as there, Ping(app.netns[1], one) as back:
        for site, process in zip(two.sites, two.processes, strict=True):
            process.end(signal.SIGKILL)
            process.start()
            site.host.restart_docker(signal.SIGKILL)
            site.installed.wait_ready()
    late = [
        site.run("--network", network)
        for site, network in zip(two.sites, app.networks, strict=True)
    ]

    assert (there.lost, back.lost) == (0, 0), f"of {there.sent} and {back.sent}"
    assert two.sites[0].pings(late[0], two.sites[1].address(late[1], app.networks[1]))
    assert app.pings() == [True] * 4
    for site, name in zip(two.sites, late, strict=True):
        site.remove(name)


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


def _flood(device: str, peer: str) -> list[str]:
    return ["bridge", "fdb", "del", EVERYBODY, "dev", device, "dst", peer]


HARMS: Final[dict[str, Callable[[str, str], list[str]]]] = {
    "device deleted": lambda device, _: ["ip", "link", "delete", device],
    "device down": lambda device, _: ["ip", "link", "set", device, "down"],
    "device out of its bridge": lambda device, _: ["ip", "link", "set", device, "nomaster"],
    "peer's entry deleted": _flood,
    "lasting entry for a container": lambda device, peer: [
        *("bridge", "fdb", "replace", "02:00:00:00:00:77", "dev", device, "dst", peer)
    ],
    "frames for everybody to a stranger": lambda device, _: [
        *("bridge", "fdb", "append", EVERYBODY, "dev", device, "dst", "10.99.0.77")
    ],
    "rules": lambda *_: ["nft", "delete", "table", "inet", "pynet"],
}


def test_healed(two: Two, app: App, peer: Peer) -> None:
    """Whatever somebody takes away or puts there, it is soon as it was, and told of."""
    site = two.sites[0]
    device, other = two.tunnel(0, app.networks[0]), str(two.sites[1].host.address)
    before = two.held(0, device)
    published: dict[str, Question] = {"": (peer.netns, site.host.address, 8080, app.webs[0])}
    for name, harm in HARMS.items():
        site.host.run(*harm(device, other))
        wait_until(lambda: two.held(0, device) == before, f"after: {name}", deadline=SOON)
        wait_until(lambda: app.pings() == [True] * 4, f"reach after: {name}", deadline=SOON)
    assert comes_true(published, deadline=SOON) == {}
    assert site.installed.ask("/health")["status"] == "ok"


def test_a_learned_place_is_lost(two: Two, app: App) -> None:
    """What the kernel has learned and somebody deletes is found again; nothing is lost."""
    device = two.tunnel(0, app.networks[0])
    (link,) = ip_json(app.netns[1], "link", "show", "dev", "eth0")
    delete = ("bridge", "fdb", "del", link["address"], "dev", device)
    with Ping(app.netns[0], app.addresses[1]) as ping:
        for _ in range(5):
            wait_until(partial(_hears_more, ping, len(ping.heard)), "an answer")
            two.sites[0].host.run(*delete)

    assert ping.lost == 0


def _hears_more(ping: Ping, before: int) -> bool:
    return len(ping.heard) > before


def test_the_host_loses_its_address(two: Two) -> None:
    """The health says so, and no more once it is back."""
    site = two.sites[1]

    def told() -> bool:
        return "has no address" in str(site.installed.ask("/health"))

    address = f"{site.host.address}/24"
    ip(site.host.netns, f"address delete {address} dev eth0")
    try:
        wait_until(told, "the word", deadline=SOON)
    finally:
        ip(
            site.host.netns,
            f"address add {address} dev eth0",
            "route replace default via 10.99.0.254",
        )
    wait_until(lambda: not told(), "the end of it", deadline=SOON)
