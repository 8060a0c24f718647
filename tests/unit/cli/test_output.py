"""Tables for people at 80 columns, whole lines for programs."""

import json

import pytest

from plugin.cli import output, show
from plugin.cli.commands import _Failure
from tests.unit.admin.behind import ROW, Life
from tests.unit.cli.conftest import Shell

LONG = "a reason that is longer than any line of a terminal has room for, with words of its own"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads, on a terminal of 80 columns."""
    for module in (output, show):
        monkeypatch.setattr(module, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("command", ["status", "networks", "ports", "pools", "check"])
def test_nothing_is_wider_than_a_terminal(pynet: Shell, life: Life, command: str) -> None:
    """Long values go on below themselves."""
    life.health.degrade("networks", LONG, LONG)
    life.maintenance().wrong = [{**ROW, "which": "fd00:1:2:3:4:5:6:7/64 " * 4}]
    lines = pynet(command, COLUMNS="80").output.splitlines()

    assert lines
    assert max(map(len, lines)) <= 80


def test_what_is_left_out_of_a_narrow_terminal() -> None:
    """Spare columns, the first one first, and no more of them than needed."""
    columns, rows = ("name", "left", "right", "empty"), [["web", "1" * 10, "2\n" + "2" * 10, ""]]

    def kept(width: int) -> list[str]:
        return [columns[n] for n in output.fitting(columns, rows, width, (("right",), ("left",)))]

    assert kept(28) == ["name", "left", "right"]
    assert kept(27) == ["name", "left"]
    assert kept(15) == ["name"]
    assert kept(3) == ["name"]


@pytest.mark.usefixtures("terminal")
def test_a_container_is_below_its_network(pynet: Shell) -> None:
    """As people read it."""
    head, *rows = pynet("networks", COLUMNS="80").output.splitlines()

    assert head.split() == ["network", "id", "mode", "addresses", "state", "ports"]
    assert "bridge" in rows[0]
    assert "10.1.0.2/24" in rows[2]


@pytest.mark.parametrize("command", ["networks", "ports", "pools"])
def test_a_pipe_has_the_same_number_of_fields_in_each_line(pynet: Shell, command: str) -> None:
    """For cut and awk, however narrow the terminal is."""
    narrow = pynet(command, COLUMNS="20").output
    lines = narrow.splitlines()

    assert narrow == pynet(command, COLUMNS="200").output
    assert {line.count("\t") for line in lines} == {lines[0].count("\t")}
    assert all(field for line in lines for field in line.split("\t"))


def test_brackets_are_text(pynet: Shell, life: Life) -> None:
    """The kernel's words often have them, and addresses of IPv6."""
    life.health.degrade("networks", "Bind for [fd00::2]:80 failed: [Errno 98] in use", "wait")

    assert "Bind for [fd00::2]:80 failed: [Errno 98] in use" in pynet("status").output
    assert "[fd00:1::2]:80" in pynet("ports").output


HOSTILE = "net\x1b[2Jwork\nsecond\tthird\x9b1m\u202e"


@pytest.mark.parametrize("on_terminal", [True, False])
def test_no_text_controls_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, on_terminal: bool
) -> None:
    """Names of networks, processes and files come from others than who reads them."""
    monkeypatch.setattr(output, "is_terminal", lambda: on_terminal)
    output.show_rows(("a", "b"), [(HOSTILE, [HOSTILE, "x"])])
    output.show_fields([("cause", HOSTILE)])
    said = capsys.readouterr().out

    assert not {c for c in said if not c.isprintable()} - {"\n", "\t"}
    assert "net?[2Jwork second third?1m?" in said


def test_json_is_whole_and_controls_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A program reads the text as it was."""
    output.show_json({"name": HOSTILE, "word": "Zürich"})
    said = capsys.readouterr().out

    assert all(line.isprintable() for line in said.splitlines())
    assert "Zürich" in said
    assert json.loads(said)["name"] == HOSTILE


def test_an_error_is_one_line(pynet: Shell) -> None:
    """It has what the user typed, or a file's name."""
    said = pynet("logs", "--file", "/nowhere/\x1b[2J\nError: other").output

    assert "Error: /nowhere/?[2J Error: other cannot be read" in said


def test_an_error_is_wrapped_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Between words; elsewhere it stays one line, for programs."""
    monkeypatch.setenv("COLUMNS", "80")
    failure = _Failure(LONG)
    failure.show()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    one_line, *_ = capsys.readouterr().err.splitlines()
    failure.show()
    lines = capsys.readouterr().err.splitlines()

    assert one_line == f"Error: {LONG}"
    assert max(map(len, lines)) <= 80
    assert " ".join(map(str.strip, lines)) == one_line
