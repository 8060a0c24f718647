"""A wire to one server, which can be cut, be silent, or lose what comes back."""

import contextlib
import socket
from enum import Enum, auto
from threading import Lock, Thread
from typing import Final

_PIECE: Final = 1 << 16


class Mode(Enum):
    """What becomes of bytes."""

    PASSES = auto()
    IS_SILENT = auto()  # nothing goes through, and nothing says so: a process that is stopped
    LOSES_ANSWERS = auto()  # the server hears, and is not heard


class Relay:
    """Listens on 127.0.0.1 in the namespace where it is made, and passes on to the port there."""

    def __init__(self, port: int) -> None:
        self.mode = Mode.PASSES
        self._port = port
        self._lock = Lock()
        self._open: list[socket.socket] = []
        self._deaf: set[socket.socket] = set()  # clients that will hear nothing more
        self.port = 0
        self.listen()

    def listen(self) -> None:
        """Take connections, at the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """End what is open and take nothing more, as of a process that is gone."""
        _end(self._listener)
        self._listener.close()
        with self._lock:
            ended, self._open = self._open, []
        for sock in ended:
            _end(sock)

    def deafen(self) -> None:
        """Connections that are open hear nothing more; new ones are as ever."""
        with self._lock:
            self._deaf.update(self._open)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = listener.accept()
                Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._port))
        except OSError:
            client.close()
            return
        with self._lock:
            self._open += [client, server]
        back = Thread(target=self._pump, args=(server, client), kwargs={"back": True}, daemon=True)
        back.start()
        self._pump(client, server, back=False)
        back.join()
        with self._lock:
            self._open = [sock for sock in self._open if sock not in (client, server)]
            self._deaf -= {client, server}
        client.close()
        server.close()

    def _pump(self, source: socket.socket, target: socket.socket, *, back: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                if self.mode is Mode.IS_SILENT or (back and self.mode is Mode.LOSES_ANSWERS):
                    with self._lock:
                        self._deaf |= {source, target}
                elif target not in self._deaf:
                    target.sendall(data)
        _end(source)
        _end(target)


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
