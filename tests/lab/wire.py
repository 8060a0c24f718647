"""What comes in by a link: raw frames, with the numbers of their VLANs."""

import socket
import struct
from pathlib import Path
from typing import Final

from tests.lab.commands import PATIENCE
from tests.lab.netns import inside

_SOL_PACKET: Final = 263  # linux/if_packet.h
_PACKET_AUXDATA: Final = 8
_AUXDATA: Final = struct.Struct("=IIIHHHH")
_VLAN_VALID: Final = 0x10
_VLAN_ID: Final = 0xFFF
_ETH_P_ALL: Final = 3


class Wire:
    """The end of a wire: a link in a network namespace, listened to from now on."""

    def __init__(self, netns: Path, ifname: str = "eth0") -> None:
        with inside(netns):
            self._socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)
            )
        self._socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        self._socket.bind((ifname, 0))
        self._socket.settimeout(PATIENCE)

    def number_of(self, word: bytes) -> int:
        """Return the VLAN of the next frame that has the word in it; 0 for none."""
        while True:
            frame, extra, _, address = self._socket.recvmsg(2048, 256)
            if word in frame and address[2] != socket.PACKET_OUTGOING:
                status, _, _, _, _, tag, _ = _AUXDATA.unpack_from(extra[0][2])
                return int(tag) & _VLAN_ID if status & _VLAN_VALID else 0

    def close(self) -> None:
        self._socket.close()
