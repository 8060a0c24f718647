"""An identity that distinguishes this host from others, kept with its state.

A state may be copied to another host: by hand, by a backup, with the disk of a virtual machine.
So the file names the machine that wrote it, and another machine makes a new identity.  Pools
that are held keep their prefixes.
"""

import uuid
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from plugin.log import Log

_MACHINE_ID: Final = Path("/etc/machine-id")  # machine-id(5)
_PRODUCT: Final = Path("/sys/class/dmi/id/product_uuid")  # the host's in a container, too
_OWN_FILE: Final = "host-id"
_MARK_DIGITS: Final = 16

_log: Final = Log("identity")


def host_id(directory: Path) -> str:
    """The machine's id, or one of our own in the state directory.

    A managed plugin has the image's root, where every host's /etc/machine-id is the same
    or empty; so the state's own comes first, once there is one.
    """
    own = directory / _OWN_FILE
    identity, *marks = own.read_text().split() if own.exists() else [""]
    here = _marks()
    if identity and not _is_copied(marks, here):
        if not marks and here:
            with suppress(OSError):  # the next start may write it
                _write(own, identity, here)
        return identity
    machine = _read(_MACHINE_ID)
    chosen = machine if machine and machine != identity else uuid.uuid4().hex
    _write(own, chosen, here)
    if identity:
        _log.warning("identity.new", reason="the state was copied from another machine")
    return chosen


def _is_copied(marks: list[str], here: list[str]) -> bool:
    """Whether the best mark that both machines have differs."""
    known = dict(each.split("=", 1) for each in marks if "=" in each)
    for kind, mark in (each.split("=", 1) for each in here):
        if kind in known:
            return known[kind] != mark
    return False


def _marks() -> list[str]:
    """The id of this machine: the hardware's if there is one, else the system's (maybe an image's)."""
    found = (("product", _read(_PRODUCT)), ("machine", _read(_MACHINE_ID)))
    return [
        f"{kind}={sha256(text.encode()).hexdigest()[:_MARK_DIGITS]}" for kind, text in found if text
    ]


def _write(own: Path, identity: str, marks: list[str]) -> None:
    fresh = own.with_name(f"{own.name}.new")
    fresh.write_text("\n".join((identity, *marks)) + "\n")
    fresh.replace(own)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
