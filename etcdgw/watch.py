"""A prefix, listed once and then followed change by change.

A watch of etcd is silent while nothing happens, and silent as well when its member is stopped, cut off
from the others, or when the connection died unnoticed.  So its member is asked every ``period``: one
that does not answer as the leader's follower, or that knows of changes which the watch did not tell
a period later, is left for another one.  The watch goes on behind the last revision that was told.
Where etcd has forgotten that (it compacts), all is listed again.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event as Flag
from typing import Final

import msgspec

from etcdgw.connection import LineStream, TransportError
from etcdgw.errors import CompactedError, EtcdError, UnavailableError
from etcdgw.messages import (
    Event,
    EventType,
    Get,
    KeyValue,
    Listing,
    RangeAnswer,
    WatchAnswer,
    WatchCreate,
    WatchLine,
    WatchRequest,
    decode,
    prefix_end,
)
from etcdgw.settings import Member
from etcdgw.transport import Transport

_PAUSES: Final = (0.1, 0.3, 1.0, 2.0)  # seconds between attempts, the last again and again
_ANSWER: Final = 1.0  # seconds that a member has to begin a watch, or to show that it lives


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """All there is: at the beginning, and when changes in between are not known any more."""

    revision: int
    items: tuple[KeyValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What happened next, in its order."""

    revision: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """No member can be watched; told once, with why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A member is watched again, and nothing was missed."""


News = Listed | Changed | Lost | Found


class _SilentError(Exception):
    """The stream is over, or the member is not to be believed."""


class Watch:
    """Follows a prefix: iterate over ``news`` in one thread, ``close`` from any.

    ``period`` is how often, in seconds, the member is asked whether it lives; ``ask_every`` changes that.
    """

    def __init__(
        self,
        transport: Transport,
        read_all: Callable[[bytes], Listing],
        prefix: bytes,
        *,
        period: float,
    ) -> None:
        self._transport = transport
        self._read_all = read_all
        self._prefix = prefix
        self._first = self.period = period
        self._closed = Flag()
        self._stream: LineStream | None = None
        self._told = 0  # the revision up to which everything was told
        self._count = 0  # keys under the prefix, by what was told
        self._verified = 0  # nothing up to this revision is missing

    def news(self) -> Iterator[News]:
        """What is there, and what happens, until the watch is closed."""
        failures = relisted = 0
        lost = False
        while not self._closed.is_set():
            try:
                if not self._told:
                    yield self._listed()
                    failures, lost = 0, False
                member = self._transport.members.in_order()[0]
                for change in self._followed(member):
                    failures = relisted = 0
                    if lost:
                        lost = False
                        yield Found()
                    if change is not None:
                        yield change
            except CompactedError:
                self._told = 0
                relisted += 1
                self._pause(relisted)
            except (_SilentError, EtcdError) as error:
                if self._closed.is_set():
                    return
                failures += 1
                if failures > len(self._transport.members.in_order()) and not lost:
                    lost = True
                    yield Lost(reason=str(error))
                self._pause(failures)

    def ask_every(self, seconds: float) -> None:
        """Ask the member less often, or more, where many clients watch; from any thread.

        A member that is watched anew is asked once after the first ``period``.
        """
        self.period = seconds

    def close(self) -> None:
        """End ``news``, also while it waits."""
        self._closed.set()
        if (stream := self._stream) is not None:
            stream.abort()

    def _listed(self) -> Listed:
        found = self._read_all(self._prefix)
        self._told = self._verified = found.revision
        self._count = len(found.items)
        return Listed(revision=found.revision, items=found.items)

    def _followed(self, member: Member) -> Iterator[Changed | None]:
        """What the member tells, and None once it is known to tell all; ends when the watch is closed.

        Raises _SilentError, CompactedError, UnavailableError, RefusedError.
        """
        stream = self._opened(member)
        self._stream = stream
        try:
            began = created = False
            check = time.monotonic() + min(self._first, self.period)
            doubt = 0
            while not self._closed.is_set():
                for answer in self._answers(stream, max(0.001, check - time.monotonic())):
                    created = created or answer.created
                    if answer.events:
                        doubt, began = 0, True
                        yield self._changed(answer)
                if time.monotonic() >= check:
                    doubt = self._doubt(member, doubt, created=created)
                    check = time.monotonic() + self.period
                    if not (doubt or began):
                        began = True
                        yield None
        except (_SilentError, UnavailableError):
            self._transport.members.failed(member)
            raise
        finally:
            self._stream = None
            stream.close()

    def _opened(self, member: Member) -> LineStream:
        create = WatchCreate(
            key=self._prefix or b"\x00",
            range_end=prefix_end(self._prefix),
            start_revision=self._told + 1,
        )
        message = WatchRequest(create_request=create)
        return self._transport.stream("/v3/watch", message, member=member, timeout=_ANSWER)

    def _answers(self, stream: LineStream, seconds: float) -> Iterator[WatchAnswer]:
        """Raises _SilentError when the stream ends, CompactedError."""
        try:
            lines: Sequence[bytes] = list(stream.lines(seconds))
        except TransportError as error:
            raise _SilentError(f"etcd member {stream.member}: {error}") from error
        for line in lines:
            try:
                told = decode(line, WatchLine)
            except msgspec.DecodeError as error:
                raise _SilentError(
                    f"etcd member {stream.member} is not understood: {error}"
                ) from error
            answer = told.result
            if answer.compact_revision:
                raise CompactedError(
                    f"etcd keeps nothing before revision {answer.compact_revision}"
                )
            if told.error is not None or answer.canceled:
                reason = told.error.message if told.error else answer.cancel_reason
                self._transport.forget_token()  # it may be that: watches are refused in words alone
                raise _SilentError(f"etcd member {stream.member} ended the watch: {reason[:200]}")
            yield answer

    def _changed(self, answer: WatchAnswer) -> Changed:
        for event in answer.events:
            if event.type is EventType.DELETE:
                self._count -= 1
            elif event.kv.version == 1:
                self._count += 1
        self._told = answer.events[-1].kv.mod_revision
        return Changed(revision=self._told, events=answer.events)

    def _doubt(self, member: Member, doubt: int, *, created: bool) -> int:
        """How often in a row the member missed something.  Raises _SilentError the second time."""
        if not created:
            raise _SilentError(f"etcd member {member} does not begin the watch")
        if not self._misses(member):
            return 0
        if doubt:
            raise _SilentError(f"etcd member {member} does not tell what happens")
        return 1

    def _misses(self, member: Member) -> bool:
        """Whether the member knows of changes that its watch has not told (yet).

        Raises UnavailableError if it is silent, or has no leader.
        """
        told = max(self._told, self._verified)
        asked = self._read(
            member, Get(key=self._prefix or b"\x00", range_end=self._end, count_only=True)
        )
        if asked.header.revision <= told and asked.count == self._count:
            return False
        newest = self._read(
            member,
            Get(
                key=self._prefix or b"\x00",
                range_end=self._end,
                keys_only=True,
                limit=1,
                sort_order="DESCEND",
                sort_target="MOD",
            ),
        )
        if newest.count != self._count or any(kv.mod_revision > told for kv in newest.kvs):
            return True
        self._verified = newest.header.revision
        return False

    @property
    def _end(self) -> bytes:
        return prefix_end(self._prefix)

    def _read(self, member: Member, message: Get) -> RangeAnswer:
        return self._transport.call(
            "/v3/kv/range", message, RangeAnswer, timeout=_ANSWER, repeatable=True, member=member
        )

    def _pause(self, failures: int) -> None:
        """Wait, unless closed: the first time not at all, and not all hosts at the same moment."""
        if failures > 1:
            pause = _PAUSES[min(failures - 2, len(_PAUSES) - 1)]
            self._closed.wait(pause * random.uniform(0.5, 1.5))  # noqa: S311 - it spreads load
