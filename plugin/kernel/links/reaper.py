"""Deletes links of the group DELETING in the background, all of them at once.

The kernel waits for readers of a link before it frees the link; the wait is the same for one link
as for a whole group.  Links that join the group during a deletion are deleted by the next.

Links of an endpoint can wait a little longer.  The engine is still ending the container then, and
each of its steps waits for readers in the same queue of the kernel.
"""

import threading
import time
from typing import Final

from plugin.errors import KernelError
from plugin.kernel.links import ownership
from plugin.kernel.netlink.conversations import conversation
from plugin.kernel.netlink.rtnl import RtnlError
from plugin.log import Log

_log: Final = Log("reaper")
_RETRY_SECONDS: Final = 1.0
_GATHER_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 0.25  # containers come and go in handfuls


class Reaper:
    """The one deleter of links."""

    def __init__(self) -> None:
        self.deletions = 0  # how many had something to delete, and have ended
        self._changed = threading.Condition()
        self._due: float | None = None  # when the next deletion is, if one is wanted
        self._stopped = False
        self._reaping = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="reaper", daemon=True)
        self._thread.start()

    def kick(self, *, patiently: bool = False) -> None:
        """There is something to delete, at once or before long."""
        due = time.monotonic() + (_PATIENCE_SECONDS if patiently else _GATHER_SECONDS)
        with self._changed:
            if self._due is None or due < self._due:
                self._due = due
                self._changed.notify()

    def reap(self) -> None:
        """Delete the group, and return when its links are gone."""
        with self._reaping, conversation() as rtnl:
            try:
                rtnl.delete_group(ownership.GROUP_DELETING)
            except RtnlError as error:
                if not error.is_gone:
                    raise
            else:
                self.deletions += 1

    def stop(self) -> None:
        """Delete what is left, and end."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while self._await_due():
            self._reap_or_retry()
        self._reap_or_retry()

    def _await_due(self) -> bool:
        """Return when the next deletion is due, with nothing wanted after it; False at the end."""
        with self._changed:
            while not self._stopped:
                wait = None if self._due is None else self._due - time.monotonic()
                if wait is not None and wait <= 0:
                    self._due = None
                    return True
                self._changed.wait(wait)
        return False

    def _reap_or_retry(self) -> None:
        try:
            self.reap()
        except KernelError as error:
            _log.warning("links.not_deleted", reason=error)
            with self._changed:
                self._due = time.monotonic() + _RETRY_SECONDS
