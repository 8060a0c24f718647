"""A network on two hosts, beside Docker's overlay: its speed, a container's start, a broadcast."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.benchmarks.engine import Engine
from tests.benchmarks.figure import Figure, Reach, Row, Statistic, Unit
from tests.benchmarks.figures.drivers import Contender, in_turn
from tests.benchmarks.figures.rates import ROUNDS, SENDS, SINK, UNTIL, Way, compare
from tests.benchmarks.figures.run import METHOD, NONE
from tests.benchmarks.sample import Sample, excess
from tests.benchmarks.scene import Scene
from tests.benchmarks.traffic import Sink
from tests.lab.host import Host
from tests.lab.namespace import ip, ip_json
from tests.lab.netns import inside

DOCKER: Final = Contender("Docker's overlay", "overlay", "default", "bench-docker")
PYNET: Final = Contender("pynet", "pynet", "pynet", "bench-pynet")
BOTH: Final = (DOCKER, PYNET)
MANY: Final = 200  # peers
_BRIDGE_CALLS: Final = tuple(
    Path(f"/proc/sys/net/bridge/bridge-nf-call-{each}") for each in ("iptables", "ip6tables")
)
_NOBODY: Final = 9  # a port of which is said that nobody has it


@dataclass(frozen=True, slots=True)
class Pair:
    """Two hosts with an engine each, that have both networks."""

    hosts: tuple[Host, Host]
    engines: tuple[Engine, Engine]

    @contextmanager
    def container(self, host: int, contender: Contender) -> Iterator[tuple[Path, str]]:
        """Have one for the block: its namespace and its address."""
        engine = self.engines[host]
        made = engine.create(contender.network, command=("sleep", "3600"))
        try:
            engine.start(made)
            netns = self.hosts[host].path(str(engine.sandbox(made)))
            yield netns, engine.address(made, contender.network)
        finally:
            engine.remove(made)


@contextmanager
def _pair(scene: Scene) -> Iterator[Pair]:
    """Docker's overlay is a swarm's; pynet's needs none, and is on the same hosts."""
    with scene.another_host() as (one, _), scene.another_host() as (two, _):
        one.docker("swarm", "init", "--advertise-addr", str(one.address))
        token = one.docker("swarm", "join-token", "-q", "worker")
        own = ("--advertise-addr", str(two.address))
        two.docker("swarm", "join", *own, "--token", token, f"{one.address}:2377")
        create = ("network", "create", "-d")
        one.docker(*create, "overlay", "--attachable", "--subnet=10.71.0.0/24", DOCKER.network)
        peers = f"peers={one.address},{two.address}"
        for number, host in enumerate((one, two), 1):
            host.docker(
                *(*create, "pynet", "--ipam-driver=pynet", "-o", "mode=overlay", "-o", peers),
                *("--subnet=10.72.0.0/24", "--gateway=10.72.0.1"),
                *(f"--ip-range=10.72.0.{64 * number}/26", PYNET.network),
            )
        yield Pair((one, two), (Engine.of(one), Engine.of(two)))


def _measure_tcp(scene: Scene) -> Iterator[Row]:
    with _pair(scene) as pair, ExitStack() as undo:
        ways = {}
        for each in BOTH:
            sender, _ = undo.enter_context(pair.container(0, each))
            receiver, address = undo.enter_context(pair.container(1, each))
            undo.enter_context(Sink(receiver, SINK))
            ways[each] = Way(sender, address)
        yield from compare(scene, ways, Reach(1.0, Statistic.RATIO, at_least=True))
        without = {
            replace(each, title=f"{each.title}, without br_netfilter"): ways[each] for each in BOTH
        }
        with ExitStack() as again:
            for host in pair.hosts:
                again.enter_context(_bridged_past_iptables(host))
            yield from compare(scene, without, None)


@contextmanager
def _bridged_past_iptables(host: Host) -> Iterator[None]:
    """For the block, have the kernel show no bridged frame to the host's iptables and nftables."""
    before = {each: _sysctl(host, each) for each in _BRIDGE_CALLS}
    for each in before:
        _sysctl(host, each, "0")
    try:
        yield
    finally:
        for each, value in before.items():
            _sysctl(host, each, value)


def _sysctl(host: Host, path: Path, value: str | None = None) -> str:
    """What the host has there, or has from now on; nothing where br_netfilter is not loaded."""
    with inside(host.netns):
        if not path.exists():
            return ""
        if value is not None:
            path.write_text(value)
        return path.read_text().strip()


def _measure_run(scene: Scene) -> Iterator[Row]:
    everybody = (NONE, *BOTH)
    seconds: dict[Contender, list[float]] = {each: [] for each in everybody}
    with _pair(scene) as pair:
        for number in scene.rounds(50, 5):
            for each in in_turn(everybody, number):
                value = pair.engines[0].run(each.network)
                if number:
                    seconds[each].append(value)
    yield Row(what="`--network none`, whole", sample=Sample.of(seconds[NONE]))
    beside = excess(seconds[DOCKER], seconds[NONE])
    yield Row(what=f"{DOCKER.title}, less none", sample=beside)
    yield Row(
        what=f"{PYNET.title}, less none",
        sample=excess(seconds[PYNET], seconds[NONE]),
        beside=beside,
        reach=Reach(0.7, Statistic.RATIO),
    )


def _measure_first(scene: Scene) -> Iterator[Row]:
    seconds: dict[Contender, list[float]] = {each: [] for each in BOTH}
    with _pair(scene) as pair, ExitStack() as undo:
        askers = {each: undo.enter_context(pair.container(1, each))[0] for each in BOTH}
        for number in scene.rounds(50, 5):
            for each in in_turn(BOTH, number):
                with pair.container(0, each) as (_, address):
                    seconds[each].append(_first_answer(askers[each], address))
    beside = Sample.of(seconds[DOCKER])
    yield Row(what=DOCKER.title, sample=beside)
    yield Row(what=PYNET.title, sample=Sample.of(seconds[PYNET]), beside=beside)


def _first_answer(netns: Path, address: str) -> float:
    with inside(netns), socket.socket() as sock:
        sock.settimeout(30)
        started = time.perf_counter()
        with suppress(ConnectionRefusedError):
            sock.connect((address, _NOBODY))
        return time.perf_counter() - started


def _measure_broadcast(scene: Scene) -> Iterator[Row]:
    with scene.another_host() as (host, _):
        engine = Engine.of(host)
        for title, count in (("one peer", 1), (f"{MANY} peers", MANY)):
            _neighbours(host, count)
            peers = ",".join((str(host.address), *(_peer(each) for each in range(count))))
            name = f"bench-{count}"
            host.docker(
                *("network", "create", "-d", "pynet", "--ipam-driver=pynet", "-o", "mode=overlay"),
                *("-o", f"peers={peers}", "--subnet=10.73.0.0/24", name),
            )
            made = engine.create(name, command=("sleep", "3600"))
            engine.start(made)
            netns = host.path(str(engine.sandbox(made)))
            values = list(_broadcasts(netns, scene.amount(2000, 200)))
            engine.remove(made)
            engine.remove_network(name)
            yield Row(what=title, sample=Sample.of(values), unit=Unit.MICROSECONDS)


def _peer(number: int) -> str:
    return f"10.98.0.{number + 1}"


def _neighbours(host: Host, count: int) -> None:
    """Make hosts that do not exist neighbours of the host, at the gateway's hardware address."""
    gateway = "10.99.0.254"
    ip(host.netns, "route replace 10.98.0.0/24 dev eth0")
    host.run("busybox", "ping", "-c", "1", gateway)
    (known,) = ip_json(host.netns, "neighbour", "show", gateway)
    ip(
        host.netns,
        *(
            f"neighbour replace {_peer(each)} lladdr {known['lladdr']} dev eth0 nud permanent"
            for each in range(count)
        ),
    )


def _broadcasts(netns: Path, count: int) -> Iterator[float]:
    """Send so many, one at a time; the seconds of each until the kernel has sent the copies."""
    with inside(netns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for _ in range(count):
            started = time.perf_counter()
            sock.sendto(bytes(64), ("10.73.0.255", _NOBODY))
            yield time.perf_counter() - started


_TWO_HOSTS: Final = (
    "Two hosts that are a swarm for the sake of Docker's overlay; pynet's is on the same two, with "
    "static peers. "
)
FIGURE_TCP: Final = Figure(
    name="overlay-tcp",
    title="TCP between two hosts by an overlay",
    method=f"{_TWO_HOSTS}A container on one {SENDS} to one on the other, {UNTIL}Each {ROUNDS} "
    "br_netfilter shows frames between ports of a bridge to the host's firewall, where Docker has "
    "loaded it: a container's path to the VXLAN device is such a one. Docker's overlay has its "
    "bridge in a network namespace without rules.",
    measure=_measure_tcp,
)
FIGURE_RUN: Final = Figure(
    name="overlay-run",
    title="`docker run --rm` on an overlay less `--network none`",
    method=_TWO_HOSTS + METHOD + "Over the engine's HTTP API, with the requests that the command "
    "sends. On the leader of the swarm, where Docker's overlay asks nobody else.",
    measure=_measure_run,
)
FIGURE_FIRST: Final = Figure(
    name="overlay-first",
    title="The first packet to a container that has just started on another host",
    method=f"{_TWO_HOSTS}A container is started on one; when the engine has answered, one on the "
    "other asks it for a TCP port that nobody has. From then until the answer, with all that has "
    "to be found out first.",
    measure=_measure_first,
)
FIGURE_BROADCAST: Final = Figure(
    name="overlay-broadcast",
    title="One broadcast, and a copy for each peer",
    method="A container sends a datagram to everybody; the time of its `sendto`, in which the kernel "
    "makes the copies and sends each to the host's own link. Nobody is behind the peers' addresses; "
    "the copies are dropped at the other end of the wire, on the same processors.",
    measure=_measure_broadcast,
)
