"""Whatever is killed or removed: no packet under way is lost, and it is soon as it was."""

import signal
from contextlib import ExitStack
from functools import partial

from tests.e2e.asking import Question, comes_true
from tests.e2e.spanning import HARMS, SOON, App, Two
from tests.lab.commands import wait_until
from tests.lab.namespace import Peer, ip, ip_json
from tests.lab.site import Site
from tests.reliability.engines.travellers import Ping


def test_the_plugin_and_the_engine_are_killed(two: Two, app: App, hidden: App) -> None:
    """Nothing is lost of what is under way, and new containers are reached."""
    ways = [
        (each.netns[host], each.addresses[1 - host]) for each in (app, hidden) for host in (0, 1)
    ]
    with ExitStack() as stack:
        pings = [stack.enter_context(Ping(*way)) for way in ways]
        for site, process in zip(two.sites, two.processes, strict=True):
            process.end(signal.SIGKILL)
            process.start()
            site.host.restart_docker(signal.SIGKILL)
            site.installed.wait_ready()
    late = [
        site.run("--network", network)
        for site, network in zip(two.sites, app.networks, strict=True)
    ]

    assert [each.lost for each in pings] == [0] * 4, [each.sent for each in pings]
    assert two.sites[0].pings(late[0], two.sites[1].address(late[1], app.networks[1]))
    assert app.pings() == hidden.pings() == [True] * 4
    for site, name in zip(two.sites, late, strict=True):
        site.remove(name)


def test_healed(two: Two, app: App, peer: Peer) -> None:
    """Whatever another program removes or adds, it is soon as it was, and counted."""
    site = two.sites[0]
    device, other = two.tunnel(0, app.networks[0]), str(two.sites[1].host.address)
    before = two.held(0, device)
    published: dict[str, Question] = {"": (peer.netns, site.host.address, 8088, app.webs[0])}
    counts = [_repaired(site)]
    for name, harm in HARMS.items():
        site.host.run(*harm(device, other))
        wait_until(lambda: two.held(0, device) == before, f"after: {name}", deadline=SOON)
        wait_until(lambda: app.pings() == [True] * 4, f"reach after: {name}", deadline=SOON)
        wait_until(lambda: _repaired(site) > counts[-1], f"count after: {name}", deadline=SOON)
        counts.append(_repaired(site))
    assert comes_true(published, deadline=SOON) == {}
    assert site.installed.ask("/health")["status"] == "ok"


def _repaired(site: Site) -> int:
    """How many objects were not as they should be, since pynet started."""
    return int(site.installed.ask("/v1/status")["repaired"]["count"])


def test_a_learned_place_is_lost(two: Two, app: App) -> None:
    """A place that another program deletes is learned again; no packet is lost."""
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


def test_the_host_loses_its_address(two: Two, app: App, hidden: App) -> None:
    """The health says so, and no more once it is back; then containers reach each other again."""
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
    reached = partial(_reached, app, hidden)
    wait_until(reached, "containers of the other host", deadline=SOON)


def _reached(*apps: App) -> bool:
    return all(each.pings() == [True] * 4 for each in apps)
