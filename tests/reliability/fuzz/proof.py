"""The proof: requests that no engine sends, each with questions for what came of it."""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from tests.conformance.replay import DATA
from tests.kernel.netns import Netns
from tests.reliability.crash.scenes import SCENES
from tests.reliability.crash.server import Server
from tests.reliability.crash.snapshot import Camera
from tests.reliability.fuzz.mutation import Mutator
from tests.reliability.fuzz.state import State
from tests.reliability.proof import Count, Proof, ProofError, Scope, say
from tests.reliability.wire import DeadError, HangError, Json, exchange

_FULL: Final = 100_000
_SHORT: Final = 10_000
_MOST_NETWORKS: Final = 12
_TIDY: Final = 250  # requests between two looks at how many networks there are
_FAULTS: Final = ("Traceback", "rpc.fault", "tick.fault")


def _prove(scope: Scope) -> Iterable[Count]:
    shards = len(os.sched_getaffinity(0))
    amount = scope.amount(_FULL, _SHORT) // shards
    counts: Counter[str] = Counter()
    with ProcessPoolExecutor(shards, mp_context=get_context("fork")) as pool:
        seeds = [scope.seed * shards + shard for shard in range(shards)]
        for found in pool.map(_shard, seeds, [amount] * shards):
            counts += found
    yield Count(what="requests", number=counts.total())
    for what, number in sorted(counts.items()):
        yield Count(what=what, number=number)


def _shard(seed: int, amount: int) -> Counter[str]:
    netns = Netns()
    with tempfile.TemporaryDirectory(prefix="pynet-fuzz-") as directory, netns.entered():
        fuzz = _Fuzz(Path(directory), seed)
        try:
            fuzz.run(amount)
        finally:
            fuzz.server.kill()
            netns.close()
    return fuzz.counts


class _Fuzz:
    """One server, and one who asks it."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.server = Server(directory, deaf=True)
        self.counts: Counter[str] = Counter()
        self._mutator = Mutator(seed)
        self._seed = seed
        self._calls = [(c.method, c.body) for s in SCENES for p in s.life() for c in p.calls]
        self._calls += _recorded()

    def run(self, amount: int) -> None:
        """Ask so often, and leave nothing behind."""
        if not self.server.start():
            raise ProofError(f"it does not start:\n{self.server.log.read_text()}")
        worker = self.server.worker()
        camera = Camera(self.server.state)
        empty = camera.settled()
        with closing(State(self.server.state)) as state:
            for number in range(amount):
                self._ask(state, number)
                if not number % _TIDY:
                    self._tidy(state, _MOST_NETWORKS)
                    self._listen(number)
                    if not number % (_TIDY * 20):
                        say(f"seed {self._seed}: {number:,} of {amount:,}")
            self._tidy(state, 0)
        self.server.tick()
        self._listen(amount)
        difference = camera.difference(empty, "")
        if difference:
            raise ProofError(f"seed {self._seed}: after everything was deleted:\n{difference}")
        if self.server.worker() != worker:
            raise ProofError(f"seed {self._seed}: the worker died on the way")

    def _ask(self, state: State, number: int) -> None:
        method, body = self._mutator.choose(self._calls)
        request = self._mutator.request(method, body)
        where = f"seed {self._seed}, request {number}: {request[:3000]!r}"
        before = state.settled()
        try:
            status, answer = exchange(self.server.socket, request, half_close=True)
        except HangError as error:
            raise ProofError(f"{where}: {error}\n{self.server.stacks()}") from error
        except DeadError:
            status, answer = 0, b""  # not HTTP, or a body that never came
        said = _said(status, answer)
        if said is None:
            raise ProofError(f"{where} was answered {status} {answer[:3000]!r}")
        self.counts[said] += 1
        if said != "done" and state.settled() != before:
            changed = "\n".join(sorted(state.rows() ^ before))
            raise ProofError(
                f"{where} was {said} ({status} {answer[:300]!r}) and changed\n{changed}"
            )

    def _tidy(self, state: State, most: int) -> None:
        """Delete networks and pools if there are more than so many."""
        networks, pools = state.networks(), state.pools()
        if len(networks) + len(pools) > most:
            for each in networks:
                self.server.ask("NetworkDriver.DeleteNetwork", {"NetworkID": each})
            for each in pools:
                self.server.ask("IpamDriver.ReleasePool", {"PoolID": each})

    def _listen(self, number: int) -> None:
        """Nothing unforeseen may be in the log."""
        log = self.server.log.read_text()
        os.truncate(self.server.log, 0)
        faults = [line for line in log.splitlines() if any(each in line for each in _FAULTS)]
        if faults:
            told = "\n".join(faults)[-6000:]
            raise ProofError(f"seed {self._seed}, up to request {number}, it logged:\n{told}")


def _said(status: int, answer: bytes) -> str | None:
    """What the answer says of the request; None if it is none that may be given."""
    if status == 0:
        return "not answered, for it was no whole request"
    try:
        found = json.loads(answer)
    except ValueError:
        # gunicorn's own words for what is not HTTP.
        return "refused as no HTTP" if 400 <= status < 500 or status in (501, 505) else None
    if status == 200 and isinstance(found, dict) and not found.get("Err"):
        return "done"
    if not isinstance(found, dict) or not found.get("Err") or found["Err"] != found.get("Error"):
        return None
    return {200: "refused for its meaning", 400: "refused for its form"}.get(
        status, f"refused with {status}"
    )


def _recorded() -> list[tuple[str, Json]]:
    """What engines have sent, whole lives of hosts."""
    lines = [
        json.loads(line)
        for file in sorted(DATA.glob("engine-*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    found: list[Any] = [(each["method"], each["body"]) for each in lines if each["body"]]
    return found


FUZZ: Final = Proof(
    name="fuzz",
    title="Requests that no engine sends",
    method="""\
Requests of recorded engines, and of whole lives of networks, are changed and sent to the plugin
as it is served: keys dropped, renamed and doubled, values of other types, sizes and alphabets,
nesting, bytes that are no UTF-8, bodies that end early or late, other verbs, paths and headers.
Each must be answered within 20 s, or be no whole request. No answer is a 5xx that is not JSON;
nothing unforeseen is logged; both files change only with an answer that says that it was done;
and when everything is deleted the host is as it was.""",
    prove=_prove,
)
