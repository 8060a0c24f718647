"""Where an answer that comes in pieces is cut: into lines, and into the chunks that HTTP sends.

No piece is kept for ever: a member that never ends a line or a chunk's size is left.
"""

from typing import Final

# Bytes of an answer, and of a line of a stream, so that a member that never ends one takes no memory.
# A page of keys has some hundred kilobytes, and etcd takes no request above 1.5 MiB (--max-request-bytes).
LONGEST: Final = 16 << 20
LONGEST_HEAD: Final = 1 << 18
TOO_LONG: Final = "an answer without an end"
_LONGEST_SIZE: Final = 4096  # bytes of the line that begins a chunk


class Lines:
    """Splits what comes in pieces into lines."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now, without their ends.  Raises ValueError if one never ends."""
        if b"\n" not in data:
            self._rest += data
            if len(self._rest) > LONGEST:
                raise ValueError(TOO_LONG)
            return []
        *lines, rest = bytes(self._rest + data).split(b"\n")
        self._rest = bytearray(rest)
        return [line for line in lines if line.strip()]


class Chunks:
    """Takes the chunked transfer coding off what comes in pieces (RFC 9112 section 7.1)."""

    def __init__(self) -> None:
        self._rest = b""
        self._missing = 0  # of the chunk's data, and of the line end behind it
        self.ended = False

    def feed(self, piece: bytes) -> bytes:
        """The data of the piece.  Raises ValueError if it is not chunked."""
        rest = self._rest + piece
        data = []
        while rest and not self.ended:
            if self._missing > 2:
                part = rest[: self._missing - 2]
                data.append(part)
                self._missing -= len(part)
                rest = rest[len(part) :]
            elif self._missing:
                dropped = min(self._missing, len(rest))
                self._missing -= dropped
                rest = rest[dropped:]
            else:
                size, found, behind = rest.partition(b"\r\n")
                if not found:
                    if len(rest) > _LONGEST_SIZE:
                        raise ValueError("it is not chunked")
                    break
                rest = behind
                length = int(size.partition(b";")[0], 16)
                if length < 0:
                    raise ValueError(f"a chunk has {length} bytes")
                self.ended = length == 0
                self._missing = length + 2
        self._rest = rest
        return b"".join(data)
