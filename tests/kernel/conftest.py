"""Hosts made of network namespaces, one set for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.kernel.linux import LinuxKernel
from tests.kernel.doctored import Doctored
from tests.kernel.netns import Netns
from tests.kernel.site import WEATHERS, Site
from tests.kernel.spanning import Spanning


@pytest.fixture
def netns() -> Iterator[Netns]:
    """A network namespace of the test's own, entered."""
    namespace = Netns()
    with namespace.entered():
        yield namespace
    namespace.close()


@pytest.fixture
def doctored(netns: Netns, tmp_path: Path) -> Doctored:
    """A healthy host for the doctor, to be broken."""
    return Doctored(netns, tmp_path)


@pytest.fixture
def kernel(netns: Netns) -> Iterator[LinuxKernel]:
    """The kernel, as a plugin that has just started on a fresh host sees it."""
    made = LinuxKernel()
    yield made
    made.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """A host with pynet and a machine beside it, on a wire."""
    made = Site()
    with made.host.entered():
        yield made
        made.close()


@pytest.fixture(
    params=WEATHERS,
)
def site_in_all_weathers(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A host and its neighbour, in all weathers."""
    br_netfilter, docker = request.param
    made = Site(br_netfilter=br_netfilter, docker=docker)
    with made.host.entered():
        yield made
        made.close()


@pytest.fixture(scope="module")
def hosts() -> Iterator[Spanning]:
    """One set for all: each test has networks with subnets of its own."""
    made = Spanning()
    yield made
    made.close()
