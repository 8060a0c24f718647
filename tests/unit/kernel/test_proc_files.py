"""Small files of the kernel's are read and written whole."""

from pathlib import Path

import pytest

from plugin.kernel import proc_files


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """The kernel ends each with a newline."""
    path = tmp_path / "ip_forward"
    path.write_text("0\n")

    assert proc_files.read(str(path)) == "0"
    proc_files.write(str(path), "16")
    assert proc_files.read(str(path)) == "16"


def test_nothing_is_made(tmp_path: Path) -> None:
    """A kernel that lacks a setting is known by that."""
    with pytest.raises(FileNotFoundError):
        proc_files.write(str(tmp_path / "no"), "1")
    with pytest.raises(FileNotFoundError):
        proc_files.read(str(tmp_path / "no"))
