"""``pynet drops``: what was dropped, why, and what to do."""

import json

from plugin.firewall.drop_reasons import REASONS
from plugin.model.ids import port_name
from plugin.telemetry import DROPPED
from tests.unit.admin.behind import BLUE, WEB, Life
from tests.unit.cli.conftest import Shell


def test_nothing(pynet: Shell, life: Life) -> None:
    """The ordinary case."""
    life.rig.firewall.drops = dict.fromkeys(REASONS, 0)

    assert pynet("drops").output == "nothing was dropped since pynet's tables were made\n"
    assert len(pynet("drops", "--all").output.splitlines()) == len(REASONS) + 1


def test_the_most_frequent_first(pynet: Shell, life: Life) -> None:
    """With the container whose frames the guards dropped."""
    life.rig.firewall.drops = {"icc": 2, "address": 30, "mac": 0}
    life.rig.firewall.counts = {port_name(WEB.id): 30}
    head, *rows = pynet("drops").output.splitlines()

    assert head == "packets\treason\twhat\tremedy"
    assert [row.split("\t")[:2] for row in rows[:2]] == [["30", "address"], ["2", "icc"]]
    assert rows[-1] == f"30\t{BLUE.id[:12]}\t-\t{WEB.id[:12]}\t10.1.0.2,fd00:1::2"


def test_as_json(pynet: Shell, life: Life) -> None:
    """For programs."""
    life.rig.firewall.drops = {"icc": 2}
    found = json.loads(pynet("drops", "--json").output)

    assert found["guarded"] == []
    assert found["reasons"][0].keys() == {"reason", "packets", "what", "remedy"}


def test_in_the_status(pynet: Shell) -> None:
    """And among the metrics, by the same reading."""
    before = DROPPED.read
    DROPPED.read = lambda: {"icc": 2, "mac": 0, "address": 30}
    try:
        output = pynet("status").output
        (family,) = DROPPED.collect()
    finally:
        DROPPED.read = before

    assert "dropped\t32 packets: 30 address, 2 icc (pynet drops)\n" in output
    assert {s.labels["reason"]: s.value for s in family.samples} == {
        "icc": 2,
        "mac": 0,
        "address": 30,
    }
