"""Many at once: threads of one process, processes on one file, and sudden death."""

import os
import signal
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import Popen
from time import monotonic

import pytest

from ipam import timed_lock
from ipam.allocator import Allocator
from ipam.errors import PoolFullError
from ipam.pool import LOCAL, PoolID, PoolRequest
from ipam.prefixes import parse_prefix
from ipam.settings import Settings
from ipam.store.base import Store
from ipam.store.memory import MemoryStore
from ipam.store.sqlite import SqliteStore

POOL = PoolID(f"{LOCAL}/10.1.0.0/22")
USABLE = 1022
DEADLINE = 60.0

# Takes addresses until there are none, and says which, one line each.  Who is told that the file
# is locked asks again, as an engine does: SQLite's waiters do not take turns.
HAMMER = f"""
import sys
from pathlib import Path
from ipam.allocator import Allocator
from ipam.errors import PoolFullError, StoreError
from ipam.store.sqlite import SqliteStore

allocator = None
while True:
    try:
        allocator = allocator or Allocator(SqliteStore(Path(sys.argv[1])))
        print(allocator.request_address("{POOL}").ip, flush=True)
    except PoolFullError:
        break
    except StoreError as error:
        if "locked" not in str(error):
            raise
"""


def start(program: str, path: Path, output: Path) -> Popen[bytes]:
    with output.open("wb") as stdout:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return Popen([sys.executable, "-c", program, str(path)], stdout=stdout, env=environment)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ipam.db"
    store = SqliteStore(path)
    Allocator(store).request_pool(PoolRequest(prefix=parse_prefix("10.1.0.0/22")))
    store.close()
    return path


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads wait for each other however slow the machine is: the lock keeps no order."""
    monkeypatch.setattr(timed_lock, "PATIENCE", DEADLINE)


@pytest.mark.usefixtures("patient")
class TestThreads:
    @pytest.mark.parametrize("kind", ["memory", "sqlite"])
    def test_sixty_four_of_them_never_get_the_same_address(self, tmp_path: Path, kind: str) -> None:
        """Each address of the pool is given once, and the rest are refused."""
        store: Store = MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "ipam.db")
        allocator = Allocator(store)
        pool = allocator.request_pool(PoolRequest(prefix=parse_prefix("10.1.0.0/22")))

        def take(_: int) -> str:
            try:
                return str(allocator.request_address(pool.id).ip)
            except PoolFullError:
                return "full"

        with ThreadPoolExecutor(64) as threads:
            given = Counter(threads.map(take, range(USABLE + 78)))

        assert given.pop("full") == 78
        assert len(given) == USABLE
        assert set(given.values()) == {1}
        store.close()

    def test_pools_taken_at_once_are_different(self, tmp_path: Path) -> None:
        """Of both address spaces, under their two locks."""
        allocator = Allocator(SqliteStore(tmp_path / "ipam.db"), Settings())

        with ThreadPoolExecutor(64) as threads:
            pools = list(threads.map(lambda _: allocator.request_pool(PoolRequest()), range(256)))

        assert len({pool.prefix for pool in pools}) == 256


class TestProcesses:
    def test_four_of_them_never_get_the_same_address(self, path: Path, tmp_path: Path) -> None:
        """The store refuses what the memory of a process does not know of."""
        outputs = [tmp_path / f"taken-{number}" for number in range(4)]
        processes = [start(HAMMER, path, output) for output in outputs]
        codes = [process.wait(DEADLINE) for process in processes]

        given = [line for output in outputs for line in output.read_text().splitlines()]

        assert codes == [0, 0, 0, 0]
        assert len(given) == len(set(given)) == USABLE

    @pytest.mark.parametrize("after", [1, 40, 300])
    def test_one_that_is_killed_loses_nothing_it_has_answered(
        self, path: Path, tmp_path: Path, after: int
    ) -> None:
        """kill -9 at any moment; at most the address being given is held unanswered."""
        output = tmp_path / "taken"
        process = start(HAMMER, path, output)
        deadline = monotonic() + DEADLINE
        while output.read_bytes().count(b"\n") < after:
            assert monotonic() < deadline
        process.send_signal(signal.SIGKILL)
        process.wait(DEADLINE)

        answered = output.read_text().split("\n")[:-1]
        allocator = Allocator(SqliteStore(path))
        held = [str(lease.address) for lease in allocator.leases(POOL)]

        assert set(answered) <= set(held)
        assert len(held) - len(answered) <= 1
        assert str(allocator.request_address(POOL).ip) not in held
