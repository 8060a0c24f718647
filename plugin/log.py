"""One event, one line: a fixed name and its fields.

``2026-01-01T00:00:00.000Z info network.created network=1f0c... links=2 ms=14``
"""

import logging
import select
import sys
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Final, TextIO

_ROOT: Final = "pynet"
_LONGEST: Final = 4000  # bytes
_HEAD: Final = (
    1000  # bytes of a line that is longer; the rest is its end, where a trace has its cause
)
_REMEMBERED: Final = 1000  # events
_FIELD: Final = 500  # characters of a field that is remembered
_READERS: Final = 8  # that wait at a time: each holds a thread
LEVELS: Final = ("debug", "info", "warning", "error")


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = f"{stamp}.{int(record.msecs):03d}Z {record.levelname.lower()} {record.getMessage()}"
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            line += f" trace={trace!r}"
        # A host of the LAN names itself and its domain: no name begins a line, nor controls a terminal.
        return line if line.isprintable() else "".join(map(_shown, line))


class PatientHandler(logging.StreamHandler[TextIO]):
    """A log handler that loses lines rather than wait for a reader.

    dockerd reads a managed plugin's output.  While dockerd is not running the pipe fills
    up, and every thread that logs a line would block.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.lost = 0  # lines in all
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Called with the handler's lock held."""
        if not self._takes_a_line():
            self._lost += 1
            self.lost += 1
            return
        super().emit(record)
        if self._lost and self._takes_a_line():
            lost, self._lost = self._lost, 0
            self.stream.write(
                f"{lost} lines were lost, because they were not read in time{self.terminator}"
            )
            self.flush()

    def format(self, record: logging.LogRecord) -> str:
        """No longer than what a pipe takes at once, if it takes anything (pipe(7), PIPE_BUF)."""
        line = super().format(record).encode()
        if len(line) > _LONGEST:
            line = line[:_HEAD] + b" ... " + line[-(_LONGEST - _HEAD - 5) :]
        return line.decode(errors="ignore")

    def _takes_a_line(self) -> bool:
        try:
            descriptor = self.stream.fileno()
        except (OSError, ValueError):
            return True  # it is in memory
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        return bool(poll.poll(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened; ``number`` grows by one with each, ``at`` is Unix time."""

    number: int
    at: float
    level: str
    name: str
    fields: dict[str, str]


class Recent(logging.Handler):
    """Remembers the latest events, and lets readers wait for the next."""

    def __init__(self, most: int = _REMEMBERED) -> None:
        super().__init__(logging.INFO)
        self._events: deque[Event] = deque(maxlen=most)
        self.counts: Counter[str] = Counter()  # of each name
        self._number = 0
        self._come = threading.Condition()
        self._waiting = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Takes no time that counts: no reader holds the lock for long."""
        name = getattr(record, "event", None)
        if name is None:
            return
        fields = {key: str(value)[:_FIELD] for key, value in record.fields.items()}  # type: ignore[attr-defined]
        with self._come:
            self._number += 1
            self.counts[name] += 1
            self._events.append(
                Event(
                    number=self._number,
                    at=record.created,
                    level=record.levelname.lower(),
                    name=name,
                    fields=fields,
                )
            )
            self._come.notify_all()

    @property
    def readers(self) -> int:
        """How many wait."""
        return self._waiting

    def after(self, number: int, seconds: float = 0.0) -> list[Event]:
        """Events with a higher number, for which it waits so long if there is none yet.

        Too many that wait at a time are answered at once.
        """
        with self._come:
            if seconds and self._waiting < _READERS:
                self._waiting += 1
                try:
                    self._come.wait_for(lambda: self._number > number, seconds)
                finally:
                    self._waiting -= 1
            return [each for each in self._events if each.number > number]


RECENT: Final = Recent()


class Log:
    """A named source of events."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"{_ROOT}.{name}")

    def debug(self, event: str, **fields: object) -> None:
        """What is never needed to run the plugin."""
        self._emit(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        """What dockerd asked for, and got."""
        self._emit(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Drift that was healed, or a request that was refused."""
        self._emit(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        """A promise that was broken."""
        self._emit(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: object) -> None:
        """An unexpected fault, with its trace folded into the line."""
        self._logger.log(
            logging.ERROR, "%s", _line(event, fields), exc_info=True, extra=_extra(event, fields)
        )

    def _emit(self, level: int, event: str, fields: dict[str, object]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        # Logger.log would also look for the line of the program that calls it, which is never shown.
        record = logging.LogRecord(
            self._logger.name, level, "", 0, _line(event, fields), None, None
        )
        record.__dict__.update(_extra(event, fields))
        self._logger.handle(record)


def configure(level: str) -> None:
    """Send every event of ``level`` (one of LEVELS) and above to standard output or error.

    Events of level info and above are also remembered (RECENT), whatever is printed.

    Warnings and errors go to standard error.  dockerd logs what a plugin prints there as errors,
    and the rest as information (moby, daemon/pkg/plugin/executor/containerd, attachStreamsFunc).
    """
    said, complained = PatientHandler(sys.stdout), PatientHandler(sys.stderr)
    said.addFilter(lambda record: record.levelno < logging.WARNING)
    said.setLevel(level.upper())
    complained.setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    for handler in (said, complained):
        handler.setFormatter(_LineFormatter())
    for name in (_ROOT, "gunicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [said, complained]
        logger.propagate = False
    logging.getLogger(_ROOT).addHandler(RECENT)
    logging.getLogger(_ROOT).setLevel(min(logging.INFO, logging.getLevelName(level.upper())))
    logging.getLogger("gunicorn.error").setLevel(logging.WARNING)


def lost() -> int:
    """How many lines were lost, because they were not read in time."""
    handlers = logging.getLogger(_ROOT).handlers
    return sum(each.lost for each in handlers if isinstance(each, PatientHandler))


def _extra(event: str, fields: dict[str, object]) -> dict[str, object]:
    return {"event": event, "fields": fields}


def _line(event: str, fields: dict[str, object]) -> str:
    return " ".join([event, *(f"{name}={_value(value)}" for name, value in fields.items())])


def _shown(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


def _value(value: object) -> str:
    text = str(value)
    return repr(text) if not text or any(c.isspace() or c in "\"'=" for c in text) else text
