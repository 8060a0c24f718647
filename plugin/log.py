"""One event, one line: a fixed name and its fields.

``2026-01-01T00:00:00.000Z info network.created network=1f0c... links=2 ms=14``
"""

import logging
import select
import sys
import time
from typing import Final, TextIO

_ROOT: Final = "pynet"
_LONGEST: Final = 4000  # bytes
_HEAD: Final = (
    1000  # bytes of a line that is longer; the rest is its end, where a trace has its cause
)
LEVELS: Final = ("debug", "info", "warning", "error")


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = f"{stamp}.{int(record.msecs):03d}Z {record.levelname.lower()} {record.getMessage()}"
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            line += f" trace={trace!r}"
        return line


class PatientHandler(logging.StreamHandler[TextIO]):
    """A log handler that loses lines rather than wait for a reader.

    dockerd reads a managed plugin's standard error.  While dockerd is not running the pipe fills
    up, and every thread that logs a line would block.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Called with the handler's lock held."""
        if not self._takes_a_line():
            self._lost += 1
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
        self._logger.log(logging.ERROR, "%s", _line(event, fields), exc_info=True)

    def _emit(self, level: int, event: str, fields: dict[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", _line(event, fields))


def configure(level: str) -> None:
    """Send every event of ``level`` (one of LEVELS) and above to standard error."""
    handler = PatientHandler(sys.stderr)
    handler.setFormatter(_LineFormatter())
    for name in (_ROOT, "gunicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
    logging.getLogger(_ROOT).setLevel(level.upper())
    logging.getLogger("gunicorn.error").setLevel(logging.WARNING)


def _line(event: str, fields: dict[str, object]) -> str:
    return " ".join([event, *(f"{name}={_value(value)}" for name, value in fields.items())])


def _value(value: object) -> str:
    text = str(value)
    return repr(text) if not text or any(c.isspace() or c in "\"'=" for c in text) else text
