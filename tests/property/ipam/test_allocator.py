"""Whatever is asked in whatever order: nobody ever gets what another has."""

import shutil
import tempfile
from pathlib import Path

from hypothesis.stateful import precondition, rule

from ipam.store.base import Store
from ipam.store.memory import MemoryStore
from ipam.store.sqlite import SqliteStore
from tests.fakes.address_store import LosingStore
from tests.property.effort import effort
from tests.property.ipam.allocating import AllocatorMachine


class SqliteMachine(AllocatorMachine):
    """The same on a file, which every reopening really opens again."""

    def open_store(self) -> Store:
        self.folder = Path(tempfile.mkdtemp(prefix="ipam-"))
        return SqliteStore(self.folder / "ipam.db")

    @precondition(lambda self: self.model)
    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = SqliteStore(self.folder / "ipam.db")
        self.open()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.store.close()
            shutil.rmtree(self.folder)


class LosingMachine(AllocatorMachine):
    """The same on a store that runs every operation twice, and keeps the second."""

    def open_store(self) -> Store:
        return LosingStore(MemoryStore())


TestMemory = AllocatorMachine.TestCase
TestMemory.settings = effort(250)
TestSqlite = SqliteMachine.TestCase
TestSqlite.settings = effort(100, steps=40)
TestLosing = LosingMachine.TestCase
TestLosing.settings = effort(50)
