"""gunicorn, with what it must not do switched off.

One worker with threads: one owner of locks, ports and the nftables context.  No connection is
kept alive, because an idle connection that closes under dockerd makes it repeat a call without
its body.  The application is built in the worker, after the fork: netlink sockets and
threads do not survive one.
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from plugin.server.listeners import is_handed_over
from plugin.server.worker import ThreadedWorker

if TYPE_CHECKING:  # the arbiter has no calls, nor the 6 MiB that counting them takes
    from plugin.server.calls import WsgiApp

_GRACE_SECONDS: Final = 5  # dockerd kills a plugin ten seconds after it asked it to stop
_HUNG_SECONDS: Final = 15  # without a sign of life, of which a worker gives one each second


class _QuietLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Leaves the log as plugin.log has set it up."""

    def setup(self, cfg: Any) -> None:
        """Set up nothing; gunicorn would add its handlers."""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Log nothing: ``rpc`` logs every call, and gunicorn's check of its log level costs time."""


class Process(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The arbiter and its one worker."""

    def __init__(self, sockets: Sequence[socket.socket], build: Callable[[], "WsgiApp"]) -> None:
        self._sockets = sockets
        self._build = build
        super().__init__()

    def load_config(self) -> None:
        settings = {
            # Those of systemd gunicorn finds by itself, and leaves their files alone then.
            "bind": [f"fd://{s.fileno()}" for s in self._sockets if not is_handed_over(s)],
            "workers": 1,
            "worker_class": ThreadedWorker,
            "timeout": _HUNG_SECONDS,
            "graceful_timeout": _GRACE_SECONDS,
            "proc_name": "pynet",
            "logger_class": _QuietLogger,
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm",  # noqa: S108 - a heartbeat must not wait for a disk
        }
        for name, value in settings.items():
            if name in self.cfg.settings:  # the control socket came with gunicorn 24
                self.cfg.set(name, value)

    def load(self) -> "WsgiApp":
        return self._build()


def by_socket(apps: "dict[str, WsgiApp]") -> "WsgiApp":
    """One application for all sockets: each request goes to that of the socket it came by."""

    def dispatch(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        return apps[environ["gunicorn.socket"].getsockname()](environ, start)

    return dispatch
