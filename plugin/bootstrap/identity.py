"""What tells this host from others, for as long as its state lives."""

import uuid
from pathlib import Path
from typing import Final

_MACHINE_ID: Final = Path("/etc/machine-id")  # machine-id(5)
_OWN_FILE: Final = "host-id"


def host_id(directory: Path) -> str:
    """The machine's id, or one of our own in the state directory.

    A managed plugin has the image's root, where every host's /etc/machine-id is the same
    or empty; so the state's own comes first, once there is one.
    """
    own = directory / _OWN_FILE
    if own.exists():
        return own.read_text().strip()
    identity = _machine_id() or uuid.uuid4().hex
    own.write_text(identity + "\n")
    return identity


def _machine_id() -> str:
    try:
        return _MACHINE_ID.read_text().strip()
    except OSError:
        return ""
