"""What pynet holds on a host: compared before and after, nothing may have come to stay."""

import socket
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from tests.lab import records
from tests.lab.commands import DeadlineError, wait_until
from tests.lab.host import Host
from tests.lab.installed import Installed
from tests.lab.netns import inside
from tests.lab.traces import Traces, take

PATIENCE: Final = 90.0  # several ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """Links, addresses, routes, neighbours, elements, rules; and rows of the databases."""

    traces: Traces
    rows: dict[str, int]

    @classmethod
    def of(cls, host: Host, installed: Installed) -> Self:
        return cls(traces=take(host.netns), rows=records.count(installed.state))

    def beyond(self, earlier: "Holdings") -> list[str]:
        """Return what is more than it was, one line each."""
        rows = Counter(self.rows) - Counter(earlier.rows)
        return self.traces.beyond(earlier.traces) + [
            f"{number} rows of {table}" for table, number in sorted(rows.items())
        ]


def wait_clean(
    host: Host,
    installed: Installed,
    earlier: Holdings,
    ports: range,
    besides: tuple[str, ...] = (),
) -> list[str]:
    """Wait until nothing is left, some ticks at most; return what is left then.

    Lines that begin with one of ``besides`` do not count.
    """

    def left() -> list[str]:
        beyond = Holdings.of(host, installed).beyond(earlier)
        held = [f"port {port} held" for port in ports if not is_free(host.netns, port)]
        return [line for line in beyond if not line.startswith(besides)] + held

    with suppress(DeadlineError):
        wait_until(lambda: not left(), "a clean host", deadline=PATIENCE)
    return left()


def is_free(netns: Path, port: int) -> bool:
    """Tell whether a port can be bound, TCP and UDP, on all addresses."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with inside(netns):
            sock = socket.socket(socket.AF_INET, kind)
        with closing(sock):
            # Of connections that have ended nobody need be afraid.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
            try:
                sock.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True
