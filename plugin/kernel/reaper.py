"""Deletes doomed links in the background, all of them at once.

The kernel waits for readers of a link before it lets go of it; the wait is the same for one
link as for a whole group.  Links doomed while a deletion runs are taken by the next.
"""

import threading
import time
from typing import Final

from plugin.errors import KernelError
from plugin.kernel import links
from plugin.kernel.netlink import conversation
from plugin.kernel.rtnl import RtnlError
from plugin.log import Log

_log: Final = Log("reaper")
_RETRY_SECONDS: Final = 1.0
_GATHER_SECONDS: Final = 0.02  # containers come and go in handfuls


class Reaper:
    """The one deleter of links."""

    def __init__(self) -> None:
        self._doomed = threading.Event()
        self._stopped = threading.Event()
        self._reaping = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="reaper", daemon=True)
        self._thread.start()

    def kick(self) -> None:
        """There is something to delete."""
        self._doomed.set()

    def reap(self) -> None:
        """Delete what is doomed now, and return when it is gone."""
        with self._reaping, conversation() as rtnl:
            try:
                rtnl.delete_group(links.GROUP_DOOMED)
            except RtnlError as error:
                if not error.is_gone:
                    raise

    def stop(self) -> None:
        """Delete what is left, and end."""
        self._stopped.set()
        self._doomed.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._doomed.wait()
            if not self._stopped.is_set():
                time.sleep(_GATHER_SECONDS)
            self._doomed.clear()
            try:
                self.reap()
            except KernelError as error:
                _log.warning("links.not_deleted", reason=error)
                if not self._stopped.wait(_RETRY_SECONDS):
                    self._doomed.set()
