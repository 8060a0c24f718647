"""A host's own key: made once, kept for root alone."""

import os
import stat
from pathlib import Path

import pytest

from plugin.errors import StoreError
from plugin.kernel.wireguard.own_key import OWN_FILE, OwnKey
from plugin.kernel.wireguard.x25519 import clamped


def test_it_is_made_when_it_is_needed(tmp_path: Path) -> None:
    """And is the same from then on; a crash while it was made leaves nothing in the way."""
    made = OwnKey(tmp_path)
    (tmp_path / f"{OWN_FILE}.new").write_bytes(b"half")
    assert not (tmp_path / OWN_FILE).exists()
    key = made()

    assert key == made() == OwnKey(tmp_path)() == clamped(key)
    assert stat.S_IMODE((tmp_path / OWN_FILE).stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [OWN_FILE]


def test_two_hosts_have_two(tmp_path: Path) -> None:
    """Nothing of the machine is in it."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()

    assert OwnKey(tmp_path / "one")() != OwnKey(tmp_path / "two")()


def test_what_is_no_key(tmp_path: Path) -> None:
    """Is left as it is, and said."""
    (tmp_path / OWN_FILE).write_bytes(b"short")
    (tmp_path / OWN_FILE).chmod(0o600)
    with pytest.raises(StoreError, match=r"has 5 bytes, and a key has 32; remove the file"):
        OwnKey(tmp_path)()
    with pytest.raises(StoreError, match="cannot be used: No such file or directory"):
        OwnKey(tmp_path / "nowhere")()

    assert (tmp_path / OWN_FILE).read_bytes() == b"short"


@pytest.mark.parametrize("kind", ["read by all", "link", "pipe", "folder", "endless"])
def test_what_is_no_file_of_root_s_alone(tmp_path: Path, kind: str) -> None:
    """Is not read, nor waited for."""
    file, other = tmp_path / OWN_FILE, tmp_path / "other"
    other.write_bytes(bytes(32))
    match kind:
        case "read by all":
            file.write_bytes(bytes(32))
            file.chmod(0o604)
        case "link":
            file.symlink_to(other)
        case "pipe":
            os.mkfifo(file)
        case "folder":
            file.mkdir()
        case "endless":
            file.symlink_to("/dev/zero")

    with pytest.raises(StoreError, match=r"nobody else may read; remove|cannot be used: "):
        OwnKey(tmp_path)()


def test_a_long_file(tmp_path: Path) -> None:
    """Is not read whole."""
    with (tmp_path / OWN_FILE).open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / OWN_FILE).chmod(0o600)

    with pytest.raises(StoreError, match=r"has 1099511627776 bytes, and a key has 32"):
        OwnKey(tmp_path)()
