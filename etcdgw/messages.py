"""The messages of etcd's v3 API as its JSON gateway has them: bytes in base64, int64 as text.

Fields have etcd's names (api/etcdserverpb/rpc.proto, api/mvccpb/kv.proto).  The gateway leaves out what is zero,
so every field of an answer has a default.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal, TypeVar

import msgspec

T = TypeVar("T")


class KeyValue(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it was at one revision; ``version`` counts its changes since it was created."""

    key: bytes = b""
    value: bytes = b""
    create_revision: int = 0
    mod_revision: int = 0
    version: int = 0
    lease: int = 0


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Every key of a prefix as it was at one revision, by key."""

    revision: int
    items: tuple[KeyValue, ...]


class Compare(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A condition of a transaction; made by ``absent``, ``unchanged`` and ``has_value``."""

    key: bytes
    target: str
    result: str = "EQUAL"
    create_revision: int | None = None
    mod_revision: int | None = None
    value: bytes | None = None


class Get(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A read of a key, or of all keys from ``key`` to before ``range_end``."""

    key: bytes
    range_end: bytes = b""
    limit: int = 0
    revision: int = 0
    sort_order: Literal["NONE", "ASCEND", "DESCEND"] = "NONE"
    sort_target: Literal["KEY", "MOD"] = "KEY"
    serializable: bool = False
    keys_only: bool = False
    count_only: bool = False


class Put(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A write of a key, which ends with its lease if it has one."""

    key: bytes
    value: bytes = b""
    lease: int = 0


class Delete(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A deletion of a key, or of all keys from ``key`` to before ``range_end``."""

    key: bytes
    range_end: bytes = b""


Operation = Get | Put | Delete


class Txn(msgspec.Struct, frozen=True, kw_only=True):
    """All of ``success`` if every comparison holds, all of ``failure`` if not."""

    compare: Sequence[Compare]
    success: Sequence[dict[str, Operation]]
    failure: Sequence[dict[str, Operation]]


class LeaseGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A lease for so many seconds, with a number that etcd chooses."""

    TTL: int
    ID: int = 0


class LeaseCall(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of one lease."""

    ID: int


class Authenticate(msgspec.Struct, frozen=True, kw_only=True):
    """A password for a token."""

    name: str
    password: str


class WatchCreate(msgspec.Struct, frozen=True, kw_only=True):
    """A watch of all keys from ``key`` to before ``range_end``."""

    key: bytes
    range_end: bytes
    start_revision: int


class WatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The first message of a watch, and here its only one."""

    create_request: WatchCreate


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """At which revision a member answered."""

    revision: int = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What every answer has."""

    header: Header = Header()


class RangeAnswer(Answer, frozen=True, kw_only=True):
    """What a read found: ``count`` is of all keys in the range, ``more`` if the limit left some."""

    kvs: tuple[KeyValue, ...] = ()
    count: int = 0
    more: bool = False


class DeleteAnswer(Answer, frozen=True, kw_only=True):
    """How many keys were deleted."""

    deleted: int = 0


class OperationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What one operation of a transaction found, if it was a read."""

    response_range: RangeAnswer = RangeAnswer()


class TxnAnswer(Answer, frozen=True, kw_only=True):
    """Which half of a transaction was done, and what its operations found."""

    succeeded: bool = False
    responses: tuple[OperationAnswer, ...] = ()


class LeaseAnswer(Answer, frozen=True, kw_only=True):
    """A lease and the seconds it has; 0 if there is no such lease."""

    ID: int = 0
    TTL: int = 0


class TokenAnswer(Answer, frozen=True, kw_only=True):
    """What a password was good for."""

    token: str = ""


class EventType(StrEnum):
    """What happened to a key."""

    PUT = "PUT"
    DELETE = "DELETE"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A key was written, or deleted: then ``kv`` has its key and the revision of its end."""

    type: EventType = EventType.PUT
    kv: KeyValue = KeyValue()


class WatchAnswer(Answer, frozen=True, kw_only=True):
    """One line of a watch."""

    created: bool = False
    canceled: bool = False
    compact_revision: int = 0
    cancel_reason: str = ""
    events: tuple[Event, ...] = ()


class StreamFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a stream ended; the code's name depends on the gateway's version."""

    grpc_code: int = 0
    code: int = 0
    message: str = ""


class Streamed(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a keep-alive."""

    result: LeaseAnswer = LeaseAnswer()
    error: StreamFailure | None = None


class WatchLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a watch: an answer, or why there will be none."""

    result: WatchAnswer = WatchAnswer()
    error: StreamFailure | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an answer that is none: gRPC's code and its text."""

    error: str = ""
    message: str = ""
    code: int = 0


def encode(message: msgspec.Struct) -> bytes:
    return msgspec.json.encode(message)


def decode(body: bytes, kind: type[T]) -> T:
    """Raises msgspec.DecodeError (msgspec.ValidationError is one), whatever the body is."""
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (UnicodeDecodeError, RecursionError) as error:  # msgspec 0.21 lets both out as they are
        raise msgspec.DecodeError(str(error)) from error


def prefix_end(prefix: bytes) -> bytes:
    """The first key behind all that begin with the prefix; for an empty one, etcd's value for all keys."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else b"\x00"


def absent(key: bytes) -> Compare:
    """There is no such key."""
    return Compare(key=key, target="CREATE", create_revision=0)


def unchanged(found: KeyValue) -> Compare:
    """The key is as it was found."""
    return Compare(key=found.key, target="MOD", mod_revision=found.mod_revision)


def has_value(key: bytes, value: bytes) -> Compare:
    """The key is there with this value."""
    return Compare(key=key, target="VALUE", value=value)
