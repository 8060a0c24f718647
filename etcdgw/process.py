"""What one process has of a client: idle connections, a token, locks.

The child of a fork begins with none of it.  It shares the sockets of its parent, on which two would
take each other's answers, and a lock that another thread held at that moment stays locked for ever.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from etcdgw.connection import Connection, TransportError
from etcdgw.resolver import Resolver
from etcdgw.settings import Member

_IDLE: Final = 4  # connections that are kept for each member; more are opened as they are needed


class Process:
    """The state of one process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.resolver = Resolver()
        self.local_address = ""  # of this host, towards the member that was connected to last
        self.token: str | None = None  # empty: etcd asks for none
        self._idle: dict[Member, list[Connection]] = {}
        self._authenticating = Lock()

    def take(self, member: Member) -> Connection | None:
        """An idle connection to the member that is good, if there is one."""
        connections = self._idle.get(member, [])
        while connections:
            try:
                connection = connections.pop()  # one at a time has it, by the interpreter's lock
            except IndexError:
                return None
            if connection.is_idle:
                return connection
            connection.close()
        return None

    def give(self, connection: Connection) -> None:
        """Keep the connection for the next call, if it is good for one."""
        connections = self._idle.setdefault(connection.member, [])
        if connection.reusable and len(connections) < _IDLE:
            connections.append(connection)
        else:
            connection.close()

    @contextmanager
    def authenticating(self, deadline: float) -> Iterator[None]:
        """One thread at a time asks for a token: each costs etcd a tenth of a second of bcrypt.

        Raises TransportError for a thread whose turn does not come in time.
        """
        if self.token is not None:
            yield
            return
        if not self._authenticating.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise TransportError("no token in time", begun=False)
        try:
            yield
        finally:
            self._authenticating.release()

    def drop(self, token: str | None) -> None:
        """Forget the token that was refused, unless another thread has a new one already."""
        if self.token == token:
            self.token = None

    def close(self) -> None:
        for connections in self._idle.values():
            while connections:
                connections.pop().close()


class Processes:
    """The state of whichever process asks."""

    def __init__(self) -> None:
        self._current = Process()

    def own(self) -> Process:
        current = self._current
        if current.pid != os.getpid():
            # Closed here, the parent's descriptors stay open there: close() ends no connection.
            current.close()
            current = self._current = Process()
        return current
