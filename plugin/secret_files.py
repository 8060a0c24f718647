"""Secrets in files that only their owner and group may read."""

import stat
from pathlib import Path
from typing import Final

from plugin.errors import SettingError

_LONGEST: Final = 4096  # bytes


def read_secret(name: str, path: str) -> str:
    """What the file that the setting ``name`` names has, without white space around it.

    Raises SettingError, which has none of it.
    """
    file = absolute(name, path)
    try:
        kind = file.stat().st_mode
        if not stat.S_ISREG(kind):
            raise SettingError(name, path, "a regular file")
        if kind & stat.S_IRWXO:
            raise SettingError(name, path, f"a file that nobody else may read (chmod 600 {path})")
        with file.open(encoding="utf-8") as opened:
            return opened.read(_LONGEST).strip()
    except OSError as error:
        raise SettingError(name, path, f"a file that can be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SettingError(name, path, "a file of text") from error


def absolute(name: str, text: str) -> Path:
    """The path that the setting ``name`` is.  Raises SettingError."""
    path = Path(text)
    if not path.is_absolute():
        raise SettingError(name, text, "an absolute path")
    return path
