"""A state that cannot be read or written says so."""

from pathlib import Path

import pytest

from plugin.errors import StoreError
from plugin.model.network import Network
from plugin.store.codec import decode
from plugin.store.sqlite import SqliteStore
from tests.fakes.values import a_network

BLUE = a_network("blue", "10.1.0.0/24")


def test_what_could_not_be_written_is_not_remembered_either(tmp_path: Path) -> None:
    """Memory and file never say different things."""
    store = SqliteStore(tmp_path / "pynet.db")
    store.close()
    with pytest.raises(StoreError, match="cannot be written"):
        store.save_network(BLUE)

    assert store.network(BLUE.id) is None


@pytest.mark.parametrize("record", [b"[]", b"7"])
def test_a_record_that_is_no_object(record: bytes) -> None:
    """Never a guess."""
    with pytest.raises(StoreError, match="a record of the state cannot be read"):
        decode(record, Network)
