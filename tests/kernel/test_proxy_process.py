"""The process that carries: one for all ports, and nobody is left waiting if it dies."""

import os
import signal
import socket
import subprocess
import threading
from contextlib import closing
from typing import Any

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
    relay,
    relays,
    server,
)
from tests.kernel.netns import Netns, wait_until

pytestmark = pytest.mark.kernels


class TestProcess:
    def test_one_carries_all_ports(self, kernel: LinuxKernel) -> None:
        """Of all networks and protocols."""
        publish(kernel, carried())
        first = relay()
        publish(kernel, carried(8081), carried(8082, Protocol.UDP))

        assert relay() == first

    def test_there_is_none_until_it_is_needed(self, kernel: LinuxKernel) -> None:
        """Most hosts need none."""
        kernel.ensure([carried().held], lambda _: None)

        assert relays() == []

    def test_it_ends_when_it_has_not_been_needed_for_long(self, netns: Netns) -> None:
        """And another is started for the next port."""
        with closing(LinuxKernel(proxy=Proxy(idle=0.0))) as kernel:
            publish(kernel, carried())
            kernel.rest()
            needed = relays()
            kernel.remove([carried(), carried().held])
            kernel.rest()
            left = relays()
            publish(kernel, carried(8081))

            assert len(needed) == 1
            assert left == []
            assert kernel.read([carried(8081)]) == {carried(8081)}

    def test_it_waits_for_the_next_port(self, kernel: LinuxKernel) -> None:
        """A container that is started again finds it running."""
        publish(kernel, carried())
        first = relay()
        kernel.remove([carried(), carried().held])
        kernel.rest()
        publish(kernel, carried(8081))

        assert relay() == first

    def test_killed_it_is_started_again_with_every_port(self, kernel: LinuxKernel) -> None:
        """By the next call that makes sure of any of them."""
        ports = [carried(8080 + number) for number in range(4)]
        publish(kernel, *ports)
        with server() as listener:
            _kill(relay())
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
        _kill(relay())
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
        _kill(relay())
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
        os.kill(relay(), signal.SIGSTOP)
        withdrawal.start()
        withdrawal.join(0.3)
        waits = withdrawal.is_alive()
        os.kill(relay(), signal.SIGCONT)
        withdrawal.join()

        assert waits
        with socket.create_server(("", PORT)):
            """The port is free."""
        kernel.close()

    def test_it_ends_with_the_plugin(self, netns: Netns, monkeypatch: pytest.MonkeyPatch) -> None:
        """No port stays held without a plugin, and the process need not be killed."""
        killed: list[subprocess.Popen[bytes]] = []
        monkeypatch.setattr(subprocess.Popen, "kill", killed.append)
        kernel = LinuxKernel()
        publish(kernel, carried())
        kernel.close()

        assert (relays(), killed) == ([], [])
        assert is_refused(PORT)

    def test_it_ends_when_the_plugin_is_killed(
        self, kernel: LinuxKernel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other end of its input is gone then."""
        pairs = []
        make_pair = socket.socketpair

        def remember(*arguments: Any) -> tuple[socket.socket, socket.socket]:
            pairs.append(make_pair(*arguments))
            return pairs[-1]

        monkeypatch.setattr(socket, "socketpair", remember)
        publish(kernel, carried())
        pid = relay()
        ((own, _),) = pairs
        own.close()

        wait_until(lambda: pid not in relays(), "it lives on")


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
