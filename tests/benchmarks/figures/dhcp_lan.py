"""What leases cost a LAN that others use: its throughput, and the containers whose leases are renewed."""

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from plugin.dhcp.loop import Loop, boottime
from plugin.dhcp.states import Event, Leased
from plugin.dhcp.values import Wish
from plugin.model.leases import Lease
from tests.benchmarks.figure import Reach, Row, Statistic, Unit
from tests.benchmarks.figures.drivers import in_turn
from tests.benchmarks.figures.rates import SINK, SIZE
from tests.benchmarks.sample import Sample, round_by_round
from tests.benchmarks.scene import Scene
from tests.benchmarks.traffic import Sink, send
from tests.contract.lans import PARENT, DnsmasqLan
from tests.fakes.dhcp import LAN, SERVER

RENEWALS: Final = 1000
_PINGED: Final = 10
_PATIENCE: Final = 60.0
_COUNTS: Final = re.compile(r"(\d+) packets transmitted, (\d+) (?:packets )?received")


def adopt(clients: Loop, wishes: list[Wish], like: Lease) -> None:
    """Have leases that a plugin finds at its start, for two hours from now."""
    for wish in wishes:
        lease = replace(like, identity=wish.identity, obtained=boottime(), seconds=7200, t1=3600)
        clients.adopt(PARENT, wish, replace(lease, t2=6300))
    last = wishes[-1].identity.client_id
    clients.confirm(PARENT, last, seconds=_PATIENCE)  # all of them are there


def throughput(scene: Scene, lan: DnsmasqLan, wishes: list[Wish], like: Lease) -> Iterator[Row]:
    """TCP of the host itself by the parent, without leases and with idle ones."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    host, server = (Path(each.path) for each in (lan.host, lan.server))
    lan.host.ip(f"address add {LAN[2]}/24 dev {PARENT}")
    with Sink(server, SINK):
        for number in scene.rounds(60, 5):
            for has_leases in in_turn((False, True), number):
                with closing(Loop(lan.wires, lambda _parent, _client, _event: None)) as clients:
                    if has_leases:
                        adopt(clients, wishes, like)
                    # The clients' thread shares this process, and settles meanwhile.
                    send(host, SERVER, SINK, SIZE)
                    rates[has_leases].append(send(host, SERVER, SINK, SIZE))
    without = Sample.of(rates[False])
    yield Row(what="TCP by the parent without leases", sample=without, unit=Unit.GIGABITS)
    yield Row(
        what=f"the same with {len(wishes)} idle ones",
        sample=Sample.of(rates[True]),
        unit=Unit.GIGABITS,
        beside=without,
        by_round=round_by_round(rates[True], rates[False]),
        reach=Reach(0.99, Statistic.RATIO, at_least=True),
    )


def renewals(lan: DnsmasqLan, wishes: list[Wish]) -> Iterator[Row]:
    """Containers answer the LAN while their leases are renewed, time and again."""
    told: SimpleQueue[bytes] = SimpleQueue()

    def tell(_parent: object, client: bytes, event: Event) -> None:
        if isinstance(event, Leased):
            told.put(client)

    with closing(Loop(lan.wires, tell)) as clients:
        leases = [clients.acquire(PARENT, each, seconds=_PATIENCE) for each in wishes[:_PINGED]]
        for lease in leases:
            told.get(timeout=_PATIENCE)
            lan.live(lease)
        with _pinged(lan, leases) as lost:
            began = time.perf_counter()
            for _ in range(RENEWALS // _PINGED):
                for lease in leases:
                    clients.renew(PARENT, lease.identity.client_id)
                for _ in leases:
                    told.get(timeout=_PATIENCE)
            taken = time.perf_counter() - began
    yield Row(what=f"{RENEWALS} renewals", sample=Sample.of([taken]))
    yield Row(
        what=f"pings that {_PINGED} containers lost meanwhile",
        sample=Sample.of(lost),
        unit=Unit.PERCENT,
        reach=Reach(0),
    )


@contextmanager
def _pinged(lan: DnsmasqLan, leases: list[Lease]) -> Iterator[list[float]]:
    """Ping containers during the block; afterwards the list has the share that was lost."""
    lost: list[float] = []
    with lan.server.entered():
        running = [
            subprocess.Popen(
                ["ping", "-q", "-n", "-i", "0.01", str(each.address.ip)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for each in leases
        ]
    yield lost
    sent = received = 0
    for each in running:
        each.send_signal(signal.SIGINT)
        said, _ = each.communicate()
        found = _COUNTS.search(said)
        assert found, said
        sent, received = sent + int(found[1]), received + int(found[2])
    lost.append(1 - received / sent)
