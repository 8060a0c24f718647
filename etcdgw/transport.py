"""Calls to whichever member answers, and what may be repeated after which failure.

A call that only reads, or that bears repetition, goes to the next member when one is silent.
Any other is given up once it was sent, because it may have been done.
"""

import time
from typing import Final, TypeVar

import msgspec

from etcdgw.connection import Connection, LineStream, TransportError, tls_context
from etcdgw.errors import AccessError, UnavailableError, UnknownOutcomeError
from etcdgw.members import Members
from etcdgw.messages import Authenticate, Get, TokenAnswer, decode, encode
from etcdgw.process import Processes
from etcdgw.refusals import (
    NEEDS_USER,
    STALE_TOKEN,
    WRONG_USER,
    TransientError,
    failure_of,
)
from etcdgw.settings import Member, Settings

T = TypeVar("T")

_LEAST: Final = 0.3  # seconds that a member has to answer, if there are as many
_PAUSE: Final = 0.1  # seconds before members that had no leader are asked again
_NO_USERS: Final = "authentication is not enabled"
# Have a member without a leader say so, instead of waiting for one (etcd's rpctypes/metadatafields.go).
_LEADER: Final = "Grpc-Metadata-hasleader: true\r\n"


class Transport:
    """Posts messages to members.  Raises EtcdError.

    It may be used by all threads, and by the children of a fork: each process has connections of its own.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._context = tls_context(settings)
        self._members = Members(settings.members)
        self._processes = Processes()

    @property
    def members(self) -> Members:
        return self._members

    @property
    def local_address(self) -> str:
        return self._processes.own().local_address

    def call(
        self,
        path: str,
        message: msgspec.Struct,
        kind: type[T],
        *,
        timeout: float,
        repeatable: bool,
        member: Member | None = None,
    ) -> T:
        """The answer, which is of this kind; ``member`` asks that one alone.

        Raises UnavailableError, UnknownOutcomeError, RefusedError.
        """
        deadline = time.monotonic() + timeout
        body = encode(message)
        leader = not (isinstance(message, Get) and message.serializable)
        while True:
            members = self._members.in_order() if member is None else [member]
            complaints: list[str] = []
            heard = False  # whether asking again makes sense: the members may be choosing a leader
            for number, asked in enumerate(members):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                share = time.monotonic() + _share(left, len(members) - number)
                answered = share if repeatable else deadline
                try:
                    answer = _understood(
                        self._ask(asked, path, body, answered, share, leader=leader), kind
                    )
                except (TransportError, TransientError) as error:
                    if isinstance(error, TransportError):
                        self._members.failed(asked)
                    if error.begun and not repeatable:
                        raise UnknownOutcomeError(
                            f"etcd member {asked}: {error}; it may or may not have been done"
                        ) from error
                    heard = heard or error.begun or isinstance(error, TransientError)
                    complaints.append(f"{asked}: {error}")
                else:
                    self._members.answered(asked)
                    return answer
            if not heard or time.monotonic() + _PAUSE >= deadline:
                raise UnavailableError(_unavailable(complaints, timeout))
            time.sleep(_PAUSE)

    def stream(
        self, path: str, message: msgspec.Struct, *, member: Member, timeout: float
    ) -> LineStream:
        """A stream of this member's.  Raises UnavailableError, RefusedError."""
        deadline = time.monotonic() + timeout
        try:
            headers = _headers(self._token(member, deadline), leader=True)
            connection = self._connect(member, deadline)
            try:
                stream = connection.stream(path, encode(message), headers, deadline)
                _check_status(stream)
            except BaseException:
                connection.close()
                raise
        except (TransportError, TransientError) as error:
            self._members.failed(member)
            raise UnavailableError(f"etcd member {member}: {error}") from error
        except AccessError as error:
            if self._has_stale_token(error):
                self.forget_token()
            raise
        return stream

    def forget_token(self) -> None:
        """Have the next call ask for a new one."""
        self._processes.own().token = None

    def close(self) -> None:
        """Close idle connections; a call under way ends by itself, and another opens new ones."""
        self._processes.own().close()

    def _ask(
        self,
        member: Member,
        path: str,
        body: bytes,
        deadline: float,
        connected: float,
        *,
        leader: bool,
    ) -> bytes:
        own = self._processes.own()
        for attempt in range(2):
            token = self._token(member, connected)
            headers = _headers(token, leader=leader)
            status, answer = self._post(member, path, body, headers, deadline, connected)
            if status == 200:
                return answer
            failure = failure_of(member, status, answer)
            if attempt or not self._has_stale_token(failure):
                raise failure
            own.drop(token)
        raise AssertionError  # the second attempt returned or raised

    def _post(
        self,
        member: Member,
        path: str,
        body: bytes,
        headers: str,
        deadline: float,
        connected: float,
    ) -> tuple[int, bytes]:
        own = self._processes.own()
        connection = own.take(member) or self._connect(member, connected)
        try:
            reply = connection.post(path, body, headers, deadline)
        except BaseException:
            connection.close()
            raise
        own.give(connection)
        return reply

    def _connect(self, member: Member, deadline: float) -> Connection:
        own = self._processes.own()
        connection = Connection(member, self._context, own.resolver, deadline)
        own.local_address = connection.local_address
        return connection

    def _token(self, member: Member, deadline: float) -> str:
        """The token to call with; empty if there is none to have.

        Whatever fails here, the call that needs it has not begun.
        """
        credentials = self._settings.credentials
        if credentials is None:
            return ""
        own = self._processes.own()
        try:
            with own.authenticating(deadline):
                if (known := own.token) is not None:
                    return known
                message = encode(Authenticate(name=credentials.user, password=credentials.password))
                status, answer = self._post(
                    member, "/v3/auth/authenticate", message, _LEADER, deadline, deadline
                )
                own.token = token = _token_of(member, credentials.user, status, answer)
                return token
        except TransportError as error:
            raise TransportError(str(error), begun=False) from error
        except TransientError as error:
            raise TransientError(str(error), begun=False) from error

    def _has_stale_token(self, failure: Exception) -> bool:
        """etcd refused the token and did nothing: it was restarted, or users were changed."""
        if self._settings.credentials is None or not isinstance(failure, AccessError):
            return False
        return any(text in str(failure) for text in (*STALE_TOKEN, NEEDS_USER))


def _understood(body: bytes, kind: type[T]) -> T:
    """The answer as a value.  Raises TransportError if it is none of etcd's."""
    try:
        return decode(body, kind)
    except msgspec.DecodeError as error:
        reason = f"the answer is not understood: {error}"
        raise TransportError(reason, begun=True) from error


def _share(left: float, members: int) -> float:
    """How long the first of so many members may take: some time is kept to ask all once more."""
    return min(left, max(_LEAST, left / (members + 1)))


def _headers(token: str, *, leader: bool) -> str:
    return (_LEADER if leader else "") + (f"Authorization: {token}\r\n" if token else "")


def _check_status(stream: LineStream) -> None:
    if stream.status != 200:
        raise failure_of(stream.member, stream.status, stream.whole())


def _token_of(member: Member, user: str, status: int, body: bytes) -> str:
    """The token, which becomes part of a header; empty if etcd has no users, and asks for none."""
    if status == 200:
        token = _understood(body, TokenAnswer).token
        if not (token.isascii() and token.isprintable()):
            raise TransportError("the token is not understood", begun=False)
        return token
    failure = failure_of(member, status, body)
    if _NO_USERS in str(failure):
        return ""
    if WRONG_USER in str(failure):
        raise AccessError(f"etcd member {member} knows no user {user!r} with this password")
    raise failure


def _unavailable(complaints: list[str], timeout: float) -> str:
    told = "; ".join(complaints) or "no time was left to ask"
    return f"etcd is not available (asked for {timeout:.2g} s): {told}"
