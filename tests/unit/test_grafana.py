"""The board for Grafana is of the form that Grafana's own types have."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

BOARD: Final = Path(__file__).parents[2] / "packaging/monitoring/grafana.json"


@pytest.fixture
def board() -> dict[str, Any]:
    """As it is imported."""
    register_default_plugins()  # the options of each kind of panel, and Prometheus' queries
    found: dict[str, Any] = json.loads(BOARD.read_text())
    return found


def read(board: dict[str, Any]) -> dict[str, Any]:
    """What is left of a board that was read into the types and written again."""
    found: dict[str, Any] = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    return found


def lost(given: Any, left: Any, path: str = "") -> Iterator[str]:
    """Where something is not there any more, or is another."""
    if isinstance(given, dict):
        for name, value in given.items():
            if name in left:
                yield from lost(value, left[name], f"{path}/{name}")
            else:
                yield f"{path}/{name}"
    elif isinstance(given, list):
        for number, (one, other) in enumerate(zip(given, left, strict=True)):
            yield from lost(one, other, f"{path}/{number}")
    elif given != left:
        yield path


def test_grafana_knows_all_that_is_in_it(board: dict[str, Any]) -> None:
    """What it does not know it leaves out without a word, such as an option of a panel."""
    assert list(lost(board, read(board))) == []


def test_a_word_that_it_does_not_know_is_found(board: dict[str, Any]) -> None:
    """In a panel's options and in a query."""
    panel = board["panels"][0]
    panel["options"]["colourMode"] = panel["targets"][0]["expression"] = "value"

    assert sorted(lost(board, read(board))) == [
        "/panels/0/options/colourMode",
        "/panels/0/targets/0/expression",
    ]


def test_panels_do_not_cover_each_other(board: dict[str, Any]) -> None:
    """On a grid of 24 columns."""
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + right, place["y"] + down)
            for right in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken
        taken |= cells
