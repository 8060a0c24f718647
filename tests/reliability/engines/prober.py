"""How long an engine was ever silent: asked over and over, from a thread for each question.

The clock stands still while the engine is down by our own hand.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.lab.unix_http import get_bytes

QUESTIONS: Final = ("/_ping", "/containers/json")
INTERVAL: Final = 0.1
PATIENCE: Final = 60.0  # for one answer


class Prober:
    """Asks all questions of an engine's socket while it is entered."""

    def __init__(self, path: Path) -> None:
        self._askers = [_Asker(path, question) for question in QUESTIONS]

    def __enter__(self) -> Self:
        for asker in self._askers:
            asker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for asker in self._askers:
            asker.finish()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Stop the clock for the block: the engine is killed in it and started again."""
        with ExitStack() as stack:
            for asker in self._askers:
                stack.enter_context(asker.resting())
            yield

    @property
    def longest(self) -> float:
        """Seconds of the longest time without an answer to one of the questions."""
        return max(asker.longest for asker in self._askers)

    @property
    def answers(self) -> int:
        """How often the engine has answered."""
        return sum(asker.answers for asker in self._askers)


class _Asker(threading.Thread):
    def __init__(self, path: Path, question: str) -> None:
        super().__init__(name=f"prober {question}", daemon=True)
        self.longest = 0.0
        self.answers = 0
        self._path = path
        self._question = question
        self._lock = threading.Lock()
        self._since: float | None = time.monotonic()
        self._finished = threading.Event()

    def run(self) -> None:
        while not self._finished.wait(INTERVAL):
            try:
                get_bytes(self._path, self._question, timeout=PATIENCE)
            except OSError:
                continue
            self.answers += 1
            self._mark(resting=False)

    @contextmanager
    def resting(self) -> Iterator[None]:
        self._mark(resting=True)
        try:
            yield
        finally:
            with self._lock:
                self._since = time.monotonic()

    def finish(self) -> None:
        self._finished.set()
        self._mark(resting=True)
        self.join(timeout=PATIENCE)

    def _mark(self, *, resting: bool) -> None:
        """A silence ends, by an answer or because the clock stops."""
        now = time.monotonic()
        with self._lock:
            if self._since is not None:
                self.longest = max(self.longest, now - self._since)
                self._since = None if resting else now
