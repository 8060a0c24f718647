"""etcd's calls, each with a deadline of its own, at whichever member answers."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from etcdgw.errors import RefusedError, UnavailableError
from etcdgw.messages import (
    Answer,
    Compare,
    Delete,
    DeleteAnswer,
    Get,
    KeyValue,
    LeaseAnswer,
    LeaseCall,
    LeaseGrant,
    Listing,
    Operation,
    Put,
    RangeAnswer,
    Streamed,
    Txn,
    TxnAnswer,
    prefix_end,
)
from etcdgw.settings import Settings
from etcdgw.transport import Transport
from etcdgw.watch import Watch

_PAGE = 2000  # keys of one answer, so that none is longer than a few hundred kilobytes
_NAMES = {Get: "request_range", Put: "request_put", Delete: "request_delete_range"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Which half of a transaction was done, and what each of its operations found."""

    succeeded: bool
    revision: int
    found: tuple[tuple[KeyValue, ...], ...]


class Client:
    """A client of the cluster; any thread may use it, and any child of a fork.

    A timeout is in seconds and for the whole call; None is that of the settings.
    Every call raises UnavailableError or RefusedError if nothing was done; those that write raise
    UnknownOutcomeError if nobody knows.  ``repeatable`` says that a write may be done twice:
    then it goes to the next member when the first one does not answer.

    Raises InvalidSettingError.
    """

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.timeout
        self._transport = Transport(settings)

    def get(
        self, key: bytes, *, serializable: bool = False, timeout: float | None = None
    ) -> KeyValue | None:
        """The key, if it is there.

        ``serializable`` is answered by any member from what it has, without a quorum: it may be old.
        """
        message = Get(key=key, serializable=serializable)
        answer = self._range(message, self._seconds(timeout))
        return answer.kvs[0] if answer.kvs else None

    def list(
        self, prefix: bytes, *, serializable: bool = False, timeout: float | None = None
    ) -> Listing:
        """Every key that begins with the prefix.  ``serializable``: as of ``get``.

        Raises UnavailableError also for a page of keys that does not go on.
        """
        deadline = time.monotonic() + self._seconds(timeout)
        end = prefix_end(prefix)
        key = prefix or b"\x00"
        items: list[KeyValue] = []
        revision = 0
        while True:
            message = Get(
                key=key, range_end=end, limit=_PAGE, revision=revision, serializable=serializable
            )
            answer = self._range(message, max(0.0, deadline - time.monotonic()))
            items += answer.kvs
            revision = revision or answer.header.revision
            if not answer.more:
                return Listing(revision=revision, items=tuple(items))
            if not answer.kvs or answer.kvs[-1].key < key:
                raise UnavailableError(f"etcd tells of more keys below {prefix!r} and not which")
            key = answer.kvs[-1].key + b"\x00"

    def put(
        self,
        key: bytes,
        value: bytes,
        *,
        lease: int = 0,
        repeatable: bool = False,
        timeout: float | None = None,
    ) -> int:
        """Write the key; answers the revision."""
        answer = self._transport.call(
            "/v3/kv/put",
            Put(key=key, value=value, lease=lease),
            Answer,
            timeout=self._seconds(timeout),
            repeatable=repeatable,
        )
        return answer.header.revision

    def delete(self, key: bytes, *, repeatable: bool = False, timeout: float | None = None) -> int:
        """Delete the key; answers how many there were, 0 or 1."""
        answer = self._transport.call(
            "/v3/kv/deleterange",
            Delete(key=key),
            DeleteAnswer,
            timeout=self._seconds(timeout),
            repeatable=repeatable,
        )
        return answer.deleted

    def txn(
        self,
        conditions: Iterable[Compare],
        then: Iterable[Operation],
        otherwise: Iterable[Operation] = (),
        *,
        repeatable: bool = False,
        timeout: float | None = None,
    ) -> Outcome:
        """Do ``then`` if every condition holds, and ``otherwise`` if not, at one moment.

        A transaction that creates what is absent, and otherwise reads, bears repetition: the
        repetition reads what the first try has created.
        """
        message = Txn(compare=tuple(conditions), success=_named(then), failure=_named(otherwise))
        answer = self._transport.call(
            "/v3/kv/txn",
            message,
            TxnAnswer,
            timeout=self._seconds(timeout),
            repeatable=repeatable,
        )
        return Outcome(
            succeeded=answer.succeeded,
            revision=answer.header.revision,
            found=tuple(each.response_range.kvs for each in answer.responses),
        )

    def grant(self, seconds: int, *, timeout: float | None = None) -> int:
        """A new lease, which ends after so many seconds unless it is kept alive.

        It may be asked for twice: one that nobody knows of ends by itself.  Raises UnavailableError
                also for a lease without a number.
        """
        answer = self._transport.call(
            "/v3/lease/grant",
            LeaseGrant(TTL=seconds),
            LeaseAnswer,
            timeout=self._seconds(timeout),
            repeatable=True,
        )
        if not answer.ID:  # what is written with lease 0 never ends
            raise UnavailableError("etcd grants a lease without a number")
        return answer.ID

    def keep_alive(self, lease: int, *, timeout: float | None = None) -> int:
        """Have the lease begin anew; answers its seconds, 0 if it has ended.  Raises RefusedError."""
        answer = self._transport.call(
            "/v3/lease/keepalive",
            LeaseCall(ID=lease),
            Streamed,
            timeout=self._seconds(timeout),
            repeatable=True,
        )
        if answer.error is not None:
            raise RefusedError(f"etcd keeps no lease alive: {answer.error.message}")
        return answer.result.TTL

    def revoke(self, lease: int, *, timeout: float | None = None) -> None:
        """End the lease, and delete what hangs on it; one that has ended is as good."""
        try:
            self._transport.call(
                "/v3/lease/revoke",
                LeaseCall(ID=lease),
                Answer,
                timeout=self._seconds(timeout),
                repeatable=True,
            )
        except RefusedError as error:
            if "lease not found" not in str(error):
                raise

    def watch(self, prefix: bytes, *, period: float = 1.0) -> Watch:
        """What is under the prefix and what becomes of it; ``period`` as of Watch."""
        return Watch(self._transport, self.list, prefix, period=period)

    @property
    def local_address(self) -> str:
        """This host's address, as a member saw it last; empty as long as none has."""
        return self._transport.local_address

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def _range(self, message: Get, seconds: float) -> RangeAnswer:
        return self._transport.call(
            "/v3/kv/range", message, RangeAnswer, timeout=seconds, repeatable=True
        )

    def _seconds(self, timeout: float | None) -> float:
        return self._timeout if timeout is None else timeout


def _named(operations: Iterable[Operation]) -> Sequence[dict[str, Operation]]:
    return tuple({_NAMES[type(operation)]: operation} for operation in operations)
