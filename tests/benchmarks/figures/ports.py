"""Whether packets are slower when a thousand ports are published."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Final

from tests.benchmarks.crowd import HALVES, METHOD, PORTS, crowd
from tests.benchmarks.engine import Engine
from tests.benchmarks.figure import Figure, Reach, Row, Unit
from tests.benchmarks.figures.drivers import PYNET, in_turn
from tests.benchmarks.figures.rates import SIZE
from tests.benchmarks.figures.throughput import OURS, address, published
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene
from tests.benchmarks.traffic import MEBIBYTE, connect, send

WITHIN: Final = 2  # percent
_CONNECTIONS: Final = 20
_WARM_UP: Final = 5
_ROUNDS: Final = (_WARM_UP + 250, _WARM_UP + 20)

# What was measured in the rounds: on the host with one port, and on the crowded one.
Sides = dict[bool, list[Sample]]


def _measure(scene: Scene) -> Iterator[Row]:
    seconds: Sides = {False: [], True: []}
    rates: Sides = {False: [], True: []}
    first = (scene.host, scene.plugin)
    with ExitStack() as undo:
        clients, addresses = [], []
        for host, plugin in (first, undo.enter_context(scene.another_host())):
            clients.append(undo.enter_context(closing(PluginClient(plugin.socket))))
            undo.enter_context(published(host, Engine.of(host), PYNET))
            addresses.append(address(host, OURS))
        peer = scene.peer.netns
        for crowded in HALVES:
            with crowd(clients[crowded]):
                for number in scene.rounds(*_ROUNDS):
                    for each in in_turn(HALVES, number):
                        connected = Sample.of(connect(peer, *addresses[each], _CONNECTIONS))
                        rate = Sample.of([send(peer, *addresses[each], SIZE)])
                        if number >= _WARM_UP:
                            seconds[each == crowded].append(connected)
                            rates[each == crowded].append(rate)
    yield from _rows("connecting", Unit.MICROSECONDS, seconds, worse=1)
    yield from _rows("throughput", Unit.GIGABITS, rates, worse=-1)


def _rows(what: str, unit: Unit, sides: Sides, *, worse: int) -> Iterator[Row]:
    """Either side, and what the crowded one lost against the other in the same round."""
    alone, crowded = (
        Sample.of(value for each in sides[side] for value in each.values) for side in (False, True)
    )
    yield Row(what=f"{what}, 1 port", sample=alone, unit=unit)
    yield Row(what=f"{what}, {PORTS + 1:,} ports", sample=crowded, unit=unit, beside=alone)
    yield Row(
        what=f"{what}, lost in a round",
        sample=Sample.of(
            worse * (many.median / one.median - 1)
            for one, many in zip(sides[False], sides[True], strict=True)
        ),
        unit=Unit.PERCENT,
        reach=Reach(WITHIN),
    )


FIGURE: Final = Figure(
    name="ports",
    title=f"TCP through one port of {PORTS + 1:,}",
    method=METHOD
    + f"Another machine on their wire makes {_CONNECTIONS} connections, each timed from its first "
    f"packet to the answer and closed by a reset, and sends {SIZE // MEBIBYTE} MiB. What is lost "
    "is the median of a round on the crowded host beside that on the other host, taken as a share.",
    measure=_measure,
)
