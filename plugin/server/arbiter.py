"""The process that starts the worker, and starts another when that ends or hangs.

One worker with threads: one owner of locks, ports and the nftables context.  The application is
built in the worker, after the fork: netlink sockets and threads do not survive one.  This process
has nothing that calls need, so it takes a third of what gunicorn's arbiter does, and whatever
ends a worker does not end this.
"""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from plugin.log import Log
from plugin.server.listeners import is_handed_over
from plugin.server.watchdog import tell_systemd

if TYPE_CHECKING:  # this process has no calls
    from plugin.server.calls import WsgiApp

CANNOT_START: Final = 3  # how a worker exits whose application cannot be built
# Of the arbiter's process id, and of where signs of life are written.
Work = Callable[[int, int], object]

_GRACE_SECONDS: Final = 6.0  # the worker has five; dockerd kills a plugin after ten
_HUNG_LOOKS: Final = 15  # without a sign of life, of which a worker gives one each second
_LOOK_SECONDS: Final = 1.0
_REAP_SECONDS: Final = 0.05
_ROOM: Final = 1 << 12
_GRACEFUL: Final = (signal.SIGTERM, signal.SIGHUP)
_AT_ONCE: Final = (signal.SIGINT, signal.SIGQUIT)
# Sent by people who know gunicorn, or by a terminal; they would end or stop the process.
_UNUSED: Final = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU)
_log: Final = Log("arbiter")


class Arbiter:
    """Keeps one worker running, which does ``work`` in a process of its own."""

    def __init__(self, sockets: Sequence[socket.socket], work: Work) -> None:
        self._sockets = sockets
        self._files = [Path(s.getsockname()) for s in sockets if not is_handed_over(s)]
        self._work = work
        self._worker = 0
        self._life = -1  # where the worker's signs of life are read
        self._silent_looks = 0
        self._has_lived = False
        self._asked = 0  # the signal to stop
        self._exit = 0

    def run(self) -> None:
        """Keep a worker running until a signal asks to stop, or no worker can start.

        Raises SystemExit in the latter case.
        """
        woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._listen_to_signals()
        tell_systemd("READY=1")
        while not self._asked and not self._exit:
            if not self._worker:
                self._start()
            self._look(woken)
            self._reap()
        self._stop()
        if self._exit:
            _log.error("arbiter.ended", reason="the worker cannot start")
            sys.exit(self._exit)

    def _listen_to_signals(self) -> None:
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for each in (*_GRACEFUL, *_AT_ONCE):
            if signal.getsignal(each) is not signal.SIG_IGN:  # nohup, or a shell's background
                signal.signal(each, self._ask)
        for each in (*_UNUSED, signal.SIGCHLD):
            signal.signal(each, _wake_up)

    def _ask(self, number: int, _: FrameType | None) -> None:
        self._asked = number

    def _start(self) -> None:
        self._life, told = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._silent_looks, self._has_lived = 0, False
        arbiter = os.getpid()
        self._worker = os.fork()
        if not self._worker:
            self._be_worker(arbiter, told)
        os.close(told)

    def _be_worker(self, arbiter: int, told: int) -> None:
        """Work, and end: nothing of the arbiter's may run on in this process."""
        code = CANNOT_START
        try:
            signal.set_wakeup_fd(-1)
            for each in (*_GRACEFUL, *_AT_ONCE, *_UNUSED, signal.SIGCHLD):
                if signal.getsignal(each) is not signal.SIG_IGN:
                    signal.signal(each, signal.SIG_DFL)
            os.close(self._life)
            self._work(arbiter, told)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except BaseException:  # noqa: BLE001 - the arbiter's loop is above
            _log.exception("worker.fault")
        finally:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):  # it may be a pipe that nobody reads
                    stream.flush()
            os._exit(code)

    def _look(self, woken: int) -> None:
        """Wait for a signal or a sign of life, and kill a worker that gives none.

        Looks are counted, not time: if this process was stopped, so was the worker.
        """
        ready, _, _ = select.select([woken, self._life], [], [], _LOOK_SECONDS)
        if woken in ready:
            _drain(woken)
        if self._life in ready and _drain(self._life):
            self._silent_looks, self._has_lived = 0, True
        elif not ready and self._has_lived:
            self._silent_looks += 1
        if self._silent_looks >= _HUNG_LOOKS:
            _log.error("worker.hangs", pid=self._worker, seconds=_HUNG_LOOKS)
            self._silent_looks = 0
            os.kill(self._worker, signal.SIGKILL)

    def _reap(self) -> None:
        """Note that the worker has ended.  In a container, orphans of the worker come here, too."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                if ended[0] == self._worker:
                    self._note_end(os.waitstatus_to_exitcode(ended[1]))

    def _note_end(self, code: int) -> None:
        if not self._asked:
            why = f"signal {-code}" if code < 0 else f"status {code}"
            _log.error("worker.ended", pid=self._worker, reason=why)
        self._worker = 0
        os.close(self._life)
        if code == CANNOT_START:
            self._exit = code

    def _stop(self) -> None:
        """Let nobody in any more, and end the worker: in order, or at once."""
        for sock in self._sockets:
            sock.close()
        for file in self._files:
            file.unlink(missing_ok=True)
        end = time.monotonic() + _GRACE_SECONDS
        sent = 0
        while self._worker and time.monotonic() < end:
            wanted = signal.SIGQUIT if self._asked in _AT_ONCE else signal.SIGTERM
            if sent != wanted:
                os.kill(self._worker, wanted)
                sent = wanted
            time.sleep(_REAP_SECONDS)
            self._reap()
        if self._worker:
            os.kill(self._worker, signal.SIGKILL)


def serve(sockets: Sequence[socket.socket], build: Callable[[], "WsgiApp"]) -> None:
    """Serve the application that ``build`` makes in the worker, until a signal asks to stop.

    Raises SystemExit if it cannot be built.
    """

    def work(arbiter: int, life: int) -> None:
        from plugin.server.worker import ThreadedWorker  # noqa: PLC0415 - only the worker needs it

        ThreadedWorker(sockets, build()).run(arbiter, life)

    Arbiter(sockets, work).run()


def _wake_up(_: int, __: FrameType | None) -> None:
    """Do nothing but end the wait."""


def _drain(pipe: int) -> bytes:
    try:
        return os.read(pipe, _ROOM)
    except BlockingIOError:
        return b""
