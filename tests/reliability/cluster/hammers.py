"""Containers that come and go on every host of a cluster, and a log of who had which address when."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from tests.lab.commands import CommandError
from tests.lab.host import IMAGE, Host

SUBNET: Final = "10.61.0.0/25"  # four blocks, so that hosts come near each other
PASSING: Final = "10.62.0.0/28"  # of networks that come and go on all hosts, in four blocks of four
AT_A_TIME: Final = 6  # containers of one hammer
PATIENCE: Final = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """That a container had an address, from after its start to before its end (monotonic seconds)."""

    host: int
    container: str
    address: str
    begin: float
    end: float


@dataclass(slots=True)
class Log:
    """Of all hosts together; threads append."""

    stays: list[Stay] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def doubles(self) -> list[tuple[Stay, Stay]]:
        """Stays of two containers with one address at the same time."""
        by_address: dict[str, list[Stay]] = {}
        for stay in sorted(self.stays, key=lambda each: each.begin):
            by_address.setdefault(stay.address, []).append(stay)
        return [
            (one, other)
            for stays in by_address.values()
            for number, one in enumerate(stays)
            for other in stays[number + 1 :]
            if other.begin < one.end
        ]


class Hammer:
    """One thread on one host; ``passing`` makes a network of its own each time, and removes it."""

    def __init__(
        self, log: Log, host: Host, number: int, chance: random.Random, *, passing: bool
    ) -> None:
        self._log = log
        self._host = host
        self._number = number
        self._chance = chance
        self._passing = passing
        self._running: list[tuple[str, str, float]] = []
        self._count = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Finish, and remove everything."""
        self._ended.set()
        self._thread.join()
        while self._running:
            self._remove()

    def _live(self) -> None:
        while not self._ended.is_set():
            if self._passing:
                self._pass()
            elif len(self._running) < AT_A_TIME and self._chance.random() < 0.6:
                self._run("app", *self._wanted())
            elif self._running:
                self._remove()

    def _wanted(self) -> tuple[str, ...]:
        """Sometimes an address, which may be in a block of any host."""
        if self._chance.random() < 0.8:
            return ()
        return (f"--ip=10.61.0.{self._chance.randrange(2, 127)}",)

    def _pass(self) -> None:
        """The name is the thread's own, the subnet is the cluster's."""
        name = f"passing{self._number}"
        create = ("network", "create", "-d", "pynet", "--ipam-driver", "pynet")
        if self._docker(*create, f"--subnet={PASSING}", name) is None:
            self._ended.wait(0.3)
            return
        # Of a block that another host may have had a moment ago.
        self._run(name, f"--ip=10.62.0.{self._chance.randrange(2, 15)}")
        while self._running:
            self._remove()
        while self._docker("network", "rm", name) is None and not self._ended.wait(0.3):
            pass

    def _run(self, network: str, *options: str) -> None:
        self._count += 1
        name = f"h{self._number}-{int(self._passing)}-{self._count}"
        shown = self._docker(
            *("run", "-d", "--stop-signal=KILL", "--name", name, "--network", network),
            *(*options, IMAGE, "sleep", "86400"),
        )
        begin = time.monotonic()
        if shown is None:
            self._docker("rm", "-f", name)
            return
        seen = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        address = self._docker("inspect", "-f", seen, name)
        self._running.append((name, (address or "").strip(), begin))

    def _remove(self) -> None:
        name, address, begin = self._running.pop(self._chance.randrange(len(self._running)))
        self._log.stays.append(
            Stay(
                host=self._number,
                container=name,
                address=address,
                begin=begin,
                end=time.monotonic(),
            )
        )
        while self._docker("rm", "-f", name) is None:
            time.sleep(0.2)

    def _docker(self, *arguments: str) -> str | None:
        """What it printed; None if it was refused."""
        try:
            return self._host.docker(*arguments, timeout=PATIENCE)
        except CommandError as error:
            cause = next((each for each in CAUSES if each in error.output), "something else")
            self._log.refused[cause] += 1
            if cause == "something else":
                self._log.examples.append(f"{arguments[:2]}: {error.output.strip()[:400]}")
            return None


# What may be said to a hammer, in the order in which it is looked for.
CAUSES: Final = (
    "etcd",
    "the cluster is being asked for something else",
    "is in block",
    "in use",
    "every block of",
    "faster than this one",
    "no address",
    "is excluded",
    "is the gateway",
    "No such container",
)
