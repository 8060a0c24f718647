"""What a member's failure means: gRPC's codes, etcd's texts, and answers that are none of etcd's."""

from typing import Final

import msgspec

from etcdgw.errors import AccessError, CompactedError, RefusedError
from etcdgw.messages import Failure, decode
from etcdgw.settings import Member

_LONGEST_TEXT: Final = 200  # characters of what a member says that are told to people
# gRPC's codes (google.golang.org/grpc/codes).
_CANCELED, _DEADLINE, _DENIED, _OUT_OF_RANGE, _UNAVAILABLE, _UNAUTHENTICATED = 1, 4, 7, 11, 14, 16
# etcd's texts (api/v3rpc/rpctypes/error.go).
_NOT_BEGUN: Final = ("etcdserver: no leader", "etcdserver: too many requests")
STALE_TOKEN: Final = ("revision of auth store is old", "invalid auth token")
NEEDS_USER: Final = "user name is empty"
WRONG_USER: Final = "authentication failed"


class TransientError(Exception):
    """The member cannot do it now; ``begun`` is whether it may have."""

    def __init__(self, message: str, *, begun: bool) -> None:
        super().__init__(message)
        self.begun = begun


def refusal(member: Member, code: int, text: str) -> Exception:
    """What gRPC's code and etcd's text mean."""
    said = f"etcd member {member} says: {text}"
    if text in _NOT_BEGUN:
        return TransientError(text, begun=False)
    if code in (_CANCELED, _DEADLINE, _UNAVAILABLE):
        return TransientError(text, begun=True)
    if code == _OUT_OF_RANGE and "compacted" in text:
        return CompactedError(said)
    if NEEDS_USER in text:
        return AccessError(f"{said}; it has users: give one of them, and a password")
    if code in (_DENIED, _UNAUTHENTICATED) or any(
        known in text for known in (*STALE_TOKEN, WRONG_USER)
    ):
        return AccessError(said)
    return RefusedError(said)


def failure_of(member: Member, status: int, body: bytes) -> Exception:
    """What an answer with another HTTP status than 200 means."""
    try:
        failure = decode(body, Failure)
    except msgspec.DecodeError:
        if status == 404:
            return RefusedError(
                f"etcd member {member} has no JSON gateway under /v3: etcd 3.4 or later is needed, "
                f"with --enable-grpc-gateway"
            )
        text = body[:_LONGEST_TEXT].decode(errors="replace").strip()
        if "CommonName of client" in text:  # etcd 3.4 and later (embed/serve.go)
            return RefusedError(
                f"etcd member {member} has users, and its gateway then takes no client certificate with a "
                f"CommonName; use one without, such as with the subject /O=pynet"
            )
        if status < 500:
            return RefusedError(f"etcd member {member} answers {status}: {text}")
        return TransientError(f"HTTP status {status}: {text}", begun=True)
    return refusal(member, failure.code, (failure.message or failure.error)[:_LONGEST_TEXT])
