"""What hosts share about addresses, kept in etcd.

A session is a lease.  It is granted with the first key that hangs on it, and begins anew whenever this host
writes such a key again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from ipam.blocks.base import UnavailableError, UnknownOutcomeError

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

    def read(self, prefix: str) -> dict[str, str]:
        with _in_ipams_words():
            found = self._etcd.list(self._key(prefix))
        skipped = len(self._key(""))
        return {each.key[skipped:].decode(): each.value.decode() for each in found.items}

    def commit(
        self,
        given: Mapping[str, str | None],
        writes: Mapping[str, str | None],
        *,
        session: Mapping[str, str] = {},
    ) -> bool:
        with _in_ipams_words():
            lease = self._living_lease() if session else 0
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
            return self._etcd.txn(conditions, operations).succeeded

    def _living_lease(self) -> int:
        """A lease that has all its time before it."""
        with self._lock:
            lease = self._lease
        if not lease or not self._etcd.keep_alive(lease):
            lease = self._etcd.grant(self._session)
            with self._lock:
                self._lease = lease
        return lease

    def _condition(self, key: str, value: str | None) -> Compare:
        if value is None:
            return absent(self._key(key))
        return has_value(self._key(key), value.encode())

    def _key(self, key: str) -> bytes:
        return f"{self._prefix}{key}".encode()


@contextmanager
def _in_ipams_words() -> Iterator[None]:
    try:
        yield
    except EtcdUnknownOutcomeError as error:
        raise UnknownOutcomeError(str(error)) from error
    except EtcdError as error:
        raise UnavailableError(str(error)) from error
