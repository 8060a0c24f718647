"""One event, one line."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress

import pytest

from plugin import log


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Standard error, with the logging put back afterwards."""
    names = ("pynet", "gunicorn.error")
    before = [(logging.getLogger(n), logging.getLogger(n).__dict__.copy()) for n in names]
    yield capsys
    for logger, state in before:
        logger.__dict__.update(state)


def test_a_line_has_time_level_event_and_fields(lines: pytest.CaptureFixture[str]) -> None:
    """In this order, for people and programs alike."""
    log.configure("info")
    log.Log("test").info("network.created", network="1f0c", links=2, text='a "b"', empty="")

    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info network\.created "
        r"""network=1f0c links=2 text='a "b"' empty=''\n""",
        lines.readouterr().err,
    )


@pytest.mark.parametrize(
    ("level", "seen"),
    [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)],
)
def test_less_important_events_are_left_out(
    lines: pytest.CaptureFixture[str], level: str, seen: int
) -> None:
    """By the setting."""
    log.configure(level)
    named = log.Log("test")
    for emit in (named.debug, named.info, named.warning, named.error):
        emit("something.happened")

    assert len(lines.readouterr().err.splitlines()) == seen


def test_a_trace_is_folded_into_the_line(lines: pytest.CaptureFixture[str]) -> None:
    """Else it could not be told from the events around it."""
    log.configure("info")
    try:
        int("a\nb")
    except ValueError:
        log.Log("test").exception("rpc.fault", method="X")

    (line,) = lines.readouterr().err.splitlines()
    assert "error rpc.fault method=X trace=" in line
    assert "ValueError: invalid literal" in line


def test_a_line_break_in_a_value_makes_no_line(lines: pytest.CaptureFixture[str]) -> None:
    """Nobody can forge an event by the name of a network."""
    log.configure("info")
    log.Log("test").info("a", text="x\n2026 error forged")

    assert len(lines.readouterr().err.splitlines()) == 1


def test_configuring_again_does_not_double_the_lines(lines: pytest.CaptureFixture[str]) -> None:
    """The handlers are replaced."""
    log.configure("info")
    log.configure("info")
    log.Log("test").info("a")

    assert len(lines.readouterr().err.splitlines()) == 1


def test_nobody_waits_for_whoever_reads_it() -> None:
    """dockerd is away and its pipe is full: lines are lost, and that is said."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    with os.fdopen(writer, "w") as stream, os.fdopen(reader, "rb") as source:
        handler = log.PatientHandler(stream)
        record = logging.LogRecord("a", logging.INFO, "", 0, "word " * 9999, None, None)
        for _ in range(3):
            handler.handle(record)
        while len(source.read1(1 << 20)) == 1 << 20:
            pass
        handler.handle(record)
        said = source.read1(1 << 20).decode()

    assert said.startswith("word word")
    assert len(said) < 4200
    assert said.endswith("\n3 lines were lost, because they were not read in time\n")


def test_a_long_line_keeps_its_end(lines: pytest.CaptureFixture[str]) -> None:
    """That is where a trace says what went wrong; the beginning says when and what."""
    log.configure("info")
    log.Log("test").error("rpc.fault", trace="x" * 9000 + "Cause")

    (line,) = lines.readouterr().err.splitlines()
    assert len(line) == 4000
    assert " error rpc.fault trace=xxx" in line
    assert line.endswith("xCause")
