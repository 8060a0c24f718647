"""As much of D-Bus as it takes to ask a service of this host something, in texts.

The wire format is that of the D-Bus specification 0.41, little-endian: a header whose fields are
pairs of a byte and a variant, then the arguments.  Arguments are texts, and so is what is read of
an answer: one text, or an array of them.
"""

import os
import socket
import struct
import time
from typing import Final

from plugin.errors import FirewallError

_DEFAULT: Final = "unix:path=/run/dbus/system_bus_socket"
_CALL: Final = 1
_RETURN: Final = 2
_ERROR: Final = 3
_NO_AUTO_START: Final = 2
_PATH, _INTERFACE, _MEMBER, _REPLY, _DESTINATION, _SIGNATURE = 1, 2, 3, 5, 6, 8
_FIXED: Final = struct.Struct("<cBBBIII")  # up to the length of the fields
_U32: Final = struct.Struct("<I")
_BUS: Final = "org.freedesktop.DBus"


class SystemBus:
    """One conversation with services of the system bus.  Every wait together has one bound."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._serial = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._wait_no_longer()
            self._socket.connect(_address())
            self._introduce()
        except OSError as error:
            self._socket.close()
            raise FirewallError(f"the system bus (D-Bus) cannot be reached: {error}") from error
        except FirewallError:
            self._socket.close()
            raise

    def close(self) -> None:
        """End the conversation."""
        self._socket.close()

    def call(self, service: str, path: str, method: str, *texts: str) -> tuple[str, ...]:
        """Call a method, ``interface.method``; the texts of its answer.

        Raises FirewallError with the error of the service, or if it does not answer in time.
        """
        self._serial += 1
        try:
            self._wait_no_longer()
            self._socket.sendall(_message(self._serial, service, path, method, texts))
            while True:
                kind, fields, body = self._receive()
                if fields.get(_REPLY) == str(self._serial) and kind in (_RETURN, _ERROR):
                    break
        except OSError as error:
            raise FirewallError(f"{service} does not answer: {error}") from error
        answer = _texts(fields.get(_SIGNATURE, ""), body)
        if kind == _ERROR:
            raise FirewallError(f"{method.rpartition('.')[2]} was refused: {' '.join(answer)}")
        return answer

    def _introduce(self) -> None:
        who = str(os.geteuid()).encode().hex()
        self._socket.sendall(f"\0AUTH EXTERNAL {who}\r\n".encode())
        if not self._socket.recv(512).startswith(b"OK"):
            raise FirewallError("the system bus (D-Bus) rejected the authentication (EXTERNAL)")
        self._socket.sendall(b"BEGIN\r\n")
        self.call(_BUS, "/org/freedesktop/DBus", f"{_BUS}.Hello")

    def _receive(self) -> tuple[int, dict[int, str], bytes]:
        start = self._exactly(_FIXED.size)
        _, kind, _, _, length, _, size = _FIXED.unpack(start)
        fields = self._exactly(_aligned(size, 8))[:size]
        return kind, _fields(fields), self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            self._wait_no_longer()
            more = self._socket.recv(size - len(data))
            if not more:
                raise OSError("the connection was closed")
            data += more
        return data

    def _wait_no_longer(self) -> None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("it takes too long")
        self._socket.settimeout(left)


def _address() -> str:
    """The path of the bus's socket, or its abstract name."""
    for address in os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", _DEFAULT).split(";"):
        kind, _, keys = address.partition(":")
        for key, _, value in (each.partition("=") for each in keys.split(",")):
            if kind == "unix" and key in ("path", "abstract"):
                return value if key == "path" else "\0" + value
    raise FirewallError("DBUS_SYSTEM_BUS_ADDRESS names no Unix socket")


def _message(serial: int, service: str, path: str, method: str, texts: tuple[str, ...]) -> bytes:
    interface, _, member = method.rpartition(".")
    body = b""
    for text in texts:
        body = _padded(body, 4) + _text(text)
    fields = b""
    named = ((_PATH, "o", path), (_INTERFACE, "s", interface), (_MEMBER, "s", member))
    for code, kind, value in (*named, (_DESTINATION, "s", service)):
        fields = _padded(fields, 8) + bytes([code]) + _signature(kind) + _text(value)
    if texts:
        fields = _padded(fields, 8) + bytes([_SIGNATURE]) + _signature("g")
        fields += _signature("s" * len(texts))
    fixed = _FIXED.pack(b"l", _CALL, _NO_AUTO_START, 1, len(body), serial, len(fields))
    return _padded(fixed + fields, 8) + body


def _fields(data: bytes) -> dict[int, str]:
    """The header's fields, numbers as texts; it is 16 bytes into the message, so alignment holds."""
    found = {}
    offset = 0
    while offset + 4 <= len(data):
        code, kind = data[offset], chr(data[offset + 2])
        offset += 4  # the code, and a signature of one letter
        if kind == "g":
            end = offset + 1 + data[offset]
            found[code] = data[offset + 1 : end].decode()
            offset = end + 1
        elif kind == "u":
            found[code] = str(_U32.unpack_from(data, offset)[0])
            offset += 4
        else:
            found[code], offset = _read(data, offset)
        offset = _aligned(offset, 8)
    return found


def _texts(signature: str, body: bytes) -> tuple[str, ...]:
    if signature.startswith("s"):
        return (_read(body, 0)[0],)
    if not signature.startswith("as"):
        return ()
    end = 4 + _U32.unpack_from(body)[0]
    found = []
    offset = 4
    while offset < end:
        text, offset = _read(body, _aligned(offset, 4))
        found.append(text)
    return tuple(found)


def _read(data: bytes, offset: int) -> tuple[str, int]:
    (size,) = _U32.unpack_from(data, offset)
    end = offset + 4 + size
    return data[offset + 4 : end].decode(errors="replace"), end + 1


def _text(text: str) -> bytes:
    data = text.encode()
    return _U32.pack(len(data)) + data + b"\0"


def _signature(text: str) -> bytes:
    return bytes([len(text)]) + text.encode() + b"\0"


def _padded(data: bytes, size: int) -> bytes:
    return data + bytes(_aligned(len(data), size) - len(data))


def _aligned(offset: int, size: int) -> int:
    return -(-offset // size) * size
