"""Docker commands of several people at once, chosen by chance, on common networks.

Commands may fail: what they need may be gone, or who should serve them.  Each failure is
counted under its cause, and one whose cause nobody knows is kept word for word.
"""

import itertools
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.lab.commands import CommandError
from tests.lab.host import IMAGE, Host
from tests.reliability.engines.grounds import chance

PEOPLE: Final = 4
NETWORKS: Final = 6
CONTAINERS: Final = 4  # of one person at a time
LANS: Final = 3
PORTS: Final = range(20000, 20012)
PATIENCE: Final = 90.0  # for one command
UNKNOWN: Final = "something else"
# An engine before 23 that dies between its two notes of the end of a network with a subnet of the
# user's choice never starts again: index out of range in libnetwork's reservePools
# (libnetwork/controller.go).  There such a network is only removed once nobody kills any more.
UNSAFE_TO_REMOVE: Final = frozenset({"20.10"})
DOWN: Final = "the engine is down"
ENDED: Final = "the engine ended meanwhile"
AWAY: Final = "pynet is down"
CUT: Final = "pynet ended meanwhile"
STARTING: Final = "pynet is starting"

CAUSES: Final = {
    DOWN: r"Cannot connect to the Docker daemon|docker daemon is not running",
    ENDED: r"EOF|connection reset|broken pipe|read/write on closed pipe",
    "the engine is about to end": r"shutdown|shutting down|context canceled|terminated",
    AWAY: r"pynet\.sock: connect|plugin \S+ not found|could not find plugin",
    CUT: r"the body is empty|sent no body|empty body|body .*(missing|empty)",
    STARTING: r"pynet is not ready",
    "the port is taken": r"[Pp]ort .* (is )?(taken|in use|already)|address already in use",
    "the network is in use": r"has active endpoints",
    "the subnet is taken": r"overlap",
    "no such network": r"network \S+ not found|No such network|network \S+ is not known",
    "no such container": r"No such container|is not running|is not connected",
    "no address is left": r"no available|fully subnetted",
    "removal is under way": r"removal of container|marked for removal|already in progress",
    "containerd lost the container": r"containerd|OCI runtime|task|shim|ttrpc|cgroup|container_pid|id already in use",
    "it was connected already": r"endpoint with name .* already exists|endpoint not found",
    "the engine lost a sandbox": r"sandbox|netns|no such file or directory",
    "the engine took too long": r"no end after",
}


@dataclass(slots=True)
class Tally:
    """What was done, and what of it failed and why."""

    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def count(self, verb: str, error: CommandError | None = None) -> None:
        if error is None:
            self.done[verb] += 1
            return
        cause = cause_of(error.output)
        self.failed[verb, cause] += 1
        if cause == UNKNOWN:
            self.examples.append(f"{verb}: {error.output.strip()}")

    @property
    def causes(self) -> Counter[str]:
        """How many failures had which cause."""
        found: Counter[str] = Counter()
        for (_, cause), number in self.failed.items():
            found[cause] += number
        return found

    def cut_off(self, *verbs: str) -> int:
        """How many commands a kill of the engine or of pynet may have cut off."""
        causes = (DOWN, ENDED, AWAY, CUT, STARTING)
        return sum(self.failed[verb, cause] for verb in verbs for cause in causes)


def cause_of(output: str) -> str:
    """Name the cause that a failed command tells of."""
    return next((cause for cause, text in CAUSES.items() if re.search(text, output)), UNKNOWN)


def _lan(number: int) -> list[str]:
    """A network on the host's card, with the host among its containers."""
    options = [f"--opt={each}" for each in ("mode=macvlan", "parent=eth0", "host_access=true")]
    return [*options, f"--subnet=10.70.{number}.0/24", f"--gateway=10.70.{number}.1"]


def _has_subnet(options: list[str]) -> bool:
    return any(each.startswith("--subnet") for each in options)


class Storm:
    """Commands from all sides while it is entered; the same seed makes the same choices."""

    def __init__(self, host: Host, driver: str, seed: int) -> None:
        self.tally = Tally()
        self._host = host
        self._driver = driver
        self._numbers = itertools.count(1)
        self._networks: list[str] = []
        self._kept: set[str] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        people = [_Person(self, chance(seed, f"person {n}")) for n in range(PEOPLE)]
        self._threads = [threading.Thread(target=each.live, daemon=True) for each in people]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Have every thread end the command that it is at."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def docker(self, verb: str, *arguments: str) -> bool:
        """Run a command and count it; tell whether it succeeded."""
        try:
            self._host.docker(*verb.split(), *arguments, timeout=PATIENCE)
        except CommandError as error:
            self._count(verb, error)
            # dockerd is down or nearly so: do not spend the processor on asking.
            self._ended.wait(0.1)
            return False
        self._count(verb, None)
        return True

    def name(self, prefix: str) -> str:
        with self._lock:
            return f"{prefix}{next(self._numbers)}"

    def networks(self) -> list[str]:
        with self._lock:
            return list(self._networks)

    def make_network(self, options: list[str]) -> None:
        name = self.name("n")
        if self.docker("network create", "-d", self._driver, *options, name):
            with self._lock:
                self._networks.append(name)
                if self._host.engine.version in UNSAFE_TO_REMOVE and _has_subnet(options):
                    self._kept.add(name)

    def remove_network(self, name: str) -> None:
        if name not in self._kept and self.docker("network rm", name):
            with self._lock:
                self._networks = [each for each in self._networks if each != name]

    def _count(self, verb: str, error: CommandError | None) -> None:
        with self._lock:
            self.tally.count(verb, error)


class _Person:
    def __init__(self, storm: Storm, chance: random.Random) -> None:
        self._storm = storm
        self._chance = chance
        self._containers: list[str] = []
        self._acts: list[Callable[[str], None]] = [
            *(self._run, self._run, self._run, self._remove, self._remove, self._stop),
            *(self._start, self._connect, self._disconnect, self._make, self._unmake),
        ]

    def live(self) -> None:
        while not self._storm.ended:
            networks = self._storm.networks()
            if not networks:
                self._make("")
            else:
                self._chance.choice(self._acts)(self._chance.choice(networks))

    def _make(self, _: str) -> None:
        if len(self._storm.networks()) < NETWORKS:
            ours = ["--ipam-driver", "pynet"]
            choices: list[list[str]] = [ours, ours, [*ours, "--ipv6"], [*ours, "--internal"], []]
            choices += [[*ours, *_lan(self._chance.randrange(LANS))]] * 2
            self._storm.make_network(self._chance.choice(choices))

    def _unmake(self, network: str) -> None:
        self._storm.remove_network(network)

    def _run(self, network: str) -> None:
        if len(self._containers) >= CONTAINERS:
            self._remove(network)
            return
        name = self._storm.name("c")
        port = self._chance.choice(PORTS)
        ports = self._chance.choice([[], [f"-p{port}:80"], ["-p80"], [f"-p{port}:80/udp", "-p81"]])
        again = self._chance.choice([[], ["--restart=always"]])
        options = [*ports, *again, "--stop-signal=KILL", "--network", network, "--name", name]
        # It is there even if it did not start.
        self._containers.append(name)
        self._storm.docker("run", "-d", *options, IMAGE, "sleep", "3600")

    def _remove(self, _: str) -> None:
        if self._containers:
            name = self._chance.choice(self._containers)
            if self._storm.docker("rm", "-f", name):
                self._containers.remove(name)

    def _stop(self, _: str) -> None:
        self._on_one("stop", "-t", "0")

    def _start(self, _: str) -> None:
        self._on_one("start")

    def _connect(self, network: str) -> None:
        self._on_one("network connect", network)

    def _disconnect(self, network: str) -> None:
        self._on_one("network disconnect", network)

    def _on_one(self, verb: str, *arguments: str) -> None:
        if self._containers:
            self._storm.docker(verb, *arguments, self._chance.choice(self._containers))
