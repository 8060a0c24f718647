"""The page docs/scale.md: figures of a simulated cluster, and what they mean for a real one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_HEAD: Final = """\
# A thousand hosts

Written by `make scale`; do not edit. Hosts that share {networks} networks by etcd, simulated on one machine: each is its allocator, with its disk in memory, and
all ask three real members of etcd, over HTTP, as pynet does. {where}.

| counted | |
|---|---:|
"""
_TAIL: Final = """
## What it means for real hosts

- **A container's start, move and end ask nothing**, however many hosts there are: addresses come from blocks that the host has.
- **A host that joins a network** asks for a block and changes the network's record. Hosts that join the same network at the same moment meet at that record, one
  after the other; a host that met others too often is told to try again. Here all hosts, and etcd, share one machine's processors, so that joins are slower than on machines of their own.
- **etcd stays small**: its size grows with hosts and networks, and not with containers. Its history is compacted by etcd's own setting (`--auto-compaction-retention=1`); set it where
  hosts come and go often.
- **Showing that a host runs** is the largest steady load: every host renews its session in each 10 s, and with networks of mode overlay looks whether it missed
  something: once a second, and from 200 hosts on more seldom, so that all hosts together look 200 times a second. With 1,000 hosts a member of etcd that hangs is noticed within ten seconds, not two.
- **Frames for everybody** (ARP, broadcast) go to each host of an overlay network once. That bounds an overlay network to some hundreds of hosts long before etcd does; macvlan networks have no such bound.
- Not simulated: the ways between hosts, their disks, and the engines.
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the page."""

    what: str
    number: float
    unit: str = ""

    @property
    def text(self) -> str:
        """The number, with as many digits as mean something."""
        digits = 0 if self.number >= 100 or self.number == int(self.number) else 2
        return f"{self.number:,.{digits}f} {self.unit}".strip()

    @property
    def line(self) -> str:
        return f"{self.what}: {self.text}"


def page(figures: Sequence[Figure], where: str) -> str:
    """All of it."""
    networks = next(each.text for each in figures if each.what.startswith("networks"))
    rows = "".join(f"| {each.what} | {each.text} |\n" for each in figures)
    return _HEAD.format(networks=networks, where=where) + rows + _TAIL
