"""As ``serve``, on a host whose kernel blocks a thread that makes a link while a FIFO is there."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from plugin.model.resources import HostResource
from plugin.server.calls import Calls, WsgiApp
from plugin.server.listeners import listen
from plugin.server.process import Process, by_socket
from tests.conformance.plugin import Plugin
from tests.fakes.kernel import FakeKernel

ANSWER_SECONDS = 0.5


class StuckKernel(FakeKernel):
    """Its host may be had from another kernel."""

    fifo: Path

    def ensure(
        self, resources: Sequence[HostResource], started: Callable[[HostResource], None]
    ) -> None:
        if self.fifo.exists():
            self.fifo.read_bytes()  # returns when a test has written
        super().ensure(resources, started)


def build(path: str, fifo: str) -> WsgiApp:
    plugin = Plugin()
    plugin.rig.kernel.__class__ = StuckKernel
    plugin.rig.kernel.fifo = Path(fifo)  # type: ignore[attr-defined]
    calls = Calls(plugin.rig.health, seconds=ANSWER_SECONDS)
    return by_socket({path: calls.bounded(plugin.app)})


def main(path: str, fifo: str) -> None:
    """Until it is stopped."""
    Process([listen(Path(path))], lambda: build(path, fifo)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
