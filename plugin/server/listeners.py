"""The sockets, bound before anything slow is imported: a call that comes early waits in line.

A socket file that a killed process left behind is replaced; one that answers is not.  One that
systemd holds for us is taken over as it is.
"""

import errno
import os
import socket
import time
from pathlib import Path
from typing import Final

from plugin.errors import SettingError

_FIRST_HANDED: Final = 3  # SD_LISTEN_FDS_START
_BACKLOG: Final = 512
_DIRECTORY_MODE: Final = 0o755
_DYING_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.02
_UMASK: Final = 0o117  # 0660: the engine is root, and only root may act for it


def listen(path: Path) -> socket.socket:
    """A listening Unix socket at ``path``.

    Raises SettingError if another process serves it or the path cannot be used.
    """
    for descriptor in _handed_over():
        sock = socket.socket(fileno=descriptor)
        if sock.family == socket.AF_UNIX and sock.getsockname() == str(path):
            return sock
        sock.detach()
    return _bound(path)


def is_handed_over(sock: socket.socket) -> bool:
    """Whether systemd listens on the socket, too: then pynet must not remove its file."""
    return sock.fileno() in _handed_over()


def _handed_over() -> range:
    """The descriptors of sd_listen_fds(3)."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return range(0)
    return range(_FIRST_HANDED, _FIRST_HANDED + int(os.environ.get("LISTEN_FDS", "0")))


def _bound(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        _remove_stale(path)
        before = os.umask(_UMASK)
        try:
            sock.bind(str(path))
        finally:
            os.umask(before)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise SettingError("socket", path, f"a path that can be listened on ({error})") from error
    except SettingError:
        sock.close()
        raise
    sock.set_inheritable(True)
    return sock


def _remove_stale(path: Path) -> None:
    """Remove the file of a process that is gone.

    One that was killed may be dying still, and its socket takes connections until the end.
    """
    end = time.monotonic() + _DYING_SECONDS
    while path.is_socket() and _answers(path):
        if time.monotonic() > end:
            raise SettingError("socket", path, "a path that no other process serves")
        time.sleep(_LOOK_SECONDS)
    if path.is_socket():
        path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError as error:
            if error.errno in (errno.ECONNREFUSED, errno.ENOENT):
                return False
            raise
    return True
