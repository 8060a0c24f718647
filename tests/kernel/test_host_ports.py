"""Who can have a port while we hold it, as the kernel's own conflict rules decide."""

import errno
import resource
import socket
from ipaddress import ip_address
from pathlib import Path

import pytest

from plugin.errors import KernelError, PortTakenError
from plugin.kernel.linux import LinuxKernel
from plugin.model.network import Protocol
from plugin.model.ports import HostPort
from tests.kernel.netns import Netns

pytestmark = pytest.mark.kernels

PORT = 8080
ANY4 = ip_address("0.0.0.0")


def hold(kernel: LinuxKernel, address: str, protocol: Protocol = Protocol.TCP) -> HostPort:
    port = HostPort(protocol=protocol, address=ip_address(address), port=PORT)
    kernel.ensure([port], lambda _: None)
    return port


class TestBesideUs:
    @pytest.mark.parametrize("option", [None, socket.SO_REUSEADDR, socket.SO_REUSEPORT])
    @pytest.mark.parametrize(
        ("held", "asked"),
        [
            ("0.0.0.0", "0.0.0.0"),
            ("0.0.0.0", "127.0.0.1"),
            ("127.0.0.1", "0.0.0.0"),
            ("0.0.0.0", "::"),
            ("::", "::"),
        ],
    )
    def test_nobody_can_listen(
        self, kernel: LinuxKernel, held: str, asked: str, option: int | None
    ) -> None:
        """Whatever a server does to get the port anyway."""
        hold(kernel, held)
        family = socket.AF_INET6 if ":" in asked else socket.AF_INET

        with socket.socket(family, socket.SOCK_STREAM) as sock:
            if option is not None:
                sock.setsockopt(socket.SOL_SOCKET, option, 1)
            with pytest.raises(OSError, match="in use") as refusal:  # noqa: PT012 - either says it
                sock.bind((asked, PORT))
                sock.listen()
        assert refusal.value.errno == errno.EADDRINUSE

    @pytest.mark.parametrize("option", [None, socket.SO_REUSEADDR, socket.SO_REUSEPORT])
    def test_nobody_can_receive(self, kernel: LinuxKernel, option: int | None) -> None:
        """Datagrams know no listening: binding is enough to take them."""
        hold(kernel, "0.0.0.0", Protocol.UDP)

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            if option is not None:
                sock.setsockopt(socket.SOL_SOCKET, option, 1)
            with pytest.raises(OSError, match="in use"):
                sock.bind(("127.0.0.1", PORT))

    def test_the_other_family_stays_free(self, kernel: LinuxKernel) -> None:
        """A port on [::] says nothing of IPv4."""
        hold(kernel, "::")

        with socket.create_server(("0.0.0.0", PORT)):
            pass

    def test_a_port_that_was_released_can_be_listened_on(self, kernel: LinuxKernel) -> None:
        """At once."""
        kernel.remove([hold(kernel, "0.0.0.0")])

        with socket.create_server(("0.0.0.0", PORT)):
            pass


def test_files_that_run_out_are_named(kernel: LinuxKernel) -> None:
    """Some are left for everything else, and nothing stays held of what could not be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    ports = [HostPort(protocol=Protocol.UDP, address=ANY4, port=PORT + i) for i in range(300)]
    try:
        with pytest.raises(KernelError, match=r"may open 512 files .*LimitNOFILE"):
            kernel.ensure(ports, lambda _: None)
        with socket.socket():
            held = kernel.read(ports)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert 0 < len(held) < 256


class TestPlainCalls:
    def test_a_connection_that_is_not_translated_is_refused_at_once(
        self, kernel: LinuxKernel
    ) -> None:
        """The socket holds the port and never listens."""
        hold(kernel, "0.0.0.0")

        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", PORT), timeout=60)

    def test_a_socket_of_ours_takes_no_datagrams_to_heart(self, kernel: LinuxKernel) -> None:
        """pynet never reads them: they must not pile up."""
        port = hold(kernel, "127.0.0.1", Protocol.UDP)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for _ in range(64):
                sock.sendto(bytes(1400), ("127.0.0.1", PORT))

        queued = Path("/proc/thread-self/net/udp").read_text().splitlines()[1].split()[4]
        assert port.protocol is Protocol.UDP
        assert int(queued.partition(":")[2], 16) < 8 * 1400


class TestTimeWait:
    def test_an_earlier_servers_connections_do_not_block_the_port(
        self, kernel: LinuxKernel
    ) -> None:
        """The server of the last container on that port closed first, a moment ago."""
        with socket.create_server(("127.0.0.1", PORT)) as server:
            client = socket.create_connection(("127.0.0.1", PORT))
            connection, _ = server.accept()
            connection.close()
            client.close()
        with socket.socket() as plain, pytest.raises(OSError, match="in use"):
            plain.bind(("127.0.0.1", PORT))

        port = hold(kernel, "127.0.0.1")
        assert kernel.read([port]) == {port}


class TestAnyPort:
    def test_it_is_of_the_hosts_range_and_none_of_the_reserved(
        self, kernel: LinuxKernel, netns: Netns
    ) -> None:
        """ip_local_port_range, less ip_local_reserved_ports."""
        netns.sysctl("net/ipv4/ip_local_port_range", "40000 40005")
        netns.sysctl("net/ipv4/ip_local_reserved_ports", "40001-40003")

        numbers = {kernel.reserve(Protocol.TCP, [ANY4], None) for _ in range(3)}

        assert numbers == {40000, 40004, 40005}

    def test_one_that_is_taken_in_one_family_is_passed_over(
        self, kernel: LinuxKernel, netns: Netns
    ) -> None:
        """Both families or another port."""
        netns.sysctl("net/ipv4/ip_local_port_range", "40000 40003")
        taken = []
        for number in (40000, 40001, 40002):
            sock = socket.socket(socket.AF_INET6)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(("::", number))
            taken.append(sock)

        # The kernel may offer the same port of IPv4 again and again: sixteen tries in all.
        try:
            number = kernel.reserve(Protocol.TCP, [ANY4, ip_address("::")], None)
        finally:
            for sock in taken:
                sock.close()
        assert number == 40003


class TestRestart:
    def test_the_same_ports_are_held_again(self, kernel: LinuxKernel) -> None:
        """And a second plugin could not have them meanwhile."""
        hold(kernel, "0.0.0.0")
        other = LinuxKernel()
        with pytest.raises(PortTakenError):
            hold(other, "0.0.0.0")
        kernel.close()

        assert other.read([hold(other, "0.0.0.0")])
        other.close()
