"""Tell systemd that pynet serves, and that the worker is alive (sd_notify(3)).

The arbiter replaces a worker that hangs; only systemd can end a process that hangs as a whole.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class Watchdog:
    """systemd's watchdog of this process; without WatchdogSec every call does nothing."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ if "WATCHDOG_USEC" in environ else {}

    def tell(self) -> None:
        """Report that the worker is alive; a lost report does no harm, because others follow."""
        tell_systemd("WATCHDOG=1", self._environ)


def tell_systemd(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """Report a state, if systemd wants to be told any; never wait for it."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = f"\0{path[1:]}" if path.startswith("@") else path
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0)
        sock.sendto(state.encode(), address)
