"""``pynet top``: what containers receive and send."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from plugin.cli.byte_counts import Counted, Sample
from plugin.cli.top import _drawn
from tests.unit.admin.behind import WEB, Life
from tests.unit.cli.conftest import Shell


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each second the container receives 1000 bytes and sends 10."""
    seconds = count(1)

    def sample(_: object) -> Sample:
        now = next(seconds)
        return Sample(
            at=float(now), endpoints={WEB.id: Counted(received=1000 * now, sent=10 * now)}
        )

    monkeypatch.setattr("plugin.cli.top.sample", sample)
    monkeypatch.setattr("time.sleep", lambda _: None)


def test_in_a_pipe(pynet: Shell) -> None:
    """One count, in whole bytes."""
    result = pynet("top")
    head, row = (line.split("\t") for line in result.output.splitlines())
    found = dict(zip(head, row, strict=True))

    assert result.exit_code == 0
    assert (found["received/s"], found["sent/s"]) == ("1000", "10")
    assert (found["received"], found["sent"]) == ("2000", "20")
    assert found["ports"] == "8080/tcp"


def test_as_json(pynet: Shell) -> None:
    """Every key is on the page."""
    (row,) = json.loads(pynet("top", "--json").output)
    page = (Path(__file__).parents[3] / "docs" / "reference" / "cli.md").read_text()

    assert row["received_per_second"] == 1000
    assert [key for key in row if f"`{key}`" not in page] == []


def test_on_a_terminal(pynet: Shell, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is drawn again and again, until q."""
    keys: Iterator[str] = iter(("", "s", "r", "q"))

    class Keys:
        def __enter__(self) -> object:
            return lambda _: next(keys)

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr("plugin.cli.top.is_terminal", lambda: True)
    monkeypatch.setattr("plugin.cli.top._keys", Keys)
    result = pynet("top")

    assert result.exit_code == 0
    assert list(keys) == []


@pytest.mark.parametrize(
    ("sort", "width", "columns"),
    [
        ("rate", 200, "received/s sent/s received sent dropped"),
        ("rate", 80, "received/s sent/s dropped"),
        ("total", 80, "received sent dropped"),
    ],
)
def test_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, sort: str, width: int, columns: str
) -> None:
    """It goes without amounts that it is not sorted by, and shows addresses whole."""
    from rich.console import Console  # noqa: PLC0415

    row = {
        "container": "web",
        "endpoint": WEB.id,
        "network": "1f0c",
        "network_name": "frontend",
        "addresses": ["10.208.10.20", "fd00:1::2"],
        "ports": ["8080/tcp"],
        "dropped": 3,
        **dict.fromkeys(("received", "sent", "received_per_second", "sent_per_second"), 4096),
    }
    monkeypatch.setenv("COLUMNS", str(width))
    console = Console(width=width)
    with console.capture() as captured:
        console.print(_drawn([row], sort))
    head, first, second, *_ = captured.get().splitlines()

    assert head.split()[-len(columns.split()) :] == columns.split()
    assert head.split()[-len(columns.split()) - 1] == "ports"
    assert "10.208.10.20" in first
    assert "fd00:1::2" in second


def test_without_a_plugin(tmp_path: Path) -> None:
    """One sentence."""
    result = Shell(tmp_path / "none.sock")("top")

    assert result.exit_code == 3
    assert "no pynet answers" in result.output
