"""The proof that lives leave nothing behind in the process: memory, files, threads."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.reliability.crash.script import port
from tests.reliability.crash.server import Server
from tests.reliability.crash.snapshot import Camera
from tests.reliability.proof import Count, Proof, ProofError, Scope
from tests.reliability.serving import serving
from tests.reliability.traveller import Net, Traveller

_FULL: Final = 10_000
_SHORT: Final = 500
_WARM: Final = 200  # lives until everything that is kept has been made
_LOOKS: Final = 20
_GROWTH: Final = 5 << 20  # bytes
_PORTS: Final = (port(80, 0), port(53, 0, protocol=17))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holdings:
    """What a process has."""

    memory: int
    files: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> "_Holdings":
        folder = Path(f"/proc/{pid}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        return cls(
            memory=int(status["VmRSS"].split()[0]) << 10,
            files=len(os.listdir(folder / "fd")),  # noqa: PTH208 - names are enough
            threads=int(status["Threads"]),
        )


def _prove(scope: Scope) -> Iterable[Count]:
    with serving() as server:
        camera = Camera(server.state)
        empty = camera.settled()
        traveller = Traveller(server.socket)
        net = traveller.create(1)
        for number in range(_WARM):
            _live(traveller, net, number)
        before = _settled(server)
        for number in scope.rounds(_FULL, _SHORT):
            _live(traveller, net, _WARM + number)
        after = _settled(server)
        traveller.delete(net)
        server.tick()
        difference = camera.difference(empty, "")
        if difference:
            raise ProofError(f"after the last life:\n{difference}")
    growth = after.memory - before.memory
    if growth > _GROWTH or after.files > before.files or after.threads > before.threads:
        raise ProofError(f"from {before} it grew to {after}")
    yield Count(
        what="endpoint lives, each with a port of TCP and of UDP",
        number=scope.amount(_FULL, _SHORT),
    )
    yield Count(what="growth of memory (at most 5 MiB)", number=growth / (1 << 20), unit="MiB")
    yield Count(what="open files more than before", number=after.files - before.files)
    yield Count(what="threads more than before", number=after.threads - before.threads)
    yield Count(what="links, rules, ports, records and leases left", number=0)


def _live(traveller: Traveller, net: Net, number: int) -> None:
    traveller.stop(traveller.run(net, number, *_PORTS))


def _settled(server: Server) -> _Holdings:
    """What it has when it is idle: the least of many looks, for every look is a call, too."""
    worker = server.worker()
    looks = []
    for _ in range(_LOOKS):
        server.tick()
        looks.append(_Holdings.of(worker))
    return _Holdings(
        memory=looks[-1].memory,
        files=min(each.files for each in looks),
        threads=min(each.threads for each in looks),
    )


SOAK: Final = Proof(
    name="soak",
    title="Ten thousand lives",
    method="""\
Containers come and go on one network, each from its address to its address's return, with a port of TCP and one of UDP
of the kernel's choice, on the plugin as it is served. After 200 lives it is looked at, and again
after the last: the memory of the process that serves may have grown by 5 MiB at most, it has no
more open files and threads than before, and when the network is deleted the host and both files
are as they were before the first life.""",
    prove=_prove,
)
