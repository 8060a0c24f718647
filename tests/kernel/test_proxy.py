"""Connections and datagrams that a process carries: what goes in comes out."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from plugin.kernel.linux import LinuxKernel
from plugin.model.network import Protocol
from tests.kernel.carried import (
    ADDRESS,
    PORT,
    SERVER,
    carried,
    connection,
    everything,
    is_refused,
    publish,
    server,
)
from tests.kernel.netns import Netns, wait_until

LARGE = 50 << 20


@pytest.fixture
def pair(kernel: LinuxKernel) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client and the server it is connected to."""
    publish(kernel, carried())
    with server() as listener, connection(listener) as ends:
        yield ends


class TestConnections:
    def test_words_go_both_ways(self, pair: tuple[socket.socket, socket.socket]) -> None:
        """Whichever end speaks first."""
        client, served = pair
        served.sendall(b"welcome")
        heard = client.recv(16)
        client.sendall(b"thanks")

        assert (heard, served.recv(16)) == (b"welcome", b"thanks")

    @pytest.mark.parametrize("ends", ["client", "server"])
    def test_one_side_may_end_and_listen_on(
        self, pair: tuple[socket.socket, socket.socket], ends: str
    ) -> None:
        """As ``ssh`` and old HTTP do; in either direction."""
        first, second = pair if ends == "client" else pair[::-1]
        first.sendall(b"question")
        first.shutdown(socket.SHUT_WR)

        assert everything(second) == b"question"
        second.sendall(b"answer")
        second.close()
        assert everything(first) == b"answer"

    @pytest.mark.parametrize("sends", ["client", "server"])
    def test_much_arrives_whole(
        self, pair: tuple[socket.socket, socket.socket], sends: str
    ) -> None:
        """Fifty megabytes, in order, while the reader takes its time to begin."""
        sender, reader = pair if sends == "client" else pair[::-1]
        block = os.urandom(1 << 20)
        sender.settimeout(60)

        def send() -> None:
            for number in range(LARGE // len(block)):
                sender.sendall(number.to_bytes(4, "big") + block[4:])
            sender.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=send)
        thread.start()
        digest, size = hashlib.sha256(), 0
        while data := reader.recv(1 << 20):
            digest.update(data)
            size += len(data)
        thread.join()
        wanted = hashlib.sha256()
        for number in range(LARGE // len(block)):
            wanted.update(number.to_bytes(4, "big") + block[4:])

        assert (size, digest.digest()) == (LARGE, wanted.digest())

    def test_both_may_send_much_at_once(self, pair: tuple[socket.socket, socket.socket]) -> None:
        """Neither waits for the other to have been read."""
        data = os.urandom(4 << 20)
        received: dict[int, bytes] = {}

        def exchange(sock: socket.socket) -> None:
            def say_all() -> None:
                sock.sendall(data)
                sock.shutdown(1)

            sender = threading.Thread(target=say_all)
            sender.start()
            received[sock.fileno()] = everything(sock)
            sender.join()

        threads = [threading.Thread(target=exchange, args=(sock,)) for sock in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert list(received.values()) == [data, data]

    def test_a_container_that_refuses_ends_the_connection(self, kernel: LinuxKernel) -> None:
        """At once, rather than leave the client waiting."""
        publish(kernel, carried())

        with socket.create_connection((ADDRESS, PORT), timeout=60) as client:
            assert everything(client) == b""

    @pytest.mark.parametrize("vanishes", ["client", "server"])
    def test_a_side_that_vanishes_takes_the_other_along(
        self, pair: tuple[socket.socket, socket.socket], vanishes: str
    ) -> None:
        """With a reset, in the middle of everything."""
        gone, left = pair if vanishes == "client" else pair[::-1]
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gone.close()

        assert everything(left) == b""

    def test_the_rest_goes_on_when_one_vanishes(self, kernel: LinuxKernel) -> None:
        """They have nothing to do with each other."""
        publish(kernel, carried())
        with server() as listener, connection(listener) as (client, served):
            with connection(listener) as (other, _):
                other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                other.close()
            client.sendall(b"still there")

            assert served.recv(16) == b"still there"

    def test_a_withdrawn_port_is_closed_and_its_connections_go_on(
        self, kernel: LinuxKernel
    ) -> None:
        """As they do where the kernel translates."""
        publish(kernel, carried())
        with server() as listener, connection(listener) as (client, served):
            kernel.remove([carried(), carried().held])
            wait_until(lambda: is_refused(PORT), "the port is still open")
            client.sendall(b"on")

            assert served.recv(16) == b"on"

    def test_a_port_can_be_published_again_at_once(self, kernel: LinuxKernel) -> None:
        """Its ended connections linger in TIME_WAIT for a minute, and are in nobody's way."""
        publish(kernel, carried())
        with server() as listener, connection(listener) as (client, served):
            # Who ends it first has to linger.
            served.close()
            assert client.recv(16) == b""
        kernel.remove([carried(), carried().held])
        wait_until(lambda: is_refused(PORT), "the port is still open")

        publish(kernel, carried())

        with server() as listener, connection(listener) as (client, served):
            client.sendall(b"again")
            assert served.recv(16) == b"again"


class TestDatagrams:
    @pytest.fixture(autouse=True)
    def port(self, kernel: LinuxKernel) -> None:
        publish(kernel, carried(protocol=Protocol.UDP))

    def test_each_client_has_its_own_answers(self, netns: Netns) -> None:
        """The server sees them apart."""
        with ExitStack() as stack:
            served = stack.enter_context(datagrams(socket.AF_INET))
            served.bind(SERVER)
            clients = [stack.enter_context(datagrams(socket.AF_INET6)) for _ in range(3)]
            for number, client in enumerate(clients):
                client.connect((ADDRESS, PORT))
                client.send(b"%d" % number)
            callers = dict(served.recvfrom(16) for _ in clients)
            for word, caller in callers.items():
                served.sendto(b"to " + word, caller)

            assert len(set(callers.values())) == 3
            assert [client.recv(16) for client in clients] == [b"to 0", b"to 1", b"to 2"]

    def test_a_client_that_asks_again_is_the_same_to_the_server(self, netns: Netns) -> None:
        """A session, as far as datagrams have one."""
        with datagrams(socket.AF_INET) as served, datagrams(socket.AF_INET6) as client:
            served.bind(SERVER)
            client.connect((ADDRESS, PORT))
            client.send(b"1")
            _, first = served.recvfrom(16)
            client.send(b"2")
            _, second = served.recvfrom(16)

            assert first == second

    def test_large_and_empty_ones(self, netns: Netns) -> None:
        """Each is carried as one."""
        with datagrams(socket.AF_INET) as served, datagrams(socket.AF_INET6) as client:
            served.bind(SERVER)
            client.connect((ADDRESS, PORT))
            for size in (0, 1, 9000, 60_000):
                client.send(b"x" * size)

                assert len(served.recv(1 << 16)) == size

    def test_a_server_that_comes_later_is_reached(self, netns: Netns) -> None:
        """What was refused before is forgotten."""
        with datagrams(socket.AF_INET) as served, datagrams(socket.AF_INET6) as client:
            client.connect((ADDRESS, PORT))
            client.send(b"too early")
            served.settimeout(0.1)
            served.bind(SERVER)

            def asked() -> bool:
                client.send(b"again")
                try:
                    return served.recv(16) == b"again"
                except TimeoutError:
                    return False

            wait_until(asked, "the server is not reached")


def datagrams(family: socket.AddressFamily) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(2)
    return sock
