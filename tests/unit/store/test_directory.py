"""The directory of the databases."""

from pathlib import Path

from plugin.store.directory import state_directory


def test_nobody_else_can_look_in(tmp_path: Path) -> None:
    """Whatever others may read of the directory above."""
    made = state_directory(tmp_path / "above" / "pynet")

    assert made.stat().st_mode & 0o777 == 0o700
