"""The plugin as it is served, whole, forked from a process that has imported it already.

A start then costs what a start does, and not what Python's imports do.
"""

import ctypes
import json
import math
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import plugin.admin.flask_app
import plugin.kernel.netlink.pyroute2_core  # for queues, a quarter of a second of the processor
import plugin.server.flask_app
import plugin.server.process  # noqa: F401 - what `serve` would import late
from plugin import bootstrap
from plugin.bootstrap import supervisor
from plugin.config import Config, read_config
from plugin.kernel.linux import LinuxKernel
from plugin.model.ids import IfName
from plugin.model.leases import Moment
from plugin.service import leases
from plugin.upkeep import loop
from tests.kernel.netns import wait_until
from tests.reliability.crash.points import CALL, End, Points, install
from tests.reliability.proof import ProofError
from tests.reliability.wire import DeadError, ask

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER: Final = 36  # orphans of the plugin become this process's
_WAIT_SECONDS: Final = 60.0
HANDOFFS: Final = "pnc-"  # what links are called that dockerd moves into sandboxes
_now: Final = leases.moment  # type: ignore[attr-defined]
_LATER: Final = 1e5  # seconds: whatever waits for its time has lapsed by then


def die_with_parent() -> None:
    """Have the kernel end this process when the one ends that forked it, however that is."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Server:
    """One plugin after another, over one state, in the namespace of the caller.

    One that is ``mortal`` can be ended at its points.  One that is ``deaf`` does not hear what
    happens on the host, so that nothing changes but by calls.
    """

    def __init__(self, directory: Path, *, mortal: bool = False, deaf: bool = False) -> None:
        self.state = directory / "state"
        self.socket = directory / "pynet.sock"
        self.log = directory / "log"
        self._control = directory / "control.sock"
        self._mortal = mortal
        self._deaf = deaf
        self._process = 0
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._settings = {
            "PYNET_STATE": str(self.state),
            "PYNET_PLUGIN_SOCKETS": str(self.socket),
            "PYNET_ADMIN_SOCKET": str(directory / "admin.sock"),
            "PYNET_TICK": "3600",
            "PYNET_QUARANTINE": "0",
            "PYNET_STICKY": "0",
            "PYNET_SECRET": "a secret for networks that are encrypted",
        }

    def start(self, at: int | None = None) -> bool:
        """Start, dying at a point if one is given; whether it is ready."""
        self._control.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as control:
            control.bind(str(self._control))
            control.listen()
            self._process = os.fork()
            if not self._process:
                self._serve(control, at)
        if not self.wait_ready():
            return False
        try:
            if at is not None:
                self.arm(None)  # it was not reached
        except DeadError:  # but it was in that moment, by a thread that had not ended
            self.reap()
            return False
        return True

    def wait_ready(self) -> bool:
        """Return when it has started; False if it died on the way."""
        try:
            self.control("ready")
        except DeadError:
            self.reap()
            return False
        return True

    def arm(self, at: int | None, end: End = End.ALL_DIE, where: str = CALL) -> list[str]:
        """Have the next call end at the point; answers what the last one counted."""
        names: list[str] = self.control("arm", at, end.value, where)
        return names

    def tick(self) -> None:
        """Have the plugin look after everything, when whatever waits has waited long enough."""
        self.control("tick")

    def stacks(self) -> str:
        """Tell where every thread is."""
        return str(self.control("stacks"))

    def tail(self) -> str:
        """Return the end of its log, which is gone with its folder."""
        return f"its log:\n{self.log.read_text(errors='replace')[-4000:]}"

    def worker(self) -> int:
        """Return the process that serves."""
        return int(self.control("worker"))

    def control(self, *order: Any) -> Any:
        """Tell the worker something, past its own sockets."""
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(_WAIT_SECONDS)
                sock.connect(str(self._control))
                sock.sendall(json.dumps(order).encode() + b"\n")
                answer = sock.makefile().readline()
        except TimeoutError as error:
            raise ProofError(f"{order} is not done after {_WAIT_SECONDS:g} s") from error
        except OSError as error:
            raise DeadError(str(error)) from error
        if not answer:
            raise DeadError("no answer")
        return json.loads(answer)

    def ask(self, method: str, body: Any) -> tuple[int, dict[str, Any]]:
        """Call a method; raises DeadError if the plugin dies meanwhile."""
        return ask(self.socket, method, body)

    def kill(self) -> None:
        """End the plugin as a loss of power does."""
        if self._process:
            os.killpg(self._process, signal.SIGKILL)
            self.reap()

    def reap(self) -> None:
        """Return when the process is gone, with all that it started: as systemd waits, too."""
        if self._process:
            wait_until(self._is_gone, "the plugin does not end")
            self._process = 0

    def _is_gone(self) -> bool:
        try:
            while os.waitpid(-self._process, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return True
        return False

    def _serve(self, control: socket.socket, at: int | None) -> None:
        code = 1
        try:
            die_with_parent()
            os.setsid()
            _redirect(self.log)
            points = Points()
            points.arm(at)
            if self._mortal:  # counting takes time, and memory for every point
                install(points)
            _observe(control, points)
            if self._deaf:
                loop.Loop._watch = lambda _: None  # type: ignore[method-assign, assignment]
            config: Config = read_config(self._settings)
            bootstrap.serve(config)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:  # noqa: BLE001 - nothing of the parent's may run on here
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)


def _redirect(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    sys.stdout = open(1, "w", closefd=False, buffering=1)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, buffering=1)  # noqa: SIM115


def _observe(control: socket.socket, points: Points) -> None:
    """Have the worker listen to the control socket, too."""

    class Observed(supervisor.Supervisor):
        def __init__(self, config: Config) -> None:
            super().__init__(config)
            die_with_parent()  # the setting does not outlive a fork
            threading.Thread(target=_listen, args=(control, self, points), daemon=True).start()

    supervisor.Supervisor = Observed  # type: ignore[misc]
    vars(loop)["_SECOND_LOOK_SECONDS"] = math.inf  # nothing is looked after until it is told to be
    missing = LinuxKernel.missing_links

    def missing_or_taken(kernel: LinuxKernel, ifnames: Iterable[IfName]) -> frozenset[IfName]:
        """The links of containers are where dockerd takes them: this engine leaves them here."""
        names = list(ifnames)
        taken = {name for name in names if name.startswith(HANDOFFS)}
        return missing(kernel, names) | taken

    def none_returned(kernel: LinuxKernel, ifnames: Iterable[IfName]) -> frozenset[IfName]:
        """It never gives them back, either."""
        names = frozenset(ifnames)
        return names - missing_or_taken(kernel, names)

    LinuxKernel.missing_links = missing_or_taken  # type: ignore[method-assign, assignment]
    LinuxKernel.returned_links = none_returned  # type: ignore[method-assign, assignment]


def _moved(seconds: float) -> Moment:
    """What the time will be."""
    now = _now()
    return replace(now, wall=now.wall + seconds)


def _listen(control: socket.socket, served: supervisor.Supervisor, points: Points) -> None:
    later: list[float] = []
    while True:
        client, _ = control.accept()
        with client:
            order = json.loads(client.makefile().readline())
            client.sendall(json.dumps(_obey(served, points, later, *order)).encode() + b"\n")


def _obey(
    served: supervisor.Supervisor, points: Points, later: list[float], verb: str, *arguments: Any
) -> Any:
    match verb:
        case "ready":
            return served.health.wait_ready(_WAIT_SECONDS)
        case "arm":
            at, end, where = arguments
            return points.arm(at, End(end), where)
        case "tick":
            services = served._ready()
            for _ in range(2):  # what is idle is seen so at first, and for long at last
                served._running_loop.look()
                later.append(_LATER)
                services.parts.healer._timer._clock = lambda: time.monotonic() + sum(later)
                leases.moment = lambda: _moved(sum(later))  # type: ignore[attr-defined]
            leases.moment = _now  # type: ignore[attr-defined]  # what is saved from now on must not be of the future
            services.allocator.collect(time.time() + _LATER)
            return None
        case "worker":
            return os.getpid()
        case "stacks":
            return "\n".join(
                f"thread {number}\n{''.join(traceback.format_stack(frame))}"
                for number, frame in sys._current_frames().items()
            )
    raise ValueError(verb)
