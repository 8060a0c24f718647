"""What one host remembers of its engine, apart from stores that hosts may share."""

from pathlib import Path

import pytest

from ipam.store.host_facts import HostFacts, MemoryFacts
from ipam.store.sqlite import SqliteStore
from tests.contract.test_ipam_store import a_pool, put


class TestHostFacts:
    @pytest.mark.parametrize("kind", ["memory", "sqlite"])
    def test_a_replay_is_due_until_it_is_not(self, tmp_path: Path, kind: str) -> None:
        """And not at all where nothing was recorded."""
        store = SqliteStore(tmp_path / "ipam.db")
        facts: HostFacts = MemoryFacts() if kind == "memory" else store
        found = [facts.replay_due()]
        for due in (True, False):
            facts.put_replay_due(due=due)
            found.append(facts.replay_due())
        store.close()

        assert found == [False, True, False]

    def test_the_file_remembers(self, tmp_path: Path) -> None:
        """Across processes."""
        for _ in range(2):
            store = SqliteStore(tmp_path / "ipam.db")
            before = store.replay_due()
            store.put_replay_due(due=True)
            store.close()

        assert before

    def test_only_changes_of_another_process_count_as_its_changes(self, tmp_path: Path) -> None:
        """After those alone, what an allocator remembers of leases may be wrong."""
        one, other = (SqliteStore(tmp_path / "ipam.db") for _ in range(2))
        seen = []
        for store in (one, one, other):
            put(store, a_pool())
            seen.append(one.run(lambda _: one.changes_by_others()))
        one.close()
        other.close()

        assert seen[0] == seen[1] != seen[2]
