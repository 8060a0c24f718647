"""Traffic between namespaces, with plain sockets."""

import selectors
import socket
import struct
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import ExitStack, suppress
from ipaddress import IPv4Address
from typing import Final, TypeVar

from tests.kernel.netns import Netns
from tests.kernel.site import Site, is_v4

Place = tuple[str, int] | tuple[str, int, int, int]  # with the scope of a link-local address

PROBE: Final = b"probe"
CONTROL: Final = b"control"
SYN: Final = 0x02  # RFC 9293 section 3.1
RST: Final = 0x04
_ROUNDS: Final = 2  # in the first, neighbours may still have to be found
_DEADLINE: Final = 60.0
_SILENCE: Final = 0.3  # for those that must not answer
# RFC 792, RFC 4443: echo request, code, checksum, identifier, sequence; the kernel fills in.
_ECHO: Final = {socket.AF_INET: b"\x08" + bytes(7), socket.AF_INET6: b"\x80" + bytes(7)}

K = TypeVar("K", bound=Hashable)


def tcp(
    server: Netns,
    at: tuple[str, int],
    client: Netns,
    to: Place,
    *,
    protocol: int = socket.IPPROTO_TCP,
) -> str:
    """Connect and exchange a word; answers the client's address as the server sees it.

    SCTP can be used like TCP.  Raises OSError if nothing comes through.
    """
    family, asked = (socket.AF_INET if is_v4(each[0]) else socket.AF_INET6 for each in (at, to))
    with (
        server.socket(family, socket.SOCK_STREAM, protocol) as listener,
        client.socket(asked, socket.SOCK_STREAM, protocol) as c,
    ):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(at)
        listener.listen()
        c.connect(to)
        connection, seen = listener.accept()
        with connection:
            connection.settimeout(60)
            c.sendall(b"there")
            assert connection.recv(16) == b"there"
            connection.sendall(b"back")
            assert c.recv(16) == b"back"
    return str(seen[0])


def udp_reaches(
    site: Site, server: Netns, at: tuple[str, int], send: Callable[[bytes], object]
) -> bool:
    """Whether what ``send`` sends arrives at a server.

    The host sends after it, straight to the server, so that nothing is waited for in vain.
    """
    family = socket.AF_INET if is_v4(at[0]) else socket.AF_INET6
    heard = set()
    with server.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind(at)
        for _ in range(_ROUNDS):
            send(PROBE)
            sender(site.host, at)(CONTROL)
            while (word := sock.recv(64)) != CONTROL:
                heard.add(word)
    return PROBE in heard


def sender(client: Netns, to: tuple[str, int]) -> Callable[[bytes], object]:
    """Sends datagrams from a namespace."""
    family = socket.AF_INET if is_v4(to[0]) else socket.AF_INET6

    def send(word: bytes) -> None:
        with client.socket(family, socket.SOCK_DGRAM) as sock:
            sock.sendto(word, to)

    return send


def forger(
    client: Netns, ifname: str, via: str, source: str, to: tuple[str, int]
) -> Callable[[bytes], object]:
    """Sends datagrams that no IP stack would send, to the hardware address ``via``."""

    def send(word: bytes) -> None:
        with client.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((ifname, 0))
            own = sock.getsockname()[4]
            frame = bytes.fromhex(via.replace(":", "")) + own + b"\x08\x00"
            sock.send(frame + _datagram(IPv4Address(source), IPv4Address(to[0]), to[1], word))

    return send


def _datagram(source: IPv4Address, destination: IPv4Address, port: int, word: bytes) -> bytes:
    length = 8 + len(word)
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + length, 0, 0, 64, 17, 0, source.packed, destination.packed
    )
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    return head + struct.pack("!HHHH", 40404, port, length, 0) + word


def segment(source: str, destination: str, flags: int) -> bytes:
    """A segment of TCP with nothing before it."""
    head = struct.pack("!HHIIBBHHH", 40404, 9, 1, 0, 5 << 4, flags, 1024, 0, 0)
    pseudo = IPv4Address(source).packed + IPv4Address(destination).packed
    checksum = _checksum(pseudo + struct.pack("!HH", 6, len(head)) + head)
    return head[:16] + struct.pack("!H", checksum) + head[18:]


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def pings(asked: Mapping[K, tuple[Netns, str]], expected: Mapping[K, bool]) -> dict[K, bool]:
    """Whether an address answers a namespace's ping, all asked at once.

    Those that are ``expected`` to answer are waited for.
    """
    waiting: dict[K, socket.socket] = {}
    with selectors.DefaultSelector() as selector, ExitStack() as opened:
        for key, (netns, address) in asked.items():
            waiting[key] = opened.enter_context(_ping_socket(netns, address))
            selector.register(waiting[key], selectors.EVENT_READ, key)
        talkative = {key for key, answers in expected.items() if answers}
        end = time.monotonic() + _DEADLINE
        while talkative & waiting.keys() and time.monotonic() < end:
            _hear_pings(selector, waiting, _SILENCE)
        _hear_pings(selector, waiting, _SILENCE)
    return {key: key not in waiting for key in asked}


def _hear_pings(
    selector: selectors.BaseSelector, waiting: dict[K, socket.socket], seconds: float
) -> None:
    for sock in waiting.values():
        with suppress(OSError):  # no way there
            sock.send(_ECHO[sock.family])
    end = time.monotonic() + seconds
    while waiting and (left := end - time.monotonic()) > 0:
        for ready, _ in selector.select(left):
            with suppress(OSError):  # it is told that there is no way
                waiting[ready.data].recv(64)
                selector.unregister(waiting.pop(ready.data))


def _ping_socket(netns: Netns, address: str) -> socket.socket:
    family = socket.AF_INET if is_v4(address) else socket.AF_INET6
    protocol = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
    netns.sysctl("net/ipv4/ping_group_range", "0 0")  # for both families
    sock = netns.socket(family, socket.SOCK_DGRAM, protocol)
    with suppress(OSError):
        sock.connect((address, 0))
    return sock
