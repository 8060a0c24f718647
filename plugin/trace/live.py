"""What rules do with real packets: nftables' own trace, for one kind of packet and some seconds.

The rules that mark packets are in tables that belong to a process (flag ``owner``, Linux 5.12):
the kernel deletes them with it.  That process reads a pipe of this one, and ends when it is closed,
so nothing stays if this process is killed.
"""

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from plugin.errors import HostError
from plugin.trace.packet import Packet

USUAL: Final = 10
LONGEST: Final = 300
TABLE: Final = "pynet_trace"
_EARLY: Final = -400  # before every other chain, and before conntrack (-200)
_HOOKS: Final = {"inet": ("prerouting", "output"), "bridge": ("prerouting",)}
_RATE: Final = "limit rate 5/second burst 5 packets"
_WITH_US: Final = ("setpriv", "--pdeathsig", "TERM")  # it ends when this process is killed
_TIME_IS_OVER: Final = 124  # timeout(1)
_PATIENCE_SECONDS: Final = 5.0
_BYTES: Final = 1 << 16


def script(packet: Packet, table: str) -> str:
    """The tables, in nft's language; one line, as nft reads them from a person.

    An end that is unspecified may be any.
    """
    family = "ip6" if packet.version == 6 else "ip"
    ends = (("saddr", packet.source), ("daddr", packet.destination))
    match = [f"{family} {field} {each}" for field, each in ends if not each.is_unspecified]
    match.append(f"meta protocol {family} meta l4proto {packet.protocol}")
    if packet.dport is not None:
        match.append(f"th dport {packet.dport}")
    rule = f"{' '.join(match)} {_RATE} meta nftrace set 1"
    lines = []
    for each, hooks in _HOOKS.items():
        chains = " ".join(
            f"chain {hook} {{ type filter hook {hook} priority {_EARLY}; {rule}; }};"
            for hook in hooks
        )
        lines.append(f"table {each} {table} {{ flags owner; {chains} }};")
    return " ".join(lines)


def watch(packet: Packet, seconds: int) -> Iterator[str]:
    """What nft tells of such packets, line by line.  Raises HostError."""
    for each in ("nft", "timeout", "setpriv"):
        if shutil.which(each) is None:
            raise HostError(f"there is no {each} command, which --live needs")
    monitor = subprocess.Popen(  # noqa: S603 - words of this module and a number
        [*_WITH_US, "timeout", str(seconds), "nft", "monitor", "trace"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        with _marking(packet, monitor.pid):
            assert monitor.stdout is not None  # noqa: S101 - a pipe was asked for
            for line in monitor.stdout:
                yield line.rstrip()
        if monitor.wait() != _TIME_IS_OVER:
            raise HostError(f"nft cannot tell what rules do: {_first_line(monitor.stderr)}")
    finally:
        monitor.terminate()
        monitor.communicate()


def _first_line(said: IO[str] | None) -> str:
    return ("" if said is None else said.read().strip().partition("\n")[0]) or "it ended early"


@contextmanager
def _marking(packet: Packet, number: int) -> Iterator[None]:
    """Such packets are marked for the block.  Raises HostError."""
    table = f"{TABLE}_{number}"
    holder = subprocess.Popen(
        ["nft", "-i"],  # noqa: S607
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "HOME": os.devnull},  # or it writes into the user's ~/.nft.history
    )
    try:
        _order(holder, f"{script(packet, table)}\nlist tables inet\n", table)
        yield
    finally:
        holder.communicate()  # closes its input: it ends, and the tables with it


def _order(holder: subprocess.Popen[bytes], text: str, table: str) -> None:
    """Have nft make the tables, and wait until it lists them.  Raises HostError."""
    if holder.stdin is None or holder.stdout is None:
        return
    holder.stdin.write(text.encode())
    holder.stdin.flush()
    said = b""
    end = time.monotonic() + _PATIENCE_SECONDS
    while f"table inet {table}".encode() not in said:
        ready, _, _ = select.select([holder.stdout], [], [], max(0.0, end - time.monotonic()))
        more = os.read(holder.stdout.fileno(), _BYTES) if ready else b""
        said += more
        if not more or b"Error" in said:
            reason = said.decode(errors="replace").strip().splitlines() or ["no answer"]
            raise HostError(
                f"nft cannot mark packets for a trace: {reason[0]} (tables with an owner need Linux 5.12)"
            )
