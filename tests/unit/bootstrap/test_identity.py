"""What tells this host from others."""

from pathlib import Path

import pytest

from plugin.bootstrap import identity


@pytest.fixture
def machine_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's own, which is not there yet."""
    path = tmp_path / "machine-id"
    monkeypatch.setattr(identity, "_MACHINE_ID", path)
    return path


def test_the_machines_id_serves(tmp_path: Path, machine_id: Path) -> None:
    """Where there is one."""
    machine_id.write_text("abc\n")

    assert identity.host_id(tmp_path) == "abc"


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_without_one_it_is_our_own(tmp_path: Path, machine_id: Path, text: str | None) -> None:
    """A managed plugin has an image's."""
    if text is not None:
        machine_id.write_text(text)

    assert len(identity.host_id(tmp_path)) == 32


def test_it_stays_whatever_becomes_of_the_machines(tmp_path: Path, machine_id: Path) -> None:
    """Pools derive from it."""
    first = identity.host_id(tmp_path)
    machine_id.write_text("another\n")

    assert identity.host_id(tmp_path) == first


def test_two_hosts_differ(tmp_path: Path, machine_id: Path) -> None:
    """Each has its own state."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()

    assert identity.host_id(tmp_path / "a") != identity.host_id(tmp_path / "b")
