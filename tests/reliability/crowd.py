"""The proof that callers who come at once neither wait for ever nor get the same thing."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Final

from tests.reliability.crash.script import port
from tests.reliability.crash.server import Server
from tests.reliability.crash.snapshot import Camera
from tests.reliability.proof import Count, Proof, ProofError, Scope
from tests.reliability.serving import serving
from tests.reliability.traveller import Container, Net, Traveller
from tests.reliability.wire import HangError, Json, ask

_CLIENTS: Final = 64
_FULL: Final = 50
_SHORT: Final = 5  # lives of each client
_PORTS: Final = (port(80, 0), port(53, 0, protocol=17))


class _Ledger:
    """Who has what, as the callers were told: nobody may be told what another still has."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, str] = {}

    def take(self, thing: str, holder: str) -> None:
        """Note that the holder has the thing.  Raises ProofError if another has."""
        with self._lock:
            other = self._held.setdefault(thing, holder)
        if other != holder:
            raise ProofError(f"{thing} is held by {other} and was given to {holder}")

    def give_back(self, thing: str) -> None:
        """Note that it is about to be given back."""
        with self._lock:
            self._held.pop(thing, None)


class _Crowd:
    """Sixty-four callers and one server."""

    def __init__(self, server: Server, scope: Scope) -> None:
        self.counts: Counter[str] = Counter()
        self._server = server
        self._lives = scope.amount(_FULL, _SHORT)
        self._seed = scope.seed
        self._ledger = _Ledger()
        self._camera = Camera(server.state)
        self._empty = self._camera.settled()

    def on_one(self) -> None:
        """All on one network."""
        traveller = Traveller(self._server.socket)
        net = traveller.create(1)
        self._all(lambda client: self._live(traveller, net, client))
        traveller.delete(net)
        self._nothing_is_left()
        self.counts["lives on one network"] += _CLIENTS * self._lives

    def on_many(self) -> None:
        """Each on a network of its own, which comes and goes, too."""
        traveller = Traveller(self._server.socket)

        def act(client: int) -> None:
            net = traveller.create(client + 1)
            self._ledger.take(net.subnet, net.id)
            self._live(traveller, net, client)
            self._ledger.give_back(net.subnet)
            traveller.delete(net)

        self._all(act)
        self._nothing_is_left()
        self.counts["lives on 64 networks"] += _CLIENTS * self._lives

    def on_the_same(self) -> None:
        """All do all things to the same few, in any order; only answers matter, and the end."""
        traveller = Traveller(self._server.socket)
        nets = [traveller.create(number) for number in range(1, 5)]
        calls = [call for net in nets for call in _rivals(net)]

        def act(client: int) -> None:
            chance = random.Random(self._seed * _CLIENTS + client)
            for _ in range(self._lives * 8):
                method, body = chance.choice(calls)
                status, answer = ask(self._server.socket, method, body)
                if status not in (200, 500) or "internal error in pynet" in str(answer):
                    raise ProofError(f"{method} {body} was answered {status} {answer}")

        self._all(act)
        for net in nets:
            traveller.delete(net)
        self._nothing_is_left()
        self.counts["calls that race for the same ids"] += _CLIENTS * self._lives * 8

    def _live(self, traveller: Traveller, net: Net, client: int) -> None:
        before: tuple[Container, list[str]] | None = None
        for life in range(self._lives):
            container = traveller.run(net, client * 1000 + life, *_PORTS)
            held = [f"{net.id} {container.address}", *self._ports(traveller, container)]
            for thing in held:
                self._ledger.take(thing, container.id)
            if before is not None:
                self._stop(traveller, *before)
            before = container, held
        if before is not None:
            self._stop(traveller, *before)

    def _stop(self, traveller: Traveller, container: Container, held: list[str]) -> None:
        for thing in held:
            self._ledger.give_back(thing)
        traveller.stop(container)

    def _ports(self, traveller: Traveller, container: Container) -> list[str]:
        ids = {"NetworkID": container.net.id, "EndpointID": container.id}
        value: Json = traveller.call("NetworkDriver.EndpointOperInfo", **ids)["Value"]
        return [
            f"{each['Proto']} {each['HostIP']} {each['HostPort']}"
            for each in value["com.docker.network.portmap"]
        ]

    def _all(self, act: Callable[[int], None]) -> None:
        with ThreadPoolExecutor(_CLIENTS) as pool:
            try:
                for done in as_completed([pool.submit(act, each) for each in range(_CLIENTS)]):
                    done.result()
            except HangError as error:
                raise ProofError(f"{error}\n{self._server.stacks()}") from error
            finally:
                pool.shutdown(cancel_futures=True)

    def _nothing_is_left(self) -> None:
        self._server.tick()
        difference = self._camera.difference(self._empty, "")
        if difference:
            raise ProofError(f"when all had gone:\n{difference}")
        log = self._server.log.read_text()
        if "Traceback" in log:
            raise ProofError(f"it logged:\n{log[-6000:]}")


def _rivals(net: Net) -> list[tuple[str, Json]]:
    """Calls that come in each other's way."""
    found: list[tuple[str, Json]] = []
    for number in range(3):
        ids = {"NetworkID": net.id, "EndpointID": f"{number:08x}".ljust(64, net.id[7])}
        address = net.gateway.replace(".1/", f".{number + 2}/")
        options = {"com.docker.network.portmap": [port(80, 8000 + number)]}
        interface = {"Address": address, "AddressIPv6": "", "MacAddress": ""}
        found += [
            ("NetworkDriver.CreateEndpoint", {**ids, "Interface": interface, "Options": options}),
            ("NetworkDriver.Join", {**ids, "SandboxKey": "/run/x", "Options": options}),
            ("NetworkDriver.Join", {**ids, "SandboxKey": "/run/y", "Options": options}),
            ("NetworkDriver.ProgramExternalConnectivity", {**ids, "Options": options}),
            ("NetworkDriver.RevokeExternalConnectivity", ids),
            ("NetworkDriver.Leave", ids),
            ("NetworkDriver.DeleteEndpoint", ids),
        ]
    data = {"AddressSpace": "pynet-local", "Pool": net.subnet, "Gateway": net.gateway}
    create: Json = {"NetworkID": net.id, "Options": {}, "IPv4Data": [data], "IPv6Data": []}
    return [
        *found,
        ("NetworkDriver.CreateNetwork", create),
        ("NetworkDriver.DeleteNetwork", {"NetworkID": net.id}),
    ]


def _prove(scope: Scope) -> Iterable[Count]:
    with serving() as server:
        crowd = _Crowd(server, scope)
        crowd.on_one()
        crowd.on_many()
        crowd.on_the_same()
    yield Count(what="clients", number=_CLIENTS)
    for what, number in crowd.counts.items():
        yield Count(what=what, number=number)
    yield Count(what="calls without an answer for 20 s", number=0)
    yield Count(what="addresses, subnets or ports that two had", number=0)


CROWD: Final = Proof(
    name="crowd",
    title="Sixty-four callers at once",
    method="""\
Sixty-four callers start and stop containers with published ports, two at a time each, all on one network, then each on
a network of its own that comes and goes, then all of them make, join, publish, withdraw and delete
the same few networks and endpoints in any order. Each call must be answered within 20 s (else the
stacks of all threads are shown); no address, subnet or port may be given to one while another has
it; nothing unforeseen may be logged; and in the end the host and both files are as at the start.""",
    prove=_prove,
)
