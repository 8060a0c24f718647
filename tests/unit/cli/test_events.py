"""``pynet events``: what happened, and what happens."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.cli import events
from plugin.log import RECENT, Log
from tests.unit.cli.conftest import Shell


@pytest.fixture(autouse=True)
def remembered() -> Iterator[None]:
    """What is logged here is remembered, as in a plugin."""
    logger = logging.getLogger("pynet")
    before = logger.level
    logger.addHandler(RECENT)
    logger.setLevel(logging.INFO)
    yield
    logger.removeHandler(RECENT)
    logger.setLevel(before)


def test_what_happened(pynet: Shell) -> None:
    """The last events, one a line."""
    for number in range(3):
        Log("test").info("network.created", network=f"{number:012}", mode="bridge")
    Log("test").warning("drift.healed", network="none", text="two\nlines")
    result = pynet("events", "--once", "--last", "2")
    first, second = (line.split("\t") for line in result.output.splitlines())

    assert result.exit_code == 0
    assert first[1:] == ["info", "network.created", "network=000000000002  mode=bridge"]
    assert second[1:] == ["warning", "drift.healed", "network=none  text=two lines"]


def test_as_json(pynet: Shell) -> None:
    """One event a line; every key is on the page."""
    Log("test").info("network.created", network="0123", mode="bridge")
    (line,) = pynet("events", "--once", "--last", "1", "--json").output.splitlines()
    event = json.loads(line)
    page = (Path(__file__).parents[3] / "docs" / "reference" / "cli.md").read_text()

    assert event["fields"] == {"network": "0123", "mode": "bridge"}
    assert [key for key in event if f"`{key}`" not in page] == []


def test_it_goes_on(pynet: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens while it runs is shown, until it is interrupted."""
    said: list[str] = []

    def say(self: object, found: list[dict[str, str]]) -> None:
        said.extend(each["event"] for each in found)
        if "two" in said:
            raise KeyboardInterrupt
        Log("test").info("one" if not said or said[-1] != "one" else "two")

    monkeypatch.setattr(events.Speaker, "say", say)
    result = pynet("events", "--last", "0")

    assert result.exit_code == 0
    assert said == ["one", "two"]


def test_without_a_plugin(tmp_path: Path) -> None:
    """One sentence."""
    result = Shell(tmp_path / "none.sock")("events")

    assert result.exit_code == 3
    assert "no pynet answers" in result.output
