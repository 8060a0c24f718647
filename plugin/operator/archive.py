"""Back up the state into one file, and restore it.

A backup may be made while the plugin runs.  Both databases are copied as of one point in time:
neither is written while the snapshots begin, which takes microseconds.

Restoring takes two steps, so that it is complete wherever the machine stops.  First all files are
written to a folder beside the state, then each file is moved to its place.  A start that finds the
folder does the second step first.
"""

import hashlib
import io
import os
import shutil
import socket
import sqlite3
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

import msgspec

from ipam.store.ledger import ask_registry_first
from ipam.store.schema import VERSION as ADDRESS_VERSION
from plugin import __version__
from plugin.errors import RefusedError, StoreError
from plugin.log import Log
from plugin.operator.maintenance import integrity
from plugin.store import schema
from plugin.store.directory import require_state, state_directory

MANIFEST: Final = "manifest.json"
INCOMING: Final = "restoring"  # the folder beside the state
_FORMAT: Final = 1
_VERSIONS: Final = {"pynet.db": schema.VERSION, "ipam.db": ADDRESS_VERSION}
_PLAIN: Final = ("host-id",)
_FILES: Final = (*_VERSIONS, *_PLAIN)
_JOURNALS: Final = ("-wal", "-shm", "-journal")
_BUSY_SECONDS: Final = 5.0
_ASIDE_NAME: Final = "aside"
_LARGEST: Final = 1 << 30

_log: Final = Log("archive")


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    version: str
    made: str
    host: str
    sha256: dict[str, str]


def backup(state: Path, out: IO[bytes]) -> None:
    """Write a consistent copy of the state to ``out``, as a tar file.

    Raises StoreError, or NoPermissionError if this user may not read the state.
    """
    require_state(state)
    try:
        with tempfile.TemporaryDirectory() as folder:
            copies = _snapshot(state, Path(folder))
            manifest = _Manifest(
                format=_FORMAT,
                version=__version__,
                made=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                host=socket.gethostname(),
                sha256={path.name: _digest(path) for path in copies},
            )
            with tarfile.open(fileobj=out, mode="w|") as tar:
                _add(tar, MANIFEST, msgspec.json.encode(manifest))
                for path in copies:
                    tar.add(path, path.name, filter=_anonymous)
    except (OSError, sqlite3.Error, tarfile.TarError) as error:
        raise StoreError(f"the state {state} cannot be copied: {error}") from error


def restore(source: IO[bytes], state: Path) -> Path:
    """Replace the state by a backup; answers the folder that has the replaced state now.

    No plugin may run.  Raises RefusedError if the file is damaged, of a newer version or no
    backup, and StoreError if the state directory cannot be written; nothing has changed then.
    """
    state_directory(state)
    try:
        finish_restore(state)  # one that was interrupted
        with tempfile.TemporaryDirectory(dir=state, prefix="unpacking-") as folder:
            unpacked = Path(folder) / INCOMING
            unpacked.mkdir(mode=0o700)
            _unpack(source, unpacked)
            _unsettle(unpacked / "pynet.db")
            ask_registry_first(unpacked / "ipam.db")
            sync(unpacked)
            unpacked.rename(state / INCOMING)
        sync(state)
        aside = finish_restore(state)
    except OSError as error:
        raise StoreError(
            f"the backup cannot be put into {state}: {error.strerror or error}"
        ) from error
    if aside is None:
        raise StoreError(f"the unpacked backup disappeared from {state} during the restore")
    return aside


def finish_restore(state: Path) -> Path | None:
    """Put what a restore has unpacked in its place; where the replaced state lies, if it did.

    May be interrupted and repeated.
    """
    incoming = state / INCOMING
    if not incoming.is_dir():
        return None
    aside = _aside(state, incoming)
    saved = _read_manifest(incoming).sha256
    for name in _FILES:
        if name in saved and not (incoming / name).exists():
            continue  # done before an interruption
        if name in saved or name in _VERSIONS:
            _put_aside(state, name, aside)
        if name in saved:
            (incoming / name).rename(state / name)
    sync(aside)
    sync(state)
    done = state / f"{INCOMING}-done"
    incoming.rename(done)
    shutil.rmtree(done)
    sync(state)
    _log.warning("state.restored", replaced=aside)
    return aside


def _aside(state: Path, incoming: Path) -> Path:
    """Where the replaced state goes: the same after an interruption."""
    note = incoming / _ASIDE_NAME
    if not note.exists():
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        note.write_text(f"replaced-{stamp}-{os.getpid()}")
    aside = state / note.read_text()
    aside.mkdir(mode=0o700, exist_ok=True)
    return aside


def _put_aside(state: Path, name: str, aside: Path) -> None:
    for old in (name, *(name + journal for journal in _JOURNALS)):
        if (state / old).exists():
            (state / old).rename(aside / old)


def _snapshot(state: Path, folder: Path) -> list[Path]:
    copies = []
    with ExitStack() as stack:
        names = [name for name in _VERSIONS if (state / name).exists()]
        readers = [stack.enter_context(closing(_connect(state / name))) for name in names]
        with ExitStack() as quiet:
            for name in names:
                quiet.enter_context(_kept_from_writing(state / name))
            for reader in readers:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        for name, reader in zip(names, readers, strict=True):
            with closing(sqlite3.connect(folder / name)) as copy:
                reader.backup(copy)
            copies.append(folder / name)
    for name in _PLAIN:
        if (state / name).exists():
            (folder / name).write_bytes((state / name).read_bytes())
            copies.append(folder / name)
    return copies


@contextmanager
def _kept_from_writing(path: Path) -> Iterator[None]:
    with closing(_connect(path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            writer.execute("ROLLBACK")


def _connect(path: Path) -> sqlite3.Connection:
    """An existing database: none is made."""
    address = f"file:{quote(str(path))}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)


def _unpack(source: IO[bytes], folder: Path) -> None:
    try:
        with tarfile.open(fileobj=source, mode="r|*") as tar:
            for member in tar:
                if member.name not in (MANIFEST, *_FILES) or not member.isreg():
                    raise RefusedError(f"the file is no backup of pynet: it has {member.name!r}")
                if member.size > _LARGEST:
                    raise RefusedError(f"{member.name} of the backup is larger than 1 GiB")
                _write(folder / member.name, tar.extractfile(member))
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise RefusedError(f"the file cannot be read as a backup of pynet: {error}") from error
    _check(folder)


def _write(path: Path, content: IO[bytes] | None) -> None:
    """Raises StoreError, not RefusedError: a full disk is no fault of the backup."""
    data = content.read() if content else b""
    try:
        path.write_bytes(data)
        path.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"the backup cannot be unpacked in {path.parent.parent.parent}: {error.strerror}"
        ) from error


def _check(folder: Path) -> None:
    """Refuse what this version could not go on with."""
    manifest = _read_manifest(folder)
    if manifest.format > _FORMAT:
        raise RefusedError(
            f"the backup was made by pynet {manifest.version}, which is newer than this one "
            f"({__version__}); restore it with that version"
        )
    there = {path.name for path in folder.iterdir()} - {MANIFEST}
    if there != set(manifest.sha256) or "pynet.db" not in there:
        raise RefusedError("the backup is damaged: files are missing")
    for name, digest in manifest.sha256.items():
        if _digest(folder / name) != digest:
            raise RefusedError(f"the backup is damaged: {name} is not what was saved")
    for name, newest in _VERSIONS.items():
        if name in there:
            _check_database(folder / name, newest)


def _unsettle(path: Path) -> None:
    """What came after the backup may run: nothing is removed for not being listed in it."""
    with closing(_connect(path)) as writer:
        writer.execute("PRAGMA application_id = 0")


def _read_manifest(folder: Path) -> _Manifest:
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=_Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise RefusedError("the file is no backup of pynet: it has no manifest") from error


def _check_database(path: Path, newest: int) -> None:
    complaint = integrity(path)
    if complaint:
        raise RefusedError(f"{path.name} of the backup is damaged: {complaint}")
    with closing(_connect(path)) as reader:
        (version,) = reader.execute("PRAGMA user_version").fetchone()
    if not 0 < version <= newest:
        raise RefusedError(
            f"{path.name} of the backup has format {version}, this pynet reads 1 to {newest}; "
            f"restore it with the version that made it"
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o600
    tar.addfile(member, io.BytesIO(content))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def sync(folder: Path) -> None:
    """Make a folder durable, and the files in it."""
    for path in folder.iterdir():
        if path.is_file():
            sync_one(path)
    sync_one(folder)


def sync_one(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
