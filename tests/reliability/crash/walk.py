"""Ends the plugin at every point of a life, or refuses it something, and looks what came of it.

How things should be is learned from lives that nothing disturbed, by a snapshot after each call.
A call that is made again must lead to the same.  Where dockerd gives up and takes back what it
had, there must be what was before; and the next container must start and be whole.
"""

import itertools
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final

from tests.kernel.netns import Netns
from tests.reliability.crash.points import CALL, End
from tests.reliability.crash.script import Call, Scene
from tests.reliability.crash.server import Server
from tests.reliability.crash.snapshot import Camera, Snapshot
from tests.reliability.proof import ProofError
from tests.reliability.wire import DeadError, Json

CREATE, RUN, STOP, REMOVE = range(4)
_DEADLY: Final = (End.ALL_DIE, End.WORKER_DIES)


class Then(Enum):
    """What the engine does about it."""

    RETRIES = "retries"
    GIVES_UP = "gives up"


Place = tuple[int, int]  # a phase, and a call of it


class Walk:
    """One scene, in the namespace of the caller."""

    def __init__(self, scene: Scene, directory: Path, netns: Netns) -> None:
        self.counts: Counter[str] = Counter()
        self.server = Server(directory, mortal=True)
        self._camera = Camera(self.server.state)
        self._scene = scene
        self._first = scene.life()
        self._next = scene.life(endpoint=1)
        self._after: dict[Place, Snapshot] = {}
        netns.ip(*scene.host)

    def learn(self) -> None:
        """Start, and see what lives look like that nothing disturbs."""
        self.revive()
        self._empty = self._camera.settled()
        for place in self.places():
            self._must(self._call(place))
            self._after[place] = self._camera.settled()
            if place == (STOP, len(self._first[STOP].calls) - 1):
                self._all(self._next[RUN].calls)
                self._next_runs = self._camera.settled()
                self._all(self._next[STOP].calls)
        self.expect(self._empty, "after a life that nothing disturbed")

    def places(self) -> Iterator[Place]:
        """Every call of a life."""
        for number, phase in enumerate(self._first):
            for step in range(len(phase.calls)):
                yield number, step

    def walk(self, place: Place, end: End, then: Then, where: str = CALL) -> int:
        """End every point of one call, each in a life of its own; how many there were."""
        for at in itertools.count():
            try:
                if not self._live(place, at, end, then, where):
                    return at
            except AssertionError as error:
                raise ProofError(
                    f"{self._scene.name}: {self._call(place).method}, {end.value} at point {at}, "
                    f"engine {then.value}: {error}"
                ) from error
            self.counts[f"{end.value}, and the engine {then.value}"] += 1
        raise AssertionError

    def run_up_to(self, number: int) -> None:
        """Do the phases before this one."""
        for phase in self._first[:number]:
            self._all(phase.calls)

    def run_from(self, number: int) -> None:
        """Do this phase and the later ones; nothing may be left."""
        for phase in self._first[number:]:
            self._all(phase.calls)
        self.expect(self._empty, "at the end")

    def behind_stop(self, where: str) -> int:
        """Stop the container; how many points there are in the background when it is deleted."""
        step = self._deletion()
        self._all(self._first[STOP].calls[:step])
        self.server.arm(None, where=where)
        self._must(self._first[STOP].calls[step])
        self.expect(self._after[STOP, step], "after it was deleted")
        points = len(self.server.arm(None))
        self._all(self._first[STOP].calls[step + 1 :])
        return points

    def stop_refused(self, where: str, at: int) -> None:
        """Stop the container; what is refused in the background is done by the next tick."""
        step = self._deletion()
        self._all(self._first[STOP].calls[:step])
        self.server.arm(at, End.REFUSED, where)
        self._all(self._first[STOP].calls[step:])
        self.server.tick()
        self.expect(self._end_of(STOP), "after the next tick")

    def stop_and_die(self, where: str, at: int = 0) -> None:
        """Stop the container, and die in the background when what it had is deleted."""
        step = self._deletion()
        self._all(self._first[STOP].calls[:step])
        self.server.arm(at, End.ALL_DIE, where)
        with suppress(DeadError):  # on a busy machine it may die before it answers
            self._must(self._first[STOP].calls[step])
        self.revive()
        self._must(self._first[STOP].calls[step])
        self.expect(self._after[STOP, step], "after the next start")
        self._all(self._first[STOP].calls[step + 1 :])

    @property
    def has_links(self) -> bool:
        """Whether a container has any, which are deleted behind it."""
        return self.running().links != self._end_of(CREATE).links

    def running(self) -> Snapshot:
        """How things are while a container runs."""
        return self._end_of(RUN)

    def expect(self, wanted: Snapshot, when: str, unanswered: Call | None = None) -> None:
        """Raise ProofError if anything differs.

        A pool whose request was not answered stays, for nobody can tell it from one that a
        network of another driver has; the next request for it gets it.
        """
        pool = ""
        if unanswered is not None and unanswered.method == "IpamDriver.RequestPool":
            pool = f"{unanswered.body['AddressSpace']}/{unanswered.body['Pool']}"
        difference = self._camera.difference(wanted, pool)
        if difference:
            raise ProofError(f"{when} the host or the state is not as it should be:\n{difference}")

    def look(self) -> Snapshot:
        """Take a snapshot."""
        return self._camera.settled()

    def revive(self, end: End = End.ALL_DIE) -> None:
        """Start the plugin again, or let gunicorn do it."""
        if end is End.ALL_DIE:
            self.server.reap()
        with suppress(ChildProcessError):  # what outlived a plugin and has ended since
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        if not (self.server.start() if end is End.ALL_DIE else self.server.wait_ready()):
            raise ProofError("it does not start again")

    def _live(self, place: Place, at: int, end: End, then: Then, where: str) -> bool:
        """One life; False if the call has no such point."""
        number, step = place
        phase = self._first[number]
        self.run_up_to(number)
        self._all(phase.calls[:step])
        met, failed = self._meet(phase.calls[step], at, end, where)
        if not failed:
            if met:
                self.expect(self._after[place], "although all was answered well")
            self._all(phase.calls[step + 1 :])
            self.run_from(number + 1)
        elif then is Then.RETRIES:
            self._must(phase.calls[step])
            self.expect(self._after[place], "after the same call again")
            self._all(phase.calls[step + 1 :])
            self.run_from(number + 1)
        else:
            self._give_up(place, died=end in _DEADLY)
        return met

    def _meet(self, call: Call, at: int, end: End, where: str) -> tuple[bool, bool]:
        """Make the call with the point armed: whether that was reached, and the call failed."""
        self._arm(at, end, where)
        try:
            status, answer = self.server.ask(call.method, call.body)
            reached = len(self.server.arm(None)) > at
        except DeadError:
            self.revive(end)
            return True, True
        failed = status != 200 or bool(answer.get("Err"))
        if failed and (end in _DEADLY or not reached):
            _check(call, status, answer)
        return reached, failed

    def _arm(self, at: int, end: End, where: str) -> None:
        """Arm the point; what is still at work in the background may reach it at once, and die."""
        while True:
            try:
                self.server.arm(at, end, where)
            except DeadError:
                self.revive(end)
            else:
                return

    def _give_up(self, place: Place, *, died: bool) -> None:
        """Do what dockerd does after a failure, and then what its user does next."""
        number, step = place
        phase = self._first[number]
        call = phase.calls[step]
        if died:
            # The engine's client repeats a call whose answer it did not get, without its body.
            status, _ = self.server.ask(call.method, None)
            if status != 400:
                raise ProofError(f"a call without a body was answered with {status}")
        self._all(phase.undo(step) if phase.makes else phase.calls[step + 1 :])
        self.server.tick()
        before = number - 1 if phase.makes else number
        self.expect(self._end_of(before), "after the engine gave up", call)
        if number in (CREATE, REMOVE):
            for each in self._scene.life(network=1, endpoint=1):
                self._all(each.calls)
        else:
            self._all(self._next[RUN].calls)
            self.expect(self._next_runs, "with the next container")
            self._all(self._next[STOP].calls)
            self._all(self._next[REMOVE].calls)
        self.expect(self._empty, "at the end")

    def _deletion(self) -> int:
        """The call of a stop that deletes the endpoint."""
        methods = [call.method for call in self._first[STOP].calls]
        return methods.index("NetworkDriver.DeleteEndpoint")

    def _end_of(self, number: int) -> Snapshot:
        if number < 0:
            return self._empty
        return self._after[number, len(self._first[number].calls) - 1]

    def _call(self, place: Place) -> Call:
        return self._first[place[0]].calls[place[1]]

    def _all(self, calls: Sequence[Call]) -> None:
        for call in calls:
            self._must(call)

    def _must(self, call: Call) -> None:
        _check(call, *self.server.ask(call.method, call.body))


def _check(call: Call, status: int, answer: Json) -> None:
    if status != 200 or answer.get("Err"):
        raise ProofError(f"{call.method} was answered {status} {answer}")
