"""A host loses its power, and comes back as it was; also with a newer engine on the same data."""

import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from tests.lab.clients import http_get
from tests.lab.commands import DeadlineError, wait_until
from tests.lab.installed import PluginProcess
from tests.lab.managed import ManagedPlugin
from tests.lab.roots import ENGINES, Engine
from tests.lab.site import Site
from tests.lab.traces import Traces, take
from tests.reliability.engines.grounds import Ground, on_all_engines, ways_of
from tests.reliability.engines.lan import ISOLATED, LAN
from tests.reliability.engines.leftovers import Holdings, wait_clean
from tests.reliability.engines.town import Town
from tests.reliability.proof import Count, Proof, Scope

OLD, NEW = "20.10", "28"
# Where our rules are depends on which chains the engine has made for either family.
_NEW_ENGINES_OWN: Final = ("iptables ", "ip6tables ")


def reboot(ground: Ground, engine: Engine | None = None) -> Iterator[Count]:
    """Reboot; check networks and published ports; remove all."""
    site, peer = ground.site, ground.peer
    besides = _NEW_ENGINES_OWN if engine is not None else ()
    empty = Holdings.of(site.host, site.installed)
    streets = [
        site.network("--subnet=10.60.0.0/24", "--gateway=10.60.0.1"),
        site.network("--ipv6"),
        site.network("--opt=icc=false"),
        site.network(ipam=False),
        site.network(*LAN),
    ]
    networks = [*streets, site.network("--internal"), site.network(*ISOLATED)]
    before = take(site.host.netns)
    known = _inspected(site, networks)
    town = Town(site, streets, len(streets))
    town.check(peer)

    _reboot(site, engine)
    town.wait_up()
    town.check(peer)
    now = _inspected(site, networks)
    assert now == known, f"the engine shows {now}, and showed {known}"
    late = site.run("--network", streets[0])
    assert site.pings(late, "10.60.0.1")
    site.remove(late)
    for network, askers in ((streets[-1], (site.host, peer)), (networks[-1], (site.host,))):
        late = site.web("--network", network)
        for asker in askers:
            assert http_get(asker.netns, site.address(late, network), 80) == late
        site.remove(late)
    town.remove()
    changes = _changes(site, before, besides)
    assert changes == [], f"the host's network is not as it was: {changes}"
    for network in networks:
        site.remove_network(network)
    left = wait_clean(site.host, site.installed, empty, town.ports, besides)
    assert left == [], f"left: {left}"
    yield Count(what="networks that were there again", number=len(networks))
    yield Count(what="published ports that answered again", number=len(town.ports))
    yield Count(what="things left behind", number=len(left))


def _changes(site: Site, before: Traces, besides: tuple[str, ...]) -> list[str]:
    """What is different in the host's network, when time enough was given."""

    def changes() -> list[str]:
        now = take(site.host.netns)
        found = [*now.missing(before), *now.beyond(before)]
        return [line for line in found if not line.startswith(besides)]

    with suppress(DeadlineError):
        wait_until(lambda: not changes(), "the host's network as it was")
    return changes()


def _reboot(site: Site, engine: Engine | None) -> None:
    plugin = site.installed
    if isinstance(plugin, PluginProcess):
        plugin.end(signal.SIGKILL)
        site.host.reboot(engine=engine, before_docker=plugin.start)
    else:
        assert isinstance(plugin, ManagedPlugin)
        site.host.reboot(engine=engine)
        plugin.wait_ready()


def _inspected(site: Site, networks: list[str]) -> list[object]:
    """What every engine says of networks, in the same words."""
    said = [site.inspect("network", name) for name in networks]
    return [
        (
            each["Id"],
            each["Internal"],
            [(one["Subnet"], one["Gateway"].split("/")[0]) for one in _ranges(each)],
        )
        for each in said
    ]


def _ranges(network: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = network["IPAM"]["Config"]
    return found


def _prove_reboot(scope: Scope) -> list[Count]:
    ways = ways_of(scope)
    return on_all_engines(lambda ground: _again(ground, scope.amount(5, 1)), ways=ways)


def _again(ground: Ground, times: int) -> list[Count]:
    counts = [list(reboot(ground)) for _ in range(times)]
    return [Count(what="reboots", number=times), *counts[-1]]


def _prove_upgrade(scope: Scope) -> list[Count]:
    return on_all_engines(lambda ground: reboot(ground, ENGINES[NEW]), engines=[OLD])


_EQUAL: Final = (
    "Networks of several kinds (named and chosen subnets, IPv6, internal, `icc=false`, Docker's own "
    "addresses, macvlan with `host_access` with and without a parent) and containers with published ports are there. "
    "Everything is killed at once and the "
    "host's network goes with it; then pynet is started, and then dockerd{}. The engine shows the "
    "same networks, the containers answer another machine on the same ports, the host and its "
    "macvlan containers reach each other, and without "
    "containers the host's network is as it was. In the end nothing is left."
)

REBOOT: Final = Proof(
    name="reboot", title="Reboot of a host", method=_EQUAL.format(""), prove=_prove_reboot
)

UPGRADE: Final = Proof(
    name="engine-upgrade",
    title="Upgrade of the engine",
    method=_EQUAL.format(f" {NEW} on the data of dockerd {OLD}"),
    prove=_prove_upgrade,
)
