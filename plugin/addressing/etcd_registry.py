"""What hosts share about addresses, kept in etcd.

A session is a lease.  It is granted with the first key that hangs on it, and begins anew whenever this host
writes such a key again.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final

from etcdgw import (
    Client,
    Compare,
    Delete,
    EtcdError,
    Operation,
    Put,
    absent,
    has_value,
)
from etcdgw import UnknownOutcomeError as EtcdUnknownOutcomeError
from ipam.blocks.base import Registry, UnavailableError, UnknownOutcomeError

PREFIX: Final = "/pynet/1/"  # the number changes with what keys mean
SESSION: Final = 30  # seconds


class EtcdRegistry:
    """ipam's registry of blocks, below ``prefix`` in an etcd."""

    def __init__(self, etcd: Client, *, prefix: str = PREFIX, session: int = SESSION) -> None:
        self._etcd = etcd
        self._prefix = prefix
        self._session = session
        self._lease = 0
        self._lock = Lock()

    def within(self, seconds: float) -> Registry:
        """The same for one operation, whose calls together wait for etcd no longer than this."""
        return _Bounded(self, _Time(seconds=seconds, until=time.monotonic() + seconds))

    def read(self, prefix: str, time_left: "_Time | None" = None) -> dict[str, str]:
        with _in_ipams_words():
            found = self._etcd.list(self._key(prefix), timeout=_left(time_left))
        skipped = len(self._key(""))
        return {_text(each.key[skipped:]): _text(each.value) for each in found.items}

    def commit(
        self,
        given: Mapping[str, str | None],
        writes: Mapping[str, str | None],
        *,
        session: Mapping[str, str] = {},
        time_left: "_Time | None" = None,
    ) -> bool:
        with _in_ipams_words():
            lease = self._living_lease(time_left) if session else 0
            operations: list[Operation] = []
            for key, value in writes.items():
                operations.append(
                    Delete(key=self._key(key))
                    if value is None
                    else Put(key=self._key(key), value=value.encode())
                )
            operations += [
                Put(key=self._key(key), value=value.encode(), lease=lease)
                for key, value in session.items()
            ]
            conditions = [self._condition(key, value) for key, value in given.items()]
            return self._etcd.txn(conditions, operations, timeout=_left(time_left)).succeeded

    def _living_lease(self, time_left: "_Time | None") -> int:
        """A lease that has all its time before it."""
        with self._lock:
            lease = self._lease
        if not lease or not self._etcd.keep_alive(lease, timeout=_left(time_left)):
            lease = self._etcd.grant(self._session, timeout=_left(time_left))
            with self._lock:
                self._lease = lease
        return lease

    def _condition(self, key: str, value: str | None) -> Compare:
        if value is None:
            return absent(self._key(key))
        return has_value(self._key(key), value.encode())

    def _key(self, key: str) -> bytes:
        return f"{self._prefix}{key}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Time:
    """How many seconds there are, and when they are over (``time.monotonic``)."""

    seconds: float
    until: float


class _Bounded:
    def __init__(self, registry: EtcdRegistry, time_left: _Time) -> None:
        self._registry = registry
        self._time = time_left

    def read(self, prefix: str) -> dict[str, str]:
        return self._registry.read(prefix, self._time)

    def commit(
        self,
        given: Mapping[str, str | None],
        writes: Mapping[str, str | None],
        *,
        session: Mapping[str, str] = {},
    ) -> bool:
        return self._registry.commit(given, writes, session=session, time_left=self._time)


def _text(found: bytes) -> str:
    """What no host writes is not taken for what one does."""
    return found.decode(errors="replace")


def _left(bound: _Time | None) -> float | None:
    """Seconds that a call may take; None for as long as calls usually may."""
    if bound is None:
        return None
    left = bound.until - time.monotonic()
    if left <= 0:
        raise UnavailableError(f"etcd has not done all of it within {bound.seconds:g} s")
    return left


@contextmanager
def _in_ipams_words() -> Iterator[None]:
    try:
        yield
    except EtcdUnknownOutcomeError as error:
        raise UnknownOutcomeError(str(error)) from error
    except EtcdError as error:
        raise UnavailableError(str(error)) from error
