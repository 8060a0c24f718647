"""Rules of nft, by what they decide."""

from typing import Any

import pytest

from plugin.trace import nft_json
from tests.unit.trace.rules import judged, of_nft, packet

YES, NO = True, False


def match(left: Any, right: Any, op: str = "==") -> dict[str, Any]:
    """A comparison."""
    return {"match": {"op": op, "left": left, "right": right}}


def meta(key: str) -> dict[str, Any]:
    return {"meta": {"key": key}}


def field(protocol: str, name: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": name}}


DADDR, DPORT = field("ip", "daddr"), field("tcp", "dport")
DROP: dict[str, Any] = {"drop": None}
PAIRS = {
    "set": {"name": "pairs", "type": ["ifname", "ifname"], "elem": [{"concat": ["eth0", "br0"]}]}
}
NETS = {"set": {"name": "nets", "type": "ipv4_addr", "flags": ["interval"],
                "elem": [{"prefix": {"addr": "10.1.0.0", "len": 24}}, {"range": ["10.9.0.1", "10.9.0.9"]}]}}  # fmt: skip
LINKS = {"set": {"name": "links", "type": "ifname", "elem": ["eth*"]}}
EMPTY = {"set": {"name": "empty", "type": "ifname"}}


@pytest.mark.parametrize(
    ("matches", "drops"),
    [
        ([match(DADDR, "10.1.0.2")], True),
        ([match(DADDR, "10.1.0.3", "!=")], True),
        ([match(field("ip6", "daddr"), "fd00::1", "!=")], False),  # there is no such field
        ([match(field("udp", "dport"), 80, "!=")], False),
        ([match(DADDR, {"prefix": {"addr": "10.0.0.0", "len": 8}})], True),
        ([match(DPORT, {"set": [22, {"range": [79, 81]}]})], True),
        ([match(DPORT, {"set": [22, 443]}, "!=")], True),
        ([match(DPORT, 1024, "<")], True),
        ([match(meta("iifname"), "eth*")], True),
        ([match(meta("iifname"), "@links")], True),
        ([match(meta("iifname"), "@empty")], False),
        ([match(meta("iifname"), "@empty", "!=")], True),
        ([match(DADDR, "@nets")], True),
        ([match(field("ip", "saddr"), "@nets")], False),
        ([match({"concat": [meta("iifname"), meta("oifname")]}, "@pairs")], True),
        ([match({"concat": [meta("oifname"), meta("iifname")]}, "@pairs")], False),
        ([match({"ct": {"key": "state"}}, ["established", "related"], "in")], False),
        ([match({"ct": {"key": "state"}}, "new", "in")], True),
        ([match({"ct": {"key": "status"}}, "dnat", "in")], False),
        ([match({"&": [meta("mark"), 0xFF]}, 0)], True),
        ([match(meta("l4proto"), {"set": ["tcp", "udp"]})], True),
        ([match(meta("l4proto"), 6)], True),
        ([match(meta("nfproto"), "ipv6")], False),
        ([match({"fib": {"result": "type", "flags": ["daddr"]}}, "local")], False),
        ([match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, NO)], False),
        ([match({"exthdr": {"name": "frag"}}, YES)], False),
        ([match(field("icmp", "type"), "echo-request")], False),
        ([{"counter": {"packets": 1, "bytes": 2}}, {"limit": {"rate": 1, "per": "second"}}], True),
    ],
)
def test_comparisons(matches: list[Any], *, drops: bool) -> None:
    """One rule that drops what it matches."""
    ruling = judged(of_nft([*matches, DROP], extra=(PAIRS, NETS, LINKS, EMPTY)), packet())

    assert (ruling.verdict, ruling.doubts) == ("drop" if drops else "accept", ())


@pytest.mark.parametrize(
    "statement",
    [
        match({"numgen": {"mode": "random", "mod": 2}}, 0),
        match(meta("hour"), "08:00"),
        match({"socket": {"key": "transparent"}}, 1),
        match(DADDR, "@unknown"),
        match({"payload": {"base": "th", "offset": 96, "len": 24}}, 7),
        {"xt": {"type": "match", "name": "string"}},
    ],
)
def test_what_is_not_understood(statement: Any) -> None:
    """Is told as a doubt, and never guessed."""
    ruling = judged(of_nft([statement, DROP]), packet())

    assert (ruling.verdict, [each.outcome for each in ruling.doubts]) == ("accept", ["drop"])


@pytest.mark.parametrize(("port", "verdict"), [(80, "drop"), (81, "accept")])
def test_verdict_maps(port: int, verdict: str) -> None:
    """A verdict for each value."""
    data = {"set": [[80, DROP], [{"range": [81, 90]}, {"accept": None}]]}
    ruling = judged(
        of_nft([{"vmap": {"key": DPORT, "data": data}}], policy="drop"), packet(dport=port)
    )

    assert ruling.verdict == verdict


def test_a_map_of_ports() -> None:
    """What an element of a map says is where the packet goes; without an element nothing happens."""
    ports = {"map": {"name": "ports", "type": ["inet_proto", "inet_service"],
                     "map": "ipv4_addr . inet_service",
                     "elem": [[{"concat": ["tcp", 80]}, {"concat": ["10.1.0.9", 8080]}]]}}  # fmt: skip
    key = {"concat": [meta("l4proto"), field("th", "dport")]}
    ruleset = of_nft(
        [{"dnat": {"family": "ip", "addr": {"map": {"key": key, "data": "@ports"}}}}],
        extra=(ports,),
    )
    found = judged(ruleset, packet()).translation

    assert found is not None
    assert (str(found.address), found.port) == ("10.1.0.9", 8080)
    assert judged(ruleset, packet(dport=81)).translation is None


def test_marks() -> None:
    """Are set, and seen by the next rule."""
    mark = {"mangle": {"key": meta("mark"), "value": {"|": [meta("mark"), 0x800]}}}
    asked = packet(mark=1)
    ruling = judged(of_nft([mark], [match(meta("mark"), 0x801), DROP]), asked)

    assert (ruling.verdict, asked.mark) == ("drop", 0x801)


def test_tables_of_iptables() -> None:
    """Are left to iptables-save, which shows their extensions; others of the same family are not."""
    listed = (
        '{"nftables": [{"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "type": "filter",'
        ' "hook": "forward", "prio": 0, "policy": "drop"}},'
        '{"chain": {"family": "ip", "table": "docker-bridges", "name": "x", "type": "filter",'
        ' "hook": "forward", "prio": "filter"}}]}'
    )
    found = {
        key: nft_json.is_of_iptables(key, table) for key, table in nft_json.tables(listed).items()
    }

    assert found == {("ip", "filter", False): True, ("ip", "docker-bridges", False): False}
