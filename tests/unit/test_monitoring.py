"""The board and the alert rules for Prometheus ask for metrics that are there."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "packaging/monitoring"
RULES = MONITORING / "alerts.yml"
NAME = re.compile(r"\bpynet_[a-z_]+")
NEEDS_PROMTOOL = pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool")


def board_queries() -> list[str]:
    board = json.loads((MONITORING / "grafana.json").read_text())
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def rule_queries() -> list[str]:
    return re.findall(r"^ +expr: (.*)$", RULES.read_text(), re.MULTILINE)


@pytest.mark.parametrize("query", [*board_queries(), *rule_queries()])
def test_every_metric_is_documented(query: str) -> None:
    """A metric that was renamed would leave a panel empty, and an alert silent for ever."""
    table = (ROOT / "docs/reference/cli.md").read_text()
    documented = set(NAME.findall(table))

    for name in NAME.findall(query):
        base = re.sub(r"_(bucket|count|sum)$", "", name)
        assert base in documented or name in documented


def test_there_is_a_board_and_there_are_rules() -> None:
    """Neither pattern above has stopped finding them."""
    assert len(board_queries()) >= 12
    assert len(rule_queries()) >= 8


@NEEDS_PROMTOOL
@pytest.mark.parametrize("verb", [("check", "alerts.yml"), ("test", "alerts.test.yml")])
def test_promtool_agrees(verb: tuple[str, str]) -> None:
    """Rules are well formed, and fire when they should."""
    done = subprocess.run(
        ["promtool", verb[0], "rules", verb[1]],
        cwd=MONITORING,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
