"""How far one trace follows rules."""

from typing import Any

import pytest

from plugin.errors import HostError
from plugin.trace import judge
from tests.unit.trace.rules import judged, of_iptables, of_nft, packet

DEPTH = 10
RANGES = [{"range": [f"10.7.{n // 256}.{n % 256}"] * 2} for n in range(2000)]
ASKED = {"payload": {"protocol": "ip", "field": "daddr"}}
FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}


def is_in(asked: Any, elements: Any) -> list[Any]:
    """A rule of nft's that drops what is in there."""
    return [{"match": {"op": "==", "left": asked, "right": elements}}, {"drop": None}]


def test_few_rules_that_are_a_long_way() -> None:
    """A container may have chains that each jump to the next several times."""
    jumps = ["-A FORWARD -j C0"] * 6
    for number in range(DEPTH):
        jumps += [f"-A C{number} -j C{number + 1}"] * 6
    last = f"-A C{DEPTH} -j RETURN"

    with pytest.raises(HostError, match="more than a trace reads"):
        judged(of_iptables(*jumps, last), packet())


def test_many_rules() -> None:
    """As a large host has them."""
    rules = [f"-A FORWARD -s 10.7.{n // 256}.{n % 256}/32 -j DROP" for n in range(20_000)]

    assert judged(of_iptables(*rules, "-A FORWARD -j REJECT"), packet()).verdict == "reject"


@pytest.mark.parametrize(
    "rule",
    [
        is_in(ASKED, {"set": RANGES}),
        is_in(ASKED, "@named"),
        is_in({"concat": [ASKED, {"meta": {"key": "skuid"}}]}, "@pairs"),
        is_in(FLAGS, {"set": [str(n) for n in range(2000)]}),
        [{"vmap": {"key": ASKED, "data": {"set": [[each, {"drop": None}] for each in RANGES]}}}],
    ],
    ids=["in its own set", "in a named set", "in part unknown", "flags", "in its own map"],
)
def test_few_rules_with_large_sets(rule: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may have any of those, too."""
    monkeypatch.setattr(judge, "_MOST_RULES", 1000)
    pairs = [{"concat": [f"10.7.{n // 256}.{n % 256}", n]} for n in range(2000)]
    sets = ({"set": {"name": "named", "elem": RANGES}}, {"set": {"name": "pairs", "elem": pairs}})

    with pytest.raises(HostError, match="more than a trace reads"):
        judged(of_nft(*[rule] * 10, extra=sets), packet())


def test_a_large_set() -> None:
    """As a list of addresses that nobody wants."""
    named = {"set": {"name": "named", "elem": RANGES * 25}}
    rules = [is_in(ASKED, "@named")] * 3

    assert judged(of_nft(*rules, [{"reject": None}], extra=(named,)), packet()).verdict == "reject"


def test_a_mark_has_32_bits() -> None:
    """What is shifted out of it is gone."""
    high = {"<<": [{"meta": {"key": "mark"}}, 31]}
    doubled = [{"mangle": {"key": {"meta": {"key": "mark"}}, "value": high}}]
    none = [{"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 0}}, {"drop": None}]

    assert judged(of_nft(doubled, none), packet(mark=2)).verdict == "drop"
