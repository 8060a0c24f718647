"""This host's own private key, in a file of root's alone; made when it is first needed.

It never leaves the host: other hosts are told the public key by etcd.
"""

import os
import stat
import threading
from pathlib import Path
from typing import Final

from plugin.errors import StoreError
from plugin.kernel.wireguard.x25519 import KEY_BYTES, clamped

OWN_FILE: Final = "wireguard.key"
_ANEW: Final = (
    "remove the file and restart pynet, which makes another key and tells the other hosts"
)


class OwnKey:
    """The key in the directory; calling this answers it.  Raises StoreError."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / OWN_FILE
        self._lock = threading.Lock()
        self._key = b""

    def __call__(self) -> bytes:
        with self._lock:
            if not self._key:
                try:
                    self._key = self._read() or self._make()
                except OSError as error:
                    raise StoreError(f"{self._path} cannot be used: {error.strerror}") from error
            return self._key

    def _read(self) -> bytes:
        try:
            # Neither a link to another file nor a pipe, which would be waited for.
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return b""
        with os.fdopen(file, "rb") as opened:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode) or found.st_mode & stat.S_IRWXO:
                raise StoreError(
                    f"{self._path} must be a regular file that nobody else may read; {_ANEW}"
                )
            key = opened.read(KEY_BYTES + 1)
        if len(key) != KEY_BYTES:
            raise StoreError(
                f"{self._path} has {found.st_size} bytes, and a key has {KEY_BYTES}; {_ANEW}"
            )
        return clamped(key)

    def _make(self) -> bytes:
        """Whole or not at all, and on the disk before any host is told."""
        key = clamped(os.urandom(KEY_BYTES))
        fresh = self._path.with_name(f"{OWN_FILE}.new")
        fresh.unlink(missing_ok=True)
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            os.write(file, key)
            os.fsync(file)
        finally:
            os.close(file)
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return key
