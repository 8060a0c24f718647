"""Addresses of a LAN's own DHCP server, which is dnsmasq in a namespace."""

import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from plugin.dhcp.identity import identity_of_text
from plugin.dhcp.loop import Loop
from plugin.dhcp.values import Wish
from plugin.model.leases import Lease
from tests.benchmarks.figure import Figure, Reach, Row, Unit
from tests.benchmarks.figures.dhcp_engine import started_at_once
from tests.benchmarks.figures.dhcp_lan import adopt, renewals, throughput
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene
from tests.contract.lans import PARENT, DnsmasqLan
from tests.kernel.netns import Netns

AT_ONCE: Final = 50
IDLE: Final = 1000
_IDLE_SECONDS: Final = 5.0
_PATIENCE: Final = 60.0


def _measure(scene: Scene) -> Iterator[Row]:
    with _a_lan() as lan, closing(_clients(lan)) as clients:
        wishes = [_wish(number) for number in range(AT_ONCE)]
        began = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            leases = list(pool.map(lambda wish: _ask(clients, wish), wishes))
        whole = time.perf_counter() - began
        yield Row(
            what=f"{AT_ONCE} new ones at once, all of them",
            sample=Sample.of([whole]),
            reach=Reach(1000),
        )
        again = [
            _timed(clients, lease)
            for lease, _ in zip(leases, scene.rounds(AT_ONCE, 10), strict=False)
        ]
        yield Row(what="one that is remembered", sample=Sample.of(again), reach=Reach(10))
        yield from _idle(clients, leases[0])
        idle = [_wish(number) for number in range(IDLE)]
        yield from throughput(scene, lan, idle, leases[0])
    with _a_lan() as lan:
        yield from renewals(lan, wishes)
    yield from started_at_once(scene)


def _idle(clients: Loop, like: Lease) -> Iterator[Row]:
    """Leases that a plugin has after its start: nothing is sent for them."""
    before, began = _memory(), time.perf_counter()
    adopt(clients, [_wish(AT_ONCE + number) for number in range(IDLE)], like)
    taken = time.perf_counter() - began
    busy = time.process_time()
    time.sleep(_IDLE_SECONDS)
    share = (time.process_time() - busy) / _IDLE_SECONDS
    yield Row(what=f"{IDLE} after a start", sample=Sample.of([taken]), reach=Reach(500))
    yield Row(
        what=f"of a processor with {IDLE} idle ones",
        sample=Sample.of([share]),
        unit=Unit.PERCENT,
        reach=Reach(2),
    )
    yield Row(
        what=f"RSS of {IDLE}",
        sample=Sample.of([max(0, _memory() - before)]),
        unit=Unit.MEBIBYTES,
        reach=Reach(8),
    )


@contextmanager
def _a_lan() -> Iterator[DnsmasqLan]:
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Netns()) as host,
        host.entered(),
        closing(DnsmasqLan(host, Path(folder))) as lan,
    ):
        yield lan


def _clients(lan: DnsmasqLan) -> Loop:
    return Loop(lan.wires, lambda _parent, _client, _event: None)


def _wish(number: int) -> Wish:
    return Wish(identity=identity_of_text("bench", str(number)), probe=False)


def _ask(clients: Loop, wish: Wish, known: Lease | None = None) -> Lease:
    return clients.acquire(PARENT, wish, known, seconds=_PATIENCE)


def _timed(clients: Loop, lease: Lease) -> float:
    """As a container that comes back asks for its address."""
    clients.rest(PARENT, lease.identity.client_id)
    began = time.perf_counter()
    _ask(clients, Wish(identity=lease.identity, probe=False), lease)
    return time.perf_counter() - began


def _memory() -> int:
    """The most that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


FIGURE: Final = Figure(
    name="dhcp",
    title="Addresses by DHCP",
    method="The plugin's DHCP clients in this process, on a packet socket at a link with dnsmasq "
    f"(`--no-ping`) behind it: {AT_ONCE} new identities from as many threads, each again by INIT-REBOOT, "
    f"and {IDLE} leases that were there at the start. ACD is not waited for: a join waits. The parent's TCP is the "
    "host's own, as below a port. The renewed containers are macvlan links in namespaces, and the server pings each a "
    f"hundred times a second. For the last rows an engine starts {AT_ONCE} containers at once on a network with "
    "`--ipam-driver null`, and dnsmasq sees by three seconds of pings whether an address is free; the longest is by the "
    "plugin's log, where one of a second or less is none.",
    measure=_measure,
)
