"""A namespace, and a file, for the halves of contracts that are about the real thing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.store.base import Store
from plugin.store.memory import MemoryStore
from plugin.store.sqlite import SqliteStore
from tests.contract.hosts import Host, LinuxHost, MemoryHost
from tests.kernel.netns import Netns


@pytest.fixture
def netns() -> Iterator[Netns]:
    """A network namespace of the test's own, entered."""
    if os.geteuid():
        pytest.skip("needs root")
    namespace = Netns()
    with namespace.entered():
        yield namespace
    namespace.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state lies."""
    return tmp_path / "pynet.db"


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, path: Path) -> Iterator[Store]:
    """A state that nothing was ever saved in."""
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(path)
    yield made
    made.close()


@pytest.fixture(params=["fake", pytest.param("linux", marks=pytest.mark.root)])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A host where pynet has never been."""
    if request.param == "fake":
        made: Host = MemoryHost()
    else:
        made = LinuxHost(request.getfixturevalue("netns"))
    yield made
    made.close()
