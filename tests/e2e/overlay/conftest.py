"""Two hosts, and networks on both, for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.e2e.spanning import VXLAN_PORT, WIREGUARD_PORT, App, Two, two_hosts
from tests.lab.lab import Lab


@pytest.fixture(scope="package")
def two(lab: Lab) -> Iterator[Two]:
    with two_hosts(lab) as two:
        yield two


@pytest.fixture(scope="package")
def app(two: Two) -> App:
    return App(two, 1, ports=("-p", "8088:80"))


@pytest.fixture(scope="package")
def hidden(two: Two) -> App:
    """One that is encrypted."""
    ports = f"wireguard_port={WIREGUARD_PORT}", f"vxlan_port={VXLAN_PORT}"
    return App(two, 7, *(word for each in ("encrypted", *ports) for word in ("-o", each)))
