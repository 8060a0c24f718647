"""What one client, one port and all together may have of the proxy, and what it gives up itself."""

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from plugin.errors import RefusedError
from plugin.kernel.linux import LinuxKernel
from plugin.kernel.proxy.places import Bounds, Limits
from plugin.kernel.proxy.proxy import Proxy
from plugin.model.network import Protocol
from tests.kernel.carried import ADDRESS, PORT, SERVER, carried, publish, relay, server
from tests.kernel.netns import Netns, wait_until
from tests.kernel.relay_process import few_files, files_of, hand_over, kept_alive

MANY = 10
LIMITS = Limits(
    connections=Bounds(total=4, per_port=3, per_client=2, idle_seconds=600),
    sessions=Bounds(total=6, per_port=4, per_client=4, idle_seconds=600),
    ports=3,
)


@pytest.fixture
def netns() -> Iterator[Netns]:
    """A namespace with MANY clients, each on a link of its own."""
    namespace = Netns()
    with namespace.entered():
        namespace.ip(*(f"address add {source(number)}/128 dev lo nodad" for number in range(MANY)))
        yield namespace
    namespace.close()


@pytest.fixture
def kernel(netns: Netns) -> Iterator[LinuxKernel]:
    made = LinuxKernel(proxy=Proxy(LIMITS, patience=60))
    yield made
    made.close()


def source(client: int) -> str:
    return f"fd00:{client + 1}::1"


def call(client: int, port: int = PORT) -> socket.socket:
    return socket.create_connection((ADDRESS, port), timeout=60, source_address=(source(client), 0))


class Talk:
    """Connections to a carried port, each with its end at the server."""

    def __init__(self, stack: ExitStack, listener: socket.socket) -> None:
        self._stack = stack
        self._listener = listener

    def begin(self, client: int, port: int = PORT) -> tuple[socket.socket, socket.socket]:
        caller = self._stack.enter_context(call(client, port))
        served, _ = self._listener.accept()
        served.settimeout(60)
        return caller, self._stack.enter_context(served)


@pytest.fixture
def talk() -> Iterator[Talk]:
    with server() as listener, ExitStack() as stack:
        yield Talk(stack, listener)


def goes_on(pair: tuple[socket.socket, socket.socket]) -> bool:
    """Whether a word gets through."""
    client, served = pair
    try:
        client.sendall(b"word")
        return served.recv(4) == b"word"
    except ConnectionError:
        return False


class TestConnections:
    def test_a_client_takes_places_of_its_own_only(self, kernel: LinuxKernel, talk: Talk) -> None:
        """It may call as often as it likes: its longest silent connection ends."""
        publish(kernel, carried())
        other = talk.begin(1)
        greedy = [talk.begin(0) for _ in range(3)]

        assert [goes_on(pair) for pair in [other, *greedy]] == [True, False, True, True]

    def test_a_port_takes_places_of_its_own_only(self, kernel: LinuxKernel, talk: Talk) -> None:
        """However many clients flood it from everywhere, a client of another port is served."""
        publish(kernel, carried(), carried(8081))
        neighbour = talk.begin(0, 8081)
        crowd = [talk.begin(client) for client in range(1, 5)]

        assert [goes_on(pair) for pair in [neighbour, *crowd]] == [True, False, True, True, True]
        assert goes_on(talk.begin(9, 8081))

    def test_a_silent_one_ends(self, netns: Netns, talk: Talk) -> None:
        """And both sides are told."""
        bounds = LIMITS.connections._replace(idle_seconds=0.2)
        kernel = LinuxKernel(proxy=Proxy(LIMITS._replace(connections=bounds), patience=60))
        publish(kernel, carried())
        client, served = talk.begin(0)

        assert (client.recv(1), served.recv(1)) == (b"", b"")
        kernel.close()

    def test_each_has_two_files(self, kernel: LinuxKernel, talk: Talk) -> None:
        """Nothing that waits is held in pipes, where it would pin pages that nobody counts."""
        publish(kernel, carried())
        before = files_of(relay())
        pair = talk.begin(0)
        pair[0].settimeout(0)
        sent = 0
        try:
            while True:
                sent += pair[0].send(bytes(1 << 16))
        except BlockingIOError:
            assert files_of(relay()) == before + 2
        received = 0
        while received < sent:
            received += len(pair[1].recv(1 << 20))

    def test_a_peer_that_vanished_is_asked_for(self, kernel: LinuxKernel, talk: Talk) -> None:
        """By the kernel (SO_KEEPALIVE), on both halves."""
        publish(kernel, carried())
        pair = talk.begin(0)
        assert goes_on(pair)
        relays = {f"{PORT:04X}", f"{pair[1].getpeername()[1]:04X}"}  # its ports of the two halves

        wait_until(lambda: relays <= kept_alive(), "no timer of keep-alive runs")


class TestSessions:
    def test_forged_sources_keep_nobody_out(self, kernel: LinuxKernel) -> None:
        """Each has a session of its own, and the one silent for longest goes."""
        publish(kernel, carried(protocol=Protocol.UDP))
        with ExitStack() as stack:
            served = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            served.bind(SERVER)
            served.settimeout(60)
            for number in range(4 * LIMITS.sessions.total):
                forged = stack.enter_context(sender(number % MANY))
                forged.send(b"x")
                assert served.recv(16) == b"x"
            honest = stack.enter_context(sender(0))
            heard = []
            for word in (b"1", b"2", b"3", b"4"):
                honest.send(word)
                said, caller = served.recvfrom(16)
                served.sendto(b"to " + said, caller)
                heard.append(honest.recv(16))

            assert heard == [b"to 1", b"to 2", b"to 3", b"to 4"]
            sessions = files_of(relay())
        assert sessions <= 9 + LIMITS.sessions.per_port

    def test_a_port_takes_places_of_its_own_only(self, kernel: LinuxKernel) -> None:
        """A client of another one is the same to its server as before."""
        publish(kernel, carried(protocol=Protocol.UDP), carried(8081, Protocol.UDP))
        with ExitStack() as stack:
            served = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            served.bind(SERVER)
            served.settimeout(60)
            client = stack.enter_context(sender(0, 8081))
            client.send(b"before")
            _, before = served.recvfrom(16)
            for number in range(MANY):
                forged = stack.enter_context(sender(number))
                forged.send(b"x")
                served.recv(16)
            client.send(b"after")

            assert served.recvfrom(16) == (b"after", before)


class TestPorts:
    def test_one_too_many_is_refused_and_harms_nobody(
        self, kernel: LinuxKernel, talk: Talk
    ) -> None:
        """It is said why, it is not carried, and nobody who calls there waits for nothing."""
        ports = [carried(PORT + number) for number in range(3)]
        publish(kernel, *ports)
        pair = talk.begin(0)
        extra = carried(PORT + 3)

        with pytest.raises(RefusedError, match="carries 3 ports, and has no files for more"):
            publish(kernel, extra)

        assert goes_on(pair)
        assert kernel.read([*ports, extra]) == frozenset(ports)
        with pytest.raises(ConnectionRefusedError):
            call(0, extra.held.port)

    def test_it_is_carried_when_another_has_gone(self, kernel: LinuxKernel, talk: Talk) -> None:
        """The tick asks for it again."""
        ports = [carried(PORT + number) for number in range(3)]
        publish(kernel, *ports)
        extra = carried(PORT + 3)
        with pytest.raises(RefusedError):
            publish(kernel, extra)
        kernel.remove([ports[0]])

        publish(kernel, extra)

        assert goes_on(talk.begin(0, extra.held.port))

    def test_a_process_that_takes_no_orders_is_replaced(self, netns: Netns, talk: Talk) -> None:
        """The port that it did not take counts as not carried, and nor do the others."""
        proxy = Proxy(LIMITS, patience=60)
        kernel = LinuxKernel(proxy=proxy)
        publish(kernel, carried())
        os.kill(relay(), 19)  # SIGSTOP
        proxy.patience = 0.3
        with pytest.raises(Exception, match="does not answer on its control socket"):
            publish(kernel, carried(8081))
        proxy.patience = 60
        assert kernel.read([carried(), carried(8081)]) == frozenset()

        publish(kernel, carried(), carried(8081))

        assert goes_on(talk.begin(0))
        assert goes_on(talk.begin(0, 8081))
        kernel.close()


class TestFiles:
    """Fewer than its limits need, because the host or an administrator took some."""

    def test_who_cannot_be_served_waits_and_the_rest_goes_on(self, netns: Netns) -> None:
        """No connection ends, and the client that waited is served when there are files again."""
        files = 16
        with few_files(files) as (control, relay), server() as listener, ExitStack() as stack:
            talk = Talk(stack, listener)
            with socket.create_server((ADDRESS, PORT), family=socket.AF_INET6) as port:
                assert hand_over(control, 1, port) == {"id": 1}
            pairs = [talk.begin(0)]
            while files - files_of(relay) >= 2:  # what a connection takes
                pairs.append(talk.begin(0))
            caller = stack.enter_context(call(0))
            assert goes_on(pairs[0])
            listener.settimeout(0)
            with pytest.raises(BlockingIOError):
                listener.accept()
            with socket.create_server((ADDRESS, 8081), family=socket.AF_INET6) as more:
                refused = hand_over(control, 2, more)
            assert goes_on(pairs[0])
            for end in (*pairs[0], *pairs[1]):
                end.close()
            listener.settimeout(60)
            served = stack.enter_context(listener.accept()[0])

            assert goes_on((caller, served))
            assert refused in ({"id": 2}, {"id": 2, "refused": "it may open no more files"})


@pytest.mark.nightly
def test_a_flood_of_one_port_is_not_felt_at_another(netns: Netns) -> None:
    """With the limits that it has by itself: thousands of connections, sessions and bytes."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    kernel = LinuxKernel()
    flooded, other = carried(), carried(8081, server=7001)
    publish(kernel, flooded, other, carried(8082, Protocol.UDP))
    with ExitStack() as stack:
        listener = stack.enter_context(server())
        quiet = stack.enter_context(server(7001))
        for number in range(5000):
            stack.enter_context(call(number % MANY))
            stack.enter_context(listener.accept()[0])
        publish(kernel, *(carried(9000 + number) for number in range(4)))
        talk = Talk(stack, quiet)
        served = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        served.bind(SERVER)
        served.settimeout(60)
        for number in range(1500):
            stack.enter_context(sender(number % MANY, 8082)).send(b"x")
            served.recv(16)
        honest = stack.enter_context(sender(0, 8082))
        answers = 0
        for _ in range(4):
            honest.send(b"?")
            served.sendto(b"!", served.recvfrom(16)[1])
            answers += honest.recv(16) == b"!"

        assert [goes_on(talk.begin(client, 8081)) for client in range(3)] == [True] * 3
        assert answers == 4
    kernel.close()


def sender(client: int, port: int = PORT) -> socket.socket:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.settimeout(60)
    sock.bind((source(client), 0))
    sock.connect((ADDRESS, port))
    return sock
