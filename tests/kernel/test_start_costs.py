"""What a start costs when there is much to restore; the figures are printed."""

import resource
import sys
import time

import pytest

from plugin.model.network import Endpoint, Protocol
from plugin.store.codec import decode, encode
from tests.fakes.values import a_binding
from tests.kernel.site import Site

pytestmark = pytest.mark.nightly

NETWORKS = 500
PORTS = 9000  # this machine may grant 20,000 files, and one of IPv4 alone takes one
UDP = Protocol.UDP


def told(what: str, number: int, since: float) -> None:
    seconds = time.monotonic() - since
    sys.stderr.write(
        f"{what}: {seconds:.2f} s for {number}, {seconds / number * 1000:.2f} ms each\n"
    )


def test_many_networks(site: Site) -> None:
    """They are there, and each is compared with what it should be."""
    for number in range(NETWORKS):
        site.network(f"n{number}", f"10.{1 + number // 250}.{number % 250}.0/24")
    since = time.monotonic()
    site.restart()
    told("start beside networks that are there", NETWORKS, since)

    assert not site.health.conditions


def test_many_ports(site: Site) -> None:
    """A container with a range, published, found again by a restart, and withdrawn."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        blue = site.network("blue", "10.1.0.0/24", options={"userland_proxy": "false"})
        one = site.container(blue, 2)
        wishes = [a_binding(10000 + i, 10000 + i, protocol=UDP) for i in range(PORTS)]
        since = time.monotonic()
        site.endpoints.program(blue.id, one.endpoint.id, wishes)
        told("published", PORTS, since)
        record = encode(site.endpoints.get(blue.id, one.endpoint.id))
        since = time.monotonic()
        decode(record, Endpoint)
        told(f"record of {len(record)} bytes read", PORTS, since)
        since = time.monotonic()
        site.restart()
        told("start", PORTS, since)
        since = time.monotonic()
        site.stop(one)
        told("withdrawn", PORTS, since)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))

    site.kernel.connections_ended()
    assert not site.store.endpoints(blue.id)
