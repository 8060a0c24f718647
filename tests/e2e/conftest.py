"""Hosts for a whole session, networks and containers for one test.

Every test that asks for `site` runs on each engine with pynet as a process
and as a managed plugin, and fails if it leaves anything in the host's network
or in pynet's memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

import pytest

from tests.conftest import IN_MACHINE, LOGS
from tests.e2e.every_run import IN_BOTH, MANAGED_IN_EVERY_RUN, ON_BOTH_IN_EVERY_RUN
from tests.e2e.parents import OTHER_LINK
from tests.lab import records
from tests.lab.commands import DeadlineError, wait_until
from tests.lab.host import Host
from tests.lab.installed import Installed, PluginProcess
from tests.lab.lab import Lab
from tests.lab.managed import ManagedPlugin
from tests.lab.namespace import Peer, ip
from tests.lab.roots import ENGINES
from tests.lab.servers import serve_address, serve_dns
from tests.lab.site import Site
from tests.lab.traces import elements, take

PEER_NAME: Final = "peer.test"
DOCKERS: Final = "dockers"
# Docker's name for the bridge on which it publishes for drivers that leave it to Docker.
GWBRIDGE: Final = "docker_gwbridge"
WAYS: Final = {"socket": PluginProcess, "managed": ManagedPlugin}
MODES: Final = ("test_bridge_", "test_macvlan", "test_null")
# The virtual machine has no managed plugin.
PLACES: Final = [
    (version, way)
    for version in reversed(ENGINES)
    for way in (WAYS if not IN_MACHINE else ("socket",))
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.engine)
    items[:] = [item for item in items if _has_its_place(item)]
    first: dict[tuple[Path, str], str] = {}
    for item in items:
        if "e2e" in item.path.parts:
            key = item.path, item.name.partition("[")[0]
            is_first = first.setdefault(key, _variant(item)) == _variant(item)
            if not _is_for_every_run(item, is_first=is_first):
                item.add_marker(pytest.mark.nightly)


def _has_its_place(item: pytest.Item) -> bool:
    """Some is the managed plugin's alone; of network modes it does what needs the host most."""
    if item.path.name == "test_managed.py":
        return "managed" in item.name
    own = {"test_upkeep.py", "test_doctor.py", "test_trace.py", "test_ui.py"}
    own.add("test_command_output.py")
    if item.path.name in own:
        return "socket" in item.name  # its commands are run on the host
    if "socket" in item.name or not item.path.name.startswith(MODES):
        return True
    return item.name.partition("[")[0] in IN_BOTH


def _place(item: pytest.Item) -> tuple[str, str] | None:
    """Return the engine and the way of a test that has a `site`."""
    parameters = item.name.partition("[")[2]
    return next(((v, w) for v, w in PLACES if f"{v}-{w}" in parameters), None)


def _variant(item: pytest.Item) -> str:
    """Return what tells it from others of its name, but for the place."""
    parameters = item.name.partition("[")[2]
    return parameters.replace("-".join(_place(item) or ()), "")


def _is_for_every_run(item: pytest.Item, *, is_first: bool) -> bool:
    """What engines may do differently runs on both; of the rest each test on one of them.

    Of the variants of a test that is for both it is the first; each other is on one of them.
    """
    name = item.name.partition("[")[0]
    place = _place(item)
    if IN_MACHINE or place is None or item.path.name == "test_managed.py":
        return True
    version, way = place
    if way == "managed" and name not in MANAGED_IN_EVERY_RUN:
        return False
    if is_first and (way == "managed" or name in ON_BOTH_IN_EVERY_RUN):
        return True
    others = f"{name}[{_variant(item)}"
    return version == list(ENGINES)[crc32(others.encode()) % len(ENGINES)]


@dataclass(frozen=True, slots=True)
class Place:
    """A host and the pynet on it."""

    host: Host
    installed: Installed


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def peer(lab: Lab) -> Iterator[Peer]:
    """Another machine: it has a DNS server, and on port 80 says who asks."""
    peer = lab.peer()
    with serve_address(peer.netns, 80), serve_dns(peer.netns, {PEER_NAME: peer.address}):
        yield peer


@pytest.fixture(scope="session", params=PLACES, ids=[f"{version}-{way}" for version, way in PLACES])
def place(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, lab: Lab, peer: Peer
) -> Iterator[Place]:
    """A host with one of the engines, and pynet running on it in one of the ways."""
    version, way = request.param
    host = lab.host(version, f"--dns={peer.address}")
    logs = pytestconfig.stash[LOGS]
    logs[f"dockerd {version}"] = host.dockerd.tail
    installed = WAYS[way](host)
    logs[f"pynet ({way})"] = installed.tail
    if isinstance(installed, ManagedPlugin):
        installed.install()
    elif isinstance(installed, PluginProcess):
        installed.start()
    yield Place(host, installed)
    logs.clear()
    if isinstance(installed, PluginProcess):
        installed.end()
    host.halt()


@pytest.fixture(scope="session")
def dockers(place: Place) -> str:
    """A user's network of Docker's own driver; there to the end, as is docker_gwbridge."""
    docker = place.host.docker
    bridge = f"br-{docker('network', 'create', DOCKERS)[:12]}"
    options = (f"bridge.name={GWBRIDGE}", "bridge.enable_icc=false")
    words = [word for each in options for word in ("-o", f"com.docker.network.{each}")]
    docker("network", "create", *words, GWBRIDGE)

    def known() -> bool:
        lines = elements(place.host.netns)
        return all(any(f'"{name}"' in line for line in lines) for name in (bridge, GWBRIDGE))

    wait_until(known, "pynet's knowledge of Docker's bridges")
    return DOCKERS


@pytest.fixture
def site(place: Place) -> Iterator[Site]:
    """Where networks and containers are made; they must leave no trace."""
    with tidy(place) as site:
        yield site


@pytest.fixture
def br_lan(site: Site) -> Iterator[str]:
    """The host's card is in a bridge, as its owner configures it."""
    netns, own = site.host.netns, f"{site.host.address}/24"
    ip(
        netns,
        "link add br-lan type bridge",
        *(f"address delete {own} dev eth0", "link set eth0 master br-lan"),
        *(f"address add {own} dev br-lan", "link set br-lan up"),
    )
    yield "br-lan"
    site.clear()
    ip(
        netns,
        "link delete br-lan",
        f"address add {own} dev eth0",
        "route replace default via 10.99.0.254",
    )


@contextmanager
def tidy(place: Place) -> Iterator[Site]:
    """Remove what was made, and see that it leaves no trace."""
    netns, state = place.host.netns, place.installed.state
    links, rows = take(netns), records.count(state)
    assert rows, f"no database in {state}"
    site = Site(place.host, place.installed)
    yield site
    site.clear()

    def nothing_left() -> bool:
        now = take(netns)
        return not (now.beyond(links) or now.missing(links) or records.count(state) != rows)

    # Links are deleted behind the scenes, a moment after the answer.
    try:
        wait_until(nothing_left, "the removal of all traces")
    except DeadlineError:
        now = take(netns)
        pytest.fail(
            f"left behind: {now.beyond(links)}, missing: {now.missing(links)}, "
            f"records before: {rows}, after: {records.count(state)}",
            pytrace=False,
        )


@pytest.fixture
def second(site: Site, lab: Lab) -> Iterator[str]:
    """Another link of the host into the fabric."""
    name = f"{site.host.name}x"
    lab.fabric.ip(
        f"link add {name} type veth peer name {OTHER_LINK} netns {site.host.leader}",
        f"link set {name} master br0 up",
    )
    ip(site.host.netns, f"link set {OTHER_LINK} up")
    yield name
    lab.fabric.ip(f"link delete {name}")
