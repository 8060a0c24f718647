"""Tell systemd that the worker is alive, if the unit has WatchdogSec (sd_notify(3)).

gunicorn replaces a worker that hangs; only systemd can end a process that hangs as a whole.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class Watchdog:
    """systemd's watchdog of this process; without WatchdogSec every call does nothing."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        path = environ.get("NOTIFY_SOCKET", "") if "WATCHDOG_USEC" in environ else ""
        self._address = f"\0{path[1:]}" if path.startswith("@") else path

    def tell(self) -> None:
        """Report that the worker is alive; a lost report does no harm, because others follow."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0)
            sock.sendto(b"WATCHDOG=1", self._address)
