"""Ports that a process carries: what goes in comes out, and nobody is left waiting."""

import hashlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address

import pytest

from plugin.kernel.linux import LinuxKernel
from plugin.model.network import Protocol
from plugin.model.resources import HostPort, ProxiedPort
from tests.kernel.netns import Netns, wait_until

ADDRESS = "::1"
SERVER = ("127.0.0.1", 7000)
PORT = 8080
LARGE = 50 << 20
TCP, UDP = Protocol.TCP, Protocol.UDP


def carried(port: int = PORT, protocol: Protocol = TCP, server: int = SERVER[1]) -> ProxiedPort:
    held = HostPort(protocol=protocol, address=ip_address(ADDRESS), port=port)
    return ProxiedPort(held=held, address=ip_address(SERVER[0]), port=server)


def publish(kernel: LinuxKernel, *ports: ProxiedPort) -> None:
    for port in ports:
        kernel.ensure([port.held, port], lambda _: None)


def relay_of(kernel: LinuxKernel) -> int:
    """The process that carries."""
    process = kernel._proxy._process
    assert process is not None
    return process.pid


@contextmanager
def server(port: int = SERVER[1]) -> Iterator[socket.socket]:
    """A container's server; here it needs no container."""
    with socket.create_server((SERVER[0], port)) as listener:
        listener.settimeout(5)
        yield listener


@contextmanager
def connection(listener: socket.socket) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection that is carried."""
    with socket.create_connection((ADDRESS, PORT), timeout=5) as client:
        served, _ = listener.accept()
        served.settimeout(5)
        with served:
            yield client, served


@pytest.fixture
def pair(kernel: LinuxKernel) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client and the server it is connected to."""
    publish(kernel, carried())
    with server() as listener, connection(listener) as ends:
        yield ends


class TestConnections:
    def test_words_go_both_ways(self, pair: tuple[socket.socket, socket.socket]) -> None:
        """Whoever speaks first."""
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

        assert _everything(second) == b"question"
        second.sendall(b"answer")
        second.close()
        assert _everything(first) == b"answer"

    @pytest.mark.parametrize("sends", ["client", "server"])
    def test_much_arrives_whole(
        self, pair: tuple[socket.socket, socket.socket], sends: str
    ) -> None:
        """Fifty megabytes, in order, while the reader takes its time to begin."""
        sender, reader = pair if sends == "client" else pair[::-1]
        block = os.urandom(1 << 20)
        sender.settimeout(30)

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
            sender = threading.Thread(target=lambda: (sock.sendall(data), sock.shutdown(1)))
            sender.start()
            received[sock.fileno()] = _everything(sock)
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

        with socket.create_connection((ADDRESS, PORT), timeout=5) as client:
            assert _everything(client) == b""

    @pytest.mark.parametrize("vanishes", ["client", "server"])
    def test_a_side_that_vanishes_takes_the_other_along(
        self, pair: tuple[socket.socket, socket.socket], vanishes: str
    ) -> None:
        """With a reset, in the middle of everything."""
        gone, left = pair if vanishes == "client" else pair[::-1]
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gone.close()

        assert _everything(left) == b""

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
            wait_until(lambda: _is_refused(PORT), "the port is still open")
            client.sendall(b"on")

            assert served.recv(16) == b"on"

    def test_a_port_can_be_had_again_at_once(self, kernel: LinuxKernel) -> None:
        """Its ended connections linger in TIME_WAIT for a minute, and are in nobody's way."""
        publish(kernel, carried())
        with server() as listener, connection(listener) as (client, served):
            # Who ends it first has to linger.
            served.close()
            assert client.recv(16) == b""
        kernel.remove([carried(), carried().held])
        wait_until(lambda: _is_refused(PORT), "the port is still open")

        publish(kernel, carried())

        with server() as listener, connection(listener) as (client, served):
            client.sendall(b"again")
            assert served.recv(16) == b"again"


class TestDatagrams:
    @pytest.fixture(autouse=True)
    def port(self, kernel: LinuxKernel) -> None:
        publish(kernel, carried(protocol=UDP))

    def test_each_client_has_its_own_answers(self, netns: Netns) -> None:
        """The server sees them apart."""
        with ExitStack() as stack:
            served = stack.enter_context(_datagrams(socket.AF_INET))
            served.bind(SERVER)
            clients = [stack.enter_context(_datagrams(socket.AF_INET6)) for _ in range(3)]
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
        with _datagrams(socket.AF_INET) as served, _datagrams(socket.AF_INET6) as client:
            served.bind(SERVER)
            client.connect((ADDRESS, PORT))
            client.send(b"1")
            _, first = served.recvfrom(16)
            client.send(b"2")
            _, second = served.recvfrom(16)

            assert first == second

    def test_large_and_empty_ones(self, netns: Netns) -> None:
        """Each is carried as one."""
        with _datagrams(socket.AF_INET) as served, _datagrams(socket.AF_INET6) as client:
            served.bind(SERVER)
            client.connect((ADDRESS, PORT))
            for size in (0, 1, 9000, 60_000):
                client.send(b"x" * size)

                assert len(served.recv(1 << 16)) == size

    def test_a_server_that_comes_later_is_reached(self, netns: Netns) -> None:
        """What was refused before is forgotten."""
        with _datagrams(socket.AF_INET) as served, _datagrams(socket.AF_INET6) as client:
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


class TestProcess:
    def test_one_carries_all_ports(self, kernel: LinuxKernel) -> None:
        """Of all networks and protocols."""
        publish(kernel, carried())
        first = relay_of(kernel)
        publish(kernel, carried(8081), carried(8082, UDP))

        assert relay_of(kernel) == first

    def test_there_is_none_until_it_is_needed(self, kernel: LinuxKernel) -> None:
        """Most hosts need none."""
        kernel.ensure([carried().held], lambda _: None)

        assert kernel._proxy._process is None

    def test_killed_it_is_started_again_with_every_port(self, kernel: LinuxKernel) -> None:
        """By whoever makes sure of any of them next."""
        ports = [carried(8080 + number) for number in range(4)]
        publish(kernel, *ports)
        with server() as listener:
            _kill(relay_of(kernel))
            wait_until(lambda: not kernel.read(ports), "it is still alive")
            publish(kernel, ports[0])

            assert kernel.read(ports) == frozenset(ports)
            for port in ports:
                with socket.create_connection((ADDRESS, port.held.port), timeout=5) as client:
                    listener.accept()[0].close()
                    assert _everything(client) == b""

    def test_who_calls_meanwhile_waits_in_line(self, kernel: LinuxKernel) -> None:
        """The port is the plugin's, and listens whether the process lives or not."""
        publish(kernel, carried())
        _kill(relay_of(kernel))
        wait_until(lambda: not kernel.read([carried()]), "it is still alive")
        with (
            server() as listener,
            socket.create_connection((ADDRESS, PORT), timeout=5) as client,
        ):
            publish(kernel, carried())
            served, _ = listener.accept()
            with served:
                served.sendall(b"at last")
                assert client.recv(16) == b"at last"

    def test_withdrawing_from_a_dead_process_is_no_failure(self, kernel: LinuxKernel) -> None:
        """And the port is not carried by the next."""
        publish(kernel, carried(), carried(8081))
        _kill(relay_of(kernel))
        kernel.remove([carried(), carried().held])
        wait_until(lambda: not kernel.read([carried(8081)]), "it is still alive")
        publish(kernel, carried(8081))

        assert kernel.read([carried(), carried(8081)]) == {carried(8081)}
        wait_until(lambda: _is_refused(PORT), "the port is still open")

    def test_it_ends_with_the_plugin(self, netns: Netns) -> None:
        """It holds no port for nobody."""
        kernel = LinuxKernel()
        publish(kernel, carried())
        process = kernel._proxy._process
        kernel.close()

        assert process is not None
        assert process.returncode == 0
        assert _is_refused(PORT)

    def test_it_ends_when_the_plugin_is_killed(self, kernel: LinuxKernel) -> None:
        """The other end of its input is gone then."""
        publish(kernel, carried())
        process = kernel._proxy._process
        assert kernel._proxy._control is not None
        kernel._proxy._control.close()

        assert process is not None
        wait_until(lambda: process.poll() is not None, "it lives on")


def _everything(sock: socket.socket) -> bytes:
    """What comes until the end, which may be a reset."""
    found = b""
    try:
        while data := sock.recv(1 << 16):
            found += data
    except ConnectionResetError:
        pass
    return found


def _datagrams(family: socket.AddressFamily) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(2)
    return sock


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection((ADDRESS, port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # it was closed under this very call
    return False


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
