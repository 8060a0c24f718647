"""Whom an engine's figures compare: Docker's own driver, and pynet with either IPAM."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

from tests.benchmarks.engine import Engine
from tests.benchmarks.scene import Scene

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Contender:
    """A driver with an IPAM, and the name of its network while it has one."""

    title: str
    driver: str
    ipam: str
    network: str
    options: Mapping[str, str] = field(default_factory=dict, hash=False)


DOCKER: Final = Contender("Docker's bridge", "bridge", "default", "bench-docker")
PYNET: Final = Contender("pynet", "pynet", "pynet", "bench-pynet")
MIXED: Final = Contender("pynet, Docker's IPAM", "pynet", "default", "bench-mixed")
ALL: Final = (DOCKER, PYNET, MIXED)


def in_turn(contenders: Sequence[T], number: int) -> Sequence[T]:
    """Return them in the order of a round: there and back, so that no one profits from a place."""
    return contenders[::-1] if number % 2 else contenders


@contextmanager
def networks(scene: Scene, contenders: Sequence[Contender]) -> Iterator[Engine]:
    """Have a network of each for the block."""
    engine = scene.engine
    assert scene.plugin.running
    made = []
    try:
        for each in contenders:
            engine.create_network(each.network, each.driver, each.ipam, each.options)
            made.append(each)
        yield engine
    finally:
        for each in made:
            engine.remove_network(each.network)
