"""Secrets of settings: given, or in a file that only its owner and group may read."""

from pathlib import Path

import pytest

from plugin.config import read_config
from plugin.errors import SettingError

SECRET = "a secret that these hosts have in common"


class TestTheSecret:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        made = tmp_path / "secret"
        made.write_text(f"{SECRET}\n")
        made.chmod(0o600)
        return made

    def test_it_is_given_or_in_a_file(self, file: Path) -> None:
        """The end of the file's line is none of it."""
        assert read_config({"PYNET_SECRET": SECRET}).secret == SECRET
        assert read_config({"PYNET_SECRET_FILE": str(file)}).secret == SECRET

    def test_it_is_not_shown(self) -> None:
        """Nor is one that is refused."""
        assert SECRET not in repr(read_config({"PYNET_SECRET": SECRET}))
        with pytest.raises(SettingError) as refusal:
            read_config({"PYNET_SECRET": "too-short"})
        assert "too-short" not in str(refusal.value)

    def test_not_both(self, file: Path) -> None:
        """It would not be clear which of them counts."""
        with pytest.raises(SettingError, match="nothing where PYNET_SECRET is given, too"):
            read_config({"PYNET_SECRET": SECRET, "PYNET_SECRET_FILE": str(file)})

    @pytest.mark.parametrize(
        ("mode", "content", "complaint"),
        [
            (0o644, SECRET.encode(), "a file that nobody else may read (chmod 600 "),
            (0o600, b"", "is '0 characters long', expected a secret of at least 32"),
            (0o600, bytes(range(128, 192)), "expected a file of text"),
        ],
    )
    def test_a_file_of_no_use(self, file: Path, mode: int, content: bytes, complaint: str) -> None:
        """It is refused before anything is opened."""
        file.write_bytes(content)
        file.chmod(mode)
        with pytest.raises(SettingError) as refusal:
            read_config({"PYNET_SECRET_FILE": str(file)})

        assert complaint in str(refusal.value)
