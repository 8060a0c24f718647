"""The process that carries: one for all ports, and nobody is left waiting if it dies."""

import os
import signal
import socket
import threading

import pytest

from plugin.kernel.linux import LinuxKernel
from plugin.kernel.proxy.proxy import Proxy
from plugin.model.network import Protocol
from tests.kernel.carried import (
    ADDRESS,
    PORT,
    carried,
    everything,
    is_refused,
    publish,
    relay_of,
    server,
)
from tests.kernel.netns import Netns, wait_until

pytestmark = pytest.mark.kernels


class TestProcess:
    def test_one_carries_all_ports(self, kernel: LinuxKernel) -> None:
        """Of all networks and protocols."""
        publish(kernel, carried())
        first = relay_of(kernel)
        publish(kernel, carried(8081), carried(8082, Protocol.UDP))

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
                with socket.create_connection((ADDRESS, port.held.port), timeout=60) as client:
                    listener.accept()[0].close()
                    assert everything(client) == b""

    def test_who_calls_meanwhile_waits_in_line(self, kernel: LinuxKernel) -> None:
        """The port is the plugin's, and listens whether the process lives or not."""
        publish(kernel, carried())
        _kill(relay_of(kernel))
        wait_until(lambda: not kernel.read([carried()]), "it is still alive")
        with (
            server() as listener,
            socket.create_connection((ADDRESS, PORT), timeout=60) as client,
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
        wait_until(lambda: is_refused(PORT), "the port is still open")

    def test_a_withdrawn_port_is_free_at_once(self, netns: Netns) -> None:
        """However slow the process is: the next container may want it."""
        kernel = LinuxKernel(proxy=Proxy(patience=60))
        publish(kernel, carried())
        withdrawal = threading.Thread(target=kernel.remove, args=([carried(), carried().held],))
        os.kill(relay_of(kernel), signal.SIGSTOP)
        withdrawal.start()
        withdrawal.join(0.3)
        waits = withdrawal.is_alive()
        os.kill(relay_of(kernel), signal.SIGCONT)
        withdrawal.join()

        assert waits
        with socket.create_server(("", PORT)):
            """Nobody else has it."""
        kernel.close()

    def test_it_ends_with_the_plugin(self, netns: Netns) -> None:
        """It holds no port for nobody."""
        kernel = LinuxKernel()
        publish(kernel, carried())
        process = kernel._proxy._process
        kernel.close()

        assert process is not None
        assert process.returncode == 0
        assert is_refused(PORT)

    def test_it_ends_when_the_plugin_is_killed(self, kernel: LinuxKernel) -> None:
        """The other end of its input is gone then."""
        publish(kernel, carried())
        process = kernel._proxy._process
        assert kernel._proxy._control is not None
        kernel._proxy._control.close()

        assert process is not None
        wait_until(lambda: process.poll() is not None, "it lives on")


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
