"""The directory of the databases: made, found, or refused with the reason and the remedy."""

import os
from pathlib import Path
from typing import Final

from plugin.errors import NoPermissionError, StoreError

STATE_FILE: Final = "pynet.db"
ADDRESS_FILE: Final = "ipam.db"
_MODE: Final = 0o700


def state_directory(path: Path) -> Path:
    """The directory, made if it is missing.  Raises StoreError if it cannot be used."""
    try:
        path.mkdir(mode=_MODE, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise StoreError(f"PYNET_STATE {path} is a file; set it to a directory") from error
    except PermissionError as error:
        raise NoPermissionError(_no_permission(path, error)) from error
    except OSError as error:
        raise StoreError(f"PYNET_STATE {path} cannot be made: {error.strerror}") from error
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        if os.geteuid():
            raise NoPermissionError(f"PYNET_STATE {path} belongs to another user; be root")
        raise StoreError(
            f"PYNET_STATE {path} cannot be written; make its file system writable, or set "
            f"PYNET_STATE to another directory"
        )
    return path


def require_state(directory: Path) -> None:
    """Raise StoreError unless there is a state, NoPermissionError if this user cannot see."""
    try:
        os.stat(directory / STATE_FILE)  # noqa: PTH116 - Path.exists() hides reasons
    except PermissionError as error:
        raise NoPermissionError(_no_permission(directory, error)) from error
    except OSError as error:
        raise StoreError(
            f"there is no state in {directory}; is PYNET_STATE that of the service?"
        ) from error


def _no_permission(path: Path, error: OSError) -> str:
    return f"PYNET_STATE {path} cannot be used by this user ({error.strerror}); be root"
