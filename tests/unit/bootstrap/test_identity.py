"""What tells this host from others."""

from pathlib import Path

import pytest

from plugin.bootstrap import identity


@pytest.fixture
def machine_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's own, which is not there yet; nor is that of its hardware."""
    path = tmp_path / "machine-id"
    monkeypatch.setattr(identity, "_MACHINE_ID", path)
    monkeypatch.setattr(identity, "_PRODUCT", tmp_path / "product")
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


def test_it_stays_while_the_hardware_does(tmp_path: Path, machine_id: Path) -> None:
    """Pools derive from it, and the system may be installed anew."""
    (tmp_path / "product").write_text("board\n")
    machine_id.write_text("abc\n")
    first = identity.host_id(tmp_path)
    machine_id.write_text("another\n")

    assert identity.host_id(tmp_path) == first


@pytest.mark.parametrize("mark", ["machine-id", "product"])
def test_a_copied_state_is_another_hosts(tmp_path: Path, machine_id: Path, mark: str) -> None:
    """Two hosts would choose the same subnets; each keeps its own from then on."""
    machine_id.write_text("abc\n")
    if mark == "product":
        (tmp_path / "product").write_text("board\n")
    first = identity.host_id(tmp_path)
    (tmp_path / mark).write_text("another\n")
    second = identity.host_id(tmp_path)

    assert second != first
    assert identity.host_id(tmp_path) == second
    assert not (tmp_path / "host-id.new").exists()


def test_one_of_an_earlier_version_is_this_hosts(tmp_path: Path, machine_id: Path) -> None:
    """It did not say on which machine it was written; from now on it does."""
    (tmp_path / "host-id").write_text("old\n")
    machine_id.write_text("abc\n")
    assert identity.host_id(tmp_path) == "old"
    machine_id.write_text("another\n")

    assert identity.host_id(tmp_path) == "another"


def test_a_machine_that_says_nothing_keeps_it(tmp_path: Path, machine_id: Path) -> None:
    """There is nothing to compare."""
    machine_id.write_text("abc\n")
    first = identity.host_id(tmp_path)
    machine_id.unlink()

    assert identity.host_id(tmp_path) == first


def test_two_hosts_differ(tmp_path: Path, machine_id: Path) -> None:
    """Each has its own state."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()

    assert identity.host_id(tmp_path / "a") != identity.host_id(tmp_path / "b")
