"""dockerd is killed and says nothing of the containers that ended with it."""

import signal
from collections.abc import Iterator
from typing import Final

from tests.lab.clients import http_get
from tests.lab.commands import wait_until
from tests.lab.site import Site
from tests.reliability.engines.grounds import Ground, on_all_engines, ways_of
from tests.reliability.engines.leftovers import Holdings, wait_clean
from tests.reliability.proof import Count, Proof, Scope

PORTS: Final = range(8300, 8302)


def stale_endpoints(ground: Ground, *, ipam: bool) -> list[str]:
    """Kill dockerd under containers; start them again at once, on the same ports and addresses."""
    site, peer = ground.site, ground.peer
    before = Holdings.of(site.host, site.installed)
    network = site.network("--subnet=10.61.0.0/24", ipam=ipam)
    on = ("--network", network)
    fixed = site.web(*on, "--ip=10.61.0.10", "-p", f"{PORTS[0]}:80")
    any_address = site.web(*on, "-p", f"{PORTS[1]}:80")
    never_again = site.run(*on, "-p", "80")
    site.host.restart_docker(signal.SIGKILL)

    for web, port in ((fixed, PORTS[0]), (any_address, PORTS[1])):
        site.docker("start", web)
        site.answering(web)
        assert http_get(peer.netns, site.host.address, port) == web
    assert str(site.address(fixed, network)) == "10.61.0.10"
    late = site.run("--network", network)
    assert site.pings(late, "10.61.0.10")
    # The one that is not started again has nothing any more but, with another's IPAM, a record.
    wait_until(lambda: _ports_of(site) == len(PORTS), "the end of the third's port")
    site.remove(fixed, any_address, never_again, late)
    site.remove_network(network)
    return wait_clean(site.host, site.installed, before, PORTS)


def _both(ground: Ground, times: int) -> Iterator[Count]:
    for ipam in (True, False):
        for _ in range(times):
            left = stale_endpoints(ground, ipam=ipam)
            assert left == [], f"left: {left}"
        whose = "pynet's" if ipam else "Docker's"
        yield Count(what=f"kill -9 of dockerd, with {whose} addresses", number=times)
    yield Count(what="containers that did not start again, things left behind", number=0)


def _prove(scope: Scope) -> list[Count]:
    ways = ways_of(scope)
    return on_all_engines(lambda ground: _both(ground, scope.amount(5, 1)), ways=ways)


def _ports_of(site: Site) -> int:
    found = site.installed.ask("/v1/ports")
    return len({each["host_port"] for each in found})


STALE_ENDPOINTS: Final = Proof(
    name="stale-endpoints",
    title="Endpoints that a killed engine forgets",
    method=(
        "dockerd is killed with -9 under three containers with published ports, and started "
        "again. With Docker's own IPAM it never tells the driver that their endpoints are gone. "
        "Two of them are started at once, one with a fixed address, and answer another machine on "
        "the same ports; the third does not hold its port any more. After `docker rm` and "
        "`docker network rm` nothing is left."
    ),
    prove=_prove,
)
