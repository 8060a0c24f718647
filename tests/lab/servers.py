"""Small servers for tests, in any network namespace, run by threads of this process."""

import http.server
import socket
import socketserver
import struct
import threading
from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path

from tests.lab.closing import Closing
from tests.lab.netns import inside

DNS_HEADER = struct.Struct("!6H")
A_RECORD = 1
ANSWER = 0x8180  # a response, recursion desired and available: RFC 1035 4.1.1
NAME_ERROR = 0x8183
NAME_POINTER = 0xC00C  # "the name in the question": RFC 1035 4.1.4


class Server(Closing):
    """A socket server on a thread; it serves from construction until closed."""

    def __init__(self, server: socketserver.BaseServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class ThreadingTCPServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class ThreadingTCPServer6(ThreadingTCPServer):
    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        """Leave IPv4 to another server."""
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()


class _UDPServer(socketserver.ThreadingUDPServer):
    allow_reuse_address = True
    daemon_threads = True


def serve_address(netns: Path, port: int, *, family: int = socket.AF_INET) -> Server:
    """Serve HTTP that answers with the client's address, as the server sees it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = str(self.client_address[0]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    kind, anywhere = (
        (ThreadingTCPServer, "0.0.0.0") if family == socket.AF_INET else (ThreadingTCPServer6, "::")
    )
    with inside(netns):
        return Server(kind((anywhere, port), Handler))


def serve_udp_echo(netns: Path, port: int) -> Server:
    """Send every datagram back to where it came from."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, answer = self.request
            answer.sendto(data, self.client_address)

    with inside(netns):
        return Server(_UDPServer(("0.0.0.0", port), Handler))


def serve_dns(netns: Path, names: Mapping[str, IPv4Address]) -> Server:
    """Answer for the addresses of these names; no other name exists."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, answer = self.request
            answer.sendto(_dns_answer(data, names), self.client_address)

    with inside(netns):
        return Server(_UDPServer(("0.0.0.0", 53), Handler))


def _dns_answer(query: bytes, names: Mapping[str, IPv4Address]) -> bytes:
    identity = DNS_HEADER.unpack_from(query)[0]
    labels, position = [], DNS_HEADER.size
    while length := query[position]:
        labels.append(query[position + 1 : position + 1 + length].decode())
        position += 1 + length
    question = query[DNS_HEADER.size : position + 5]
    kind = int.from_bytes(query[position + 1 : position + 3], "big")
    address = names.get(".".join(labels).lower())
    if address is None:
        return DNS_HEADER.pack(identity, NAME_ERROR, 1, 0, 0, 0) + question
    if kind != A_RECORD:
        return DNS_HEADER.pack(identity, ANSWER, 1, 0, 0, 0) + question
    record = struct.pack("!HHHIH", NAME_POINTER, A_RECORD, 1, 60, 4) + address.packed
    return DNS_HEADER.pack(identity, ANSWER, 1, 1, 0, 0) + question + record
