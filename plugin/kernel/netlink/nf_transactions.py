"""Reads and changes tables of nf_tables in raw messages, each change a transaction.

Only the table that is asked for is read.  libnftables reads every table before it changes one, and
crashes on some that a newer nft has made.  An element in messages also costs a tenth of what it
costs as text.
"""

import errno
import socket
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from plugin.deadline import TimedLock
from plugin.errors import KernelError
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import nf_messages as messages
from plugin.kernel.netlink import nf_tables
from plugin.kernel.netlink.nf_messages import Step
from plugin.model.rules import Chain, CompiledTable, SetChange, SetEntry

_TIMEOUT_SECONDS: Final = 10.0
_BATCH_BEGIN: Final = 16
_BATCH_END: Final = 17
_SO_SNDBUFFORCE: Final = 32  # asm-generic/socket.h
_ROOM: Final = 1 << 16


class NfTables:
    """nf_tables of the network namespace that the first caller is in."""

    def __init__(self) -> None:
        self._lock = TimedLock(_TIMEOUT_SECONDS, _busy)
        self._socket: socket.socket | None = None
        self._sequence = 0
        self._room = 0  # how many bytes the socket was made to take at once
        # What each set held when it was read last: sets are long, and seldom change between two looks.
        self._read: dict[tuple[str, str, str], tuple[tuple[bytes, ...], tuple[SetEntry, ...]]] = {}

    def generation(self) -> int:
        with self.turn() as sock:
            return nf_tables.generation(sock)

    def chains(self) -> tuple[Chain, ...]:
        with self.turn() as sock:
            return nf_tables.chains(sock)

    def rules(self, family: str, table: str) -> dict[str, tuple[bytes, ...]]:
        with self.turn() as sock:
            return nf_tables.rules(family, table, sock=sock)

    def entries(
        self, family: str, table: str, names: Iterable[str]
    ) -> dict[str, tuple[SetEntry, ...]]:
        found = {}
        with self.turn() as sock:
            for name in names:
                packed = messages.packed_entries(family, table, name, sock)
                before, known = self._read.get((family, table, name), ((), ()))
                if packed != before:
                    known = tuple(messages.entries(packed))
                    self._read[family, table, name] = packed, known
                found[name] = known
        return found

    def counts(self, family: str, table: str) -> dict[str, int]:
        with self.turn() as sock:
            return messages.counts(family, table, sock)

    def lay(
        self,
        tables: Sequence[CompiledTable],
        entries: Sequence[SetChange] = (),
        *,
        anew: bool = False,
    ) -> None:
        """Have the sets and chains of ``tables`` with these rules and no others.

        Elements stay, and ``entries`` are added, unless the tables are made ``anew``.
        """
        steps: list[Step] = []
        first = 1
        for table in tables:
            if anew:
                steps += messages.gone(table)
            known = {} if anew else self.counts(table.family, table.name)
            missing = [name for name in table.counters if name not in known]
            steps += messages.skeleton(table, first, missing)
            first += len(table.sets)
            if not anew:
                steps += self._surplus(table)
        for change in entries:
            steps += messages.change(tables[0].name, change)
        self._commit(steps)

    def change(self, table: str, changes: Sequence[SetChange]) -> None:
        self._commit([step for change in changes for step in messages.change(table, change)])

    def drop(self, tables: Sequence[CompiledTable]) -> None:
        self._commit([step for table in tables for step in messages.gone(table)])

    def close(self) -> None:
        """End the conversation; the next caller begins another."""
        with self.turn():
            self._close()

    def _surplus(self, table: CompiledTable) -> Iterator[Step]:
        """Chains and sets that another program added, or an earlier version of pynet."""
        known = {chain.name for chain in table.chains}
        for chain in self.chains():
            is_here = (chain.family, chain.table) == (table.family, table.name)
            if is_here and chain.name not in known:
                yield from messages.no_chain(table, chain.name)
        known = {each.name for each in table.sets}
        with self.turn() as sock:
            there = messages.set_names(table.family, table.name, sock)
        for name in there:
            if name not in known:
                yield messages.no_set(table, name)
        for name in self.counts(table.family, table.name):
            if name not in table.counters:
                yield messages.no_counter(table, name)

    def _commit(self, steps: Sequence[Step]) -> None:
        if not steps:
            return
        with self.turn() as sock:
            first, self._sequence = self._sequence + 1, self._sequence + len(steps)
            batch = _batch(steps, first)
            self._make_room(sock, 2 * len(batch))
            _check(_run(sock, batch), steps, first)

    def _make_room(self, sock: socket.socket, wanted: int) -> None:
        """Let the socket send so many bytes at once.  Raises KernelError."""
        if wanted <= self._room:
            return
        room = max(_ROOM, wanted)
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, room)
        except OSError as error:
            raise KernelError(f"nf_tables cannot be changed: {error}") from error
        self._room = room

    @contextmanager
    def turn(self) -> Iterator[socket.socket]:
        """Hold the socket, one conversation at a time."""
        with self._lock:
            try:
                yield self._open()
            except BaseException:
                self._close()  # unread answers must not go to the next caller
                raise

    def _open(self) -> socket.socket:
        if self._socket is None:
            try:
                self._socket = nf_tables.conversation()
                weakref.finalize(self, self._socket.close)  # closed even if close() is never called
                _name(self._socket)
                for option in (raw.NETLINK_CAP_ACK, raw.NETLINK_EXT_ACK):
                    self._socket.setsockopt(raw.SOL_NETLINK, option, 1)
            except OSError as error:
                raise KernelError(f"this kernel has no nf_tables: {error}") from error
        return self._socket

    def _close(self) -> None:
        sock, self._socket = self._socket, None
        self._room = 0
        if sock is not None:
            sock.close()


def _name(sock: socket.socket) -> None:
    """Have watches know by the number of the socket what pynet changes.

    Another pynet may have it, for a moment or in a test: then watches hear of the changes and find
    by the name of the process whose they are.  Raises OSError.
    """
    try:
        sock.bind((nf_tables.PORT, 0))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise


def _busy(seconds: float) -> KernelError:
    return KernelError(f"nftables has not ended another transaction for {seconds:.0f} s")


def _batch(steps: Sequence[Step], first: int) -> bytes:
    limits = raw.NFGENMSG.pack(0, 0, nf_tables.SUBSYSTEM)
    found = [raw.message(_BATCH_BEGIN, 0, limits, sequence=first)]
    for number, step in enumerate(steps, start=first):
        # The last is acknowledged, so that silence is never taken for success.
        flags = step.flags | (raw.NLM_F_ACK if step is steps[-1] else 0)
        body = raw.NFGENMSG.pack(nf_tables.NUMBERS[step.family], 0, 0) + step.body
        found.append(
            raw.message(nf_tables.SUBSYSTEM << 8 | step.kind, flags, body, sequence=number)
        )
    found.append(raw.message(_BATCH_END, 0, limits, sequence=first))
    return b"".join(found)


def _run(sock: socket.socket, batch: bytes) -> list[tuple[int, bytes]]:
    """Have the kernel run it, which it does before it returns; its answers, by message."""
    answers: list[tuple[int, bytes]] = []
    try:
        sock.send(batch)
        while True:
            answers += raw.acknowledgements(sock.recv(_ROOM, socket.MSG_DONTWAIT))
    except BlockingIOError:
        return answers
    except OSError as error:
        raise KernelError(f"nf_tables cannot be changed: {error}") from error


def _check(answers: Iterable[tuple[int, bytes]], steps: Sequence[Step], first: int) -> None:
    acknowledged = False
    for number, body in answers:
        try:
            raw.check(body)
        except raw.NetlinkError as error:
            what = steps[number - first].what
            raise KernelError(f"nf_tables refuses {what}: {error}") from error
        acknowledged = acknowledged or number == first + len(steps) - 1
    if not acknowledged:
        raise KernelError("nf_tables did not answer")
