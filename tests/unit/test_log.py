"""One event, one line."""

import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from plugin import log


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Standard output and error, with the logging restored afterwards."""
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
        lines.readouterr().out,
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

    said = lines.readouterr()
    assert len((said.out + said.err).splitlines()) == seen


def test_what_went_well_is_no_error(lines: pytest.CaptureFixture[str]) -> None:
    """dockerd calls an error what a plugin prints on standard error."""
    log.configure("debug")
    named = log.Log("test")
    for emit in (named.debug, named.info, named.warning, named.error):
        emit("something.happened")

    said = lines.readouterr()
    assert [line.split()[1] for line in said.out.splitlines()] == ["debug", "info"]
    assert [line.split()[1] for line in said.err.splitlines()] == ["warning", "error"]


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

    assert len(lines.readouterr().out.splitlines()) == 1


def test_no_value_controls_a_terminal(lines: pytest.CaptureFixture[str]) -> None:
    """A DHCP server tells its domain, and `journalctl` shows it as it is."""
    log.configure("info")
    log.Log("test").info("a", domain="\x1b[2Jx\x9b", name="Zürich")
    logging.getLogger("gunicorn.error").warning("of another\n2026 error forged")
    said = lines.readouterr()

    assert said.out.endswith(r"domain=\x1b[2Jx\x9b name=Zürich" + "\n")
    assert len(said.err.splitlines()) == 1


def test_configuring_again_does_not_double_the_lines(lines: pytest.CaptureFixture[str]) -> None:
    """The handlers are replaced."""
    log.configure("info")
    log.configure("info")
    log.Log("test").info("a")

    assert len(lines.readouterr().out.splitlines()) == 1


def test_no_thread_waits_for_the_reader() -> None:
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


def test_events_are_remembered_whatever_is_printed(
    lines: pytest.CaptureFixture[str],
) -> None:
    """With their fields; the least important are not."""
    recent = log.Recent(2)
    log.configure("error")
    logging.getLogger("pynet").addHandler(recent)
    named = log.Log("test")
    for number in range(3):
        named.info("something.happened", number=number, text="x" * 1000)
    named.debug("something.small")
    found = recent.after(0)

    assert lines.readouterr().out == ""
    assert [(each.number, each.fields["number"]) for each in found] == [(2, "1"), (3, "2")]
    assert found[0].level == "info"
    assert len(found[0].fields["text"]) == 500
    assert recent.after(3) == []


def test_the_next_event_is_waited_for(lines: pytest.CaptureFixture[str]) -> None:
    """It comes to the reader when it happens."""
    recent = log.Recent()
    log.configure("info")
    logging.getLogger("pynet").addHandler(recent)
    found: list[log.Event] = []
    reader = threading.Thread(target=lambda: found.extend(recent.after(0, 60)))
    reader.start()
    log.Log("test").warning("something.happened")
    reader.join(60)

    assert [each.name for each in found] == ["something.happened"]


def test_too_many_readers_are_answered_at_once() -> None:
    """Each that waits holds a thread."""
    recent = log.Recent()
    readers = [threading.Thread(target=recent.after, args=(0, 60)) for _ in range(8)]
    for each in readers:
        each.start()
    while recent.readers < len(readers):
        pass

    assert recent.after(0, 60) == []
    recent.emit(_a_record())
    for each in readers:
        each.join(60)


def _a_record() -> logging.LogRecord:
    record = logging.LogRecord("pynet", logging.INFO, "", 0, "x", None, None)
    record.event, record.fields = "something.happened", {}
    return record
