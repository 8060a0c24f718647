"""Containers that an engine starts again by itself, on several networks, with published ports."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.lab.clients import http_get
from tests.lab.commands import wait_until
from tests.lab.namespace import Peer
from tests.lab.site import WEB, Site

ALWAYS: Final = "--restart=always"
FIRST_PORT: Final = 8100
UP_DEADLINE: Final = 120.0
AT_A_TIME: Final = 4


class Town:
    """Web servers, dealt out to the networks in turn; each has a port of the host."""

    def __init__(self, site: Site, networks: Sequence[str], count: int) -> None:
        self.site = site
        self.networks = tuple(networks)
        self.ports = range(FIRST_PORT, FIRST_PORT + count)
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            self._names = list(pool.map(self._start, range(count)))
        self.wait_up()

    def wait_up(self) -> None:
        """Wait until the engine says that all are up."""
        wait_until(self._up, "all containers", deadline=UP_DEADLINE)

    def check(self, peer: Peer) -> None:
        """Check that every one answers another machine on its port."""
        address = self.site.host.address
        for name, port in zip(self._names, self.ports, strict=True):
            self.site.answering(name)
            assert http_get(peer.netns, address, port) == name

    def remove(self) -> None:
        self.site.remove(*self._names)

    def _start(self, number: int) -> str:
        network = self.networks[number % len(self.networks)]
        port = f"{self.ports[number]}:80"
        return self.site.run(ALWAYS, "--network", network, "-p", port, command=WEB)

    def _up(self) -> bool:
        names = set(self.site.docker("ps", "--format", "{{.Names}}").split())
        return names >= set(self._names)
