"""Containers of a host in a cluster: two that run all the time, and others that come and go at leisure."""

import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

from tests.lab.commands import CommandError, run
from tests.lab.host import IMAGE, Host
from tests.lab.namespace import enter
from tests.reliability.cluster.hammers import Stay

AT_A_TIME: Final = (
    12  # of those that come and go; a quarter of a block's addresses, with the others
)
RESTING: Final = 2


class Residents:
    """The containers of one host on the network that all hosts have."""

    def __init__(self, host: Host, number: int, network: str) -> None:
        self.host = host
        self.number = number
        self._network = network
        self._running: list[tuple[str, IPv4Address, float]] = []
        self._count = 0
        self.gone: list[Stay] = []
        self.resting = [self._start(f"resting{number}-{each}") for each in range(RESTING)]

    @property
    def started(self) -> int:
        """How many came, beside those that run all the time."""
        return self._count

    def netns(self, name: str) -> Path:
        """Where this machine sees a container's network namespace."""
        seen: dict[str, Any] = self.host.client.api.inspect_container(name)
        return self.host.path(seen["NetworkSettings"]["SandboxKey"].removeprefix("/var"))

    def come(self, *targets: IPv4Address) -> None:
        """Start one more container, which must reach the targets; the oldest goes if there are many."""
        self._count += 1
        name = f"guest{self.number}-{self._count}"
        begin = time.monotonic()
        address = self._start(name)[1]
        self._running.append((name, address, begin))
        for target in targets:
            run(enter(self.netns(name), "busybox", "ping", "-c", "1", "-W", "2", str(target)))
        if len(self._running) > AT_A_TIME:
            self._go()

    def refused(self, *arguments: str, because: str) -> float:
        """Have docker refuse a command for a reason; return how long it took, in seconds."""
        begin = time.monotonic()
        said = self._refusal(*arguments)
        assert because in said, f"docker {' '.join(arguments)}: {said or 'it was not refused'}"
        return time.monotonic() - begin

    def stays(self) -> list[Stay]:
        """Who had which address when, up to now."""
        now = time.monotonic()
        running = [*self._running, *((name, address, 0.0) for name, address in self.resting)]
        return self.gone + [
            self._stay(name, address, begin, now) for name, address, begin in running
        ]

    def _refusal(self, *arguments: str) -> str:
        try:
            self.host.docker(*arguments)
        except CommandError as error:
            return error.output
        return ""

    def _start(self, name: str) -> tuple[str, IPv4Address]:
        self.host.docker(
            *("run", "-d", "--stop-signal=KILL", "--name", name, "--network", self._network),
            *(IMAGE, "sleep", "86400"),
        )
        seen: dict[str, Any] = self.host.client.api.inspect_container(name)
        return name, IPv4Address(seen["NetworkSettings"]["Networks"][self._network]["IPAddress"])

    def _go(self) -> None:
        name, address, begin = self._running.pop(0)
        self.gone.append(self._stay(name, address, begin, time.monotonic()))
        self.host.docker("rm", "-f", name)

    def _stay(self, name: str, address: IPv4Address, begin: float, end: float) -> Stay:
        return Stay(host=self.number, container=name, address=str(address), begin=begin, end=end)
