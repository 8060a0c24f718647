"""Classic BPF filters of sockets: the kernel drops what is not wanted before it costs a copy.

A program is a list of instructions (linux/filter.h): code, jump if true, jump if false, value.
"""

import ctypes
import socket
import struct
from collections.abc import Sequence
from typing import Final

LOAD_VALUE: Final = 0x00
LOAD_VALUE_X: Final = 0x01
LOAD_WORD: Final = 0x20
LOAD_HALF: Final = 0x28
LOAD_BYTE: Final = 0x30
LOAD_HEADER_LENGTH: Final = 0xB1  # X = 4 * (packet[k] & 0xf)
LOAD_WORD_INDEXED: Final = 0x40
LOAD_HALF_INDEXED: Final = 0x48
COPY_TO_X: Final = 0x07
JUMP_EQUAL: Final = 0x15
JUMP_ANY_BIT: Final = 0x45
RETURN: Final = 0x06
# Loaded from here: where the netlink attribute of type X is, of those that begin at A; 0 without it
# (linux/filter.h, SKF_AD_NLATTR).
FIND_ATTRIBUTE: Final = 0xFFFFF00C

_ATTACH_FILTER: Final = 26  # asm-generic/socket.h: SO_ATTACH_FILTER
_INSTRUCTION: Final = struct.Struct("HBBI")
_PROGRAM: Final = struct.Struct("HP")

Program = Sequence[tuple[int, int, int, int]]


def attach(sock: socket.socket, program: Program) -> None:
    """Let the socket receive only what the program returns a length for.  Raises OSError."""
    packed = b"".join(_INSTRUCTION.pack(*each) for each in program)
    buffer = ctypes.create_string_buffer(packed, len(packed))
    attached = _PROGRAM.pack(len(program), ctypes.addressof(buffer))
    sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, attached)
