"""Run stages: lanes side by side, the stages of a lane one after the other.

What a stage prints goes to a file, because two stages at a time cannot be read.  Shown are its
beginning, every half a minute how far it is, and its closing lines; all of it if it failed.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.stages.stage import Stage

PROGRESS_SECONDS: Final = 30.0
ENDING_SECONDS: Final = 60.0  # in which what hangs may still say where
CLOSING_LINES: Final = 8
FAILED_LINES: Final = 400
_PERCENT: Final = re.compile(r"\[\s*(\d+%)\]")
# What a script starts with & ignores interrupts, and so would all that it starts.
_INTERRUPTIBLE: Final = ("env", "--default-signal=INT")
_LOOK_SECONDS: Final = 0.2


@dataclass
class Outcome:
    """How a stage ended; ``code`` is None for one that was not run, for a ``reason``."""

    stage: Stage
    code: int | None
    seconds: float = 0.0
    reason: str = ""


@dataclass
class Run:
    """Stages on their way.

    ``deadline`` is when a stage must be expected to have ended to be begun.
    """

    stages: Sequence[Stage]
    logs: Path
    deadline: float | None = None
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self) -> int:
        """Run them all; the exit status."""
        self.logs.mkdir(parents=True, exist_ok=True)
        lanes = dict.fromkeys(stage.lane for stage in self.stages)
        threads = [threading.Thread(target=self._run_lane, args=(lane,)) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        failed = any(each.code for each in self.outcomes.values())
        return 1 if failed or self._stopped else 0

    def stop(self) -> None:
        """End what runs, with all that it started, and begin nothing more."""
        with self._changed:
            self._stopped = True
            for process in self._processes:
                _signal(process, signal.SIGTERM)
            self._changed.notify_all()

    def said(self) -> Iterator[str]:
        """Return every line of the stages that were run."""
        for each in self.outcomes.values():
            if each.code is not None:
                yield from self._lines(each.stage)

    def _run_lane(self, lane: str) -> None:
        for stage in self.stages:
            if stage.lane == lane:
                outcome = self._outcome(stage)
                with self._changed:
                    self.outcomes[stage.name] = outcome
                    self._changed.notify_all()

    def _outcome(self, stage: Stage) -> Outcome:
        reason = self._reason_against(stage)
        if reason:
            say(f"{stage.name}: not run, {reason}")
            return Outcome(stage, None, reason=reason)
        say(stage.name)
        started = time.monotonic()
        code = self._execute(stage, started)
        outcome = Outcome(stage, code, time.monotonic() - started)
        self._close(outcome)
        return outcome

    def _reason_against(self, stage: Stage) -> str:
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or all(name in self.outcomes for name in stage.after)
            )
            if self._stopped:
                return "the run was ended"
            failed = [name for name in stage.after if self.outcomes[name].code != 0]
        if failed:
            return f"without {' and '.join(failed)}"
        if self.deadline is not None and time.monotonic() + stage.seconds > self.deadline:
            return f"it takes {stage.seconds} s, and there is less time left"
        return ""

    def _execute(self, stage: Stage, started: float) -> int:
        with self._log(stage).open("wb") as log:
            process = subprocess.Popen(
                [*_INTERRUPTIBLE, "bash", "-euo", "pipefail", "-c", stage.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with self._changed:
            self._processes.add(process)
            if self._stopped:
                _signal(process, signal.SIGTERM)
        said = started
        while process.poll() is None:
            time.sleep(_LOOK_SECONDS)
            if time.monotonic() - started > stage.longest:
                say(f"{stage.name}: ended, it takes more than {stage.longest:.0f} s")
                return self._end(process)
            if time.monotonic() - said >= PROGRESS_SECONDS:
                said = time.monotonic()
                say(f"{stage.name}: {said - started:.0f} s, {self._progress(stage)}")
        with self._changed:
            self._processes.discard(process)
        return process.returncode

    def _end(self, process: subprocess.Popen[bytes]) -> int:
        """End a stage that hangs: at an interrupt pytest says where, and removes what it made."""
        _signal(process, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(ENDING_SECONDS)
        _signal_session(process.pid, signal.SIGKILL)  # what it started may go on without it
        with self._changed:
            self._processes.discard(process)
        return process.wait() or 1

    def _close(self, outcome: Outcome) -> None:
        lines = self._lines(outcome.stage)
        shown = lines[-(FAILED_LINES if outcome.code else CLOSING_LINES) :]
        how = f"FAILED ({outcome.code}) after " if outcome.code else ""
        text = "".join(f"   {line}\n" if outcome.code is None else f"{line}\n" for line in shown)
        say(f"{outcome.stage.name}: {how}{outcome.seconds:.0f} s", before=text)

    def _progress(self, stage: Stage) -> str:
        """How far pytest says it is, or else the last line there is."""
        lines = self._lines(stage)
        percents = [match[1] for line in lines for match in _PERCENT.finditer(line)]
        if percents:
            return percents[-1]
        return lines[-1].strip()[:100] if lines else "nothing said yet"

    def _lines(self, stage: Stage) -> list[str]:
        text = self._log(stage).read_text(errors="replace")
        return [line for line in text.splitlines() if line.strip()]

    def _log(self, stage: Stage) -> Path:
        return self.logs / f"{re.sub(r'[^a-z0-9]+', '-', stage.name.lower())}.log"


_printing: Final = threading.Lock()


def say(text: str, before: str = "") -> None:
    """A line about a stage, with what the stage said before it."""
    with _printing:
        sys.stdout.write(f"{before}== {text}\n")
        sys.stdout.flush()


def summary(outcomes: Iterable[Outcome]) -> str:
    """What each stage took."""
    lines = []
    for each in outcomes:
        ended = each.reason if each.code is None else f"{each.seconds:.0f} s"
        lines.append(f"   {each.stage.name:<60} {ended}{' FAILED' if each.code else ''}")
    return "\n".join(lines)


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """To all that the stage started, which is a session of its own."""
    if process.poll() is None:
        _signal_session(process.pid, number)


def _signal_session(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, number)
