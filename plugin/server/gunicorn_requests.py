"""Requests that are not in the form of engines: gunicorn reads, answers and refuses them.

It is imported when the first comes.  Engines, and pynet's own commands, send none; gunicorn, and
the OpenSSL that it imports, would be 9 MiB of every plugin.
"""

import sys
from typing import TYPE_CHECKING, Any

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.sync import SyncWorker

if TYPE_CHECKING:
    from plugin.server.calls import WsgiApp
    from plugin.server.worker import Caller


class _QuietLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Leaves the log as plugin.log has set it up."""

    def setup(self, cfg: Any) -> None:
        """Set up nothing; gunicorn would add its handlers."""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Log nothing: ``rpc`` logs every call, and gunicorn's check of its log level costs time."""


class GunicornRequests(SyncWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's handling of one connection, without its processes."""

    def __init__(self, app: "WsgiApp") -> None:
        # Not the base's: that makes a file for signs of life.
        self.cfg = Config()
        self.log = _QuietLogger(self.cfg)
        self.wsgi = app
        self.nr, self.max_requests = 0, sys.maxsize

    def serve(self, listener: Any, caller: "Caller") -> None:
        """Serve the one request of a connection, and close it."""
        self.handle(listener, caller, "")
