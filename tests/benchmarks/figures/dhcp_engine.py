"""Many containers started at once by an engine, with a DHCP server that pings before it offers."""

import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.benchmarks.engine import Engine
from tests.benchmarks.figure import Reach, Row
from tests.benchmarks.figures.drivers import Contender, networks
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene
from tests.lab.dhcp import Dnsmasq
from tests.lab.unix_http import get_bytes

CONTAINERS: Final = 50
LEASED: Final = Contender(
    "pynet, by DHCP",
    "pynet",
    "null",
    "bench-leased",
    {"mode": "macvlan", "parent": "eth0", "dhcp": "true"},
)
_SLOW: Final = re.compile(r"lease\.slow .*seconds=([0-9.]+)")
_SUM: Final = re.compile(r"^pynet_dhcp_seconds_sum\{.*\} ([0-9.e+-]+)$", re.MULTILINE)


def started_at_once(scene: Scene) -> Iterator[Row]:
    """All have to run, and each an address of its own that the server knows."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Dnsmasq(scene.peer, Path(folder), pings=True, size=100)) as server,
        networks(scene, [LEASED]) as engine,
        ThreadPoolExecutor(CONTAINERS) as pool,
    ):
        before, began = _in_dhcp(scene), time.perf_counter()
        containers = list(pool.map(lambda _: _run(engine), range(CONTAINERS)))
        whole = time.perf_counter() - began
        in_dhcp = _in_dhcp(scene) - before
        had = {engine.address(each, LEASED.network) for each in containers}
        leased = {str(each) for each in server.addresses()}
        list(pool.map(engine.remove, containers))
    if len(had) < CONTAINERS or had != leased:
        raise OSError(f"{len(had)} addresses of {CONTAINERS} containers, {len(leased)} leases")
    longest = max((float(each) for each in _SLOW.findall(scene.plugin.tail(500))), default=0.0)
    what = f"{CONTAINERS} `docker run -d` at once"
    yield Row(what=f"{what}, all of them", sample=Sample.of([whole]))
    yield Row(what="of it for DHCP", sample=Sample.of([in_dhcp]), reach=Reach(20_000))
    yield Row(what="the longest of them", sample=Sample.of([longest]), reach=Reach(4000))


def _run(engine: Engine) -> str:
    return engine.run_detached(LEASED.network, command=("sleep", "3600"))


def _in_dhcp(scene: Scene) -> float:
    """Seconds that calls have waited for DHCP servers, all together."""
    text = get_bytes(scene.plugin.admin_socket, "/metrics")
    return sum(float(each) for each in _SUM.findall(text.decode()))
