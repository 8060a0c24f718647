"""Rules of iptables, by what they decide."""

import pytest

from plugin.trace import iptables_save
from plugin.trace.judge import Judge
from plugin.trace.ruleset import Ruleset
from tests.unit.trace.rules import LOCAL, fib, judged, of_iptables, packet


@pytest.mark.parametrize(
    ("rule", "asked", "verdict"),
    [
        ("-j DROP", {}, "drop"),
        ("-s 198.51.100.0/24 -j DROP", {}, "drop"),
        ("! -s 198.51.100.0/24 -j DROP", {}, "accept"),
        ("-d 10.1.0.2/32 -p tcp -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable", {}, "reject"),
        ("-p tcp -m tcp --dport 81:90 -j DROP", {}, "accept"),
        ("-p tcp -m multiport --dports 22,80,443 -j DROP", {}, "drop"),
        ("-p udp -m udp --dport 80 -j DROP", {}, "accept"),
        ("-p udp -m udp --dport 80 -j DROP", {"protocol": "udp"}, "drop"),
        ("-i eth+ -o br0 -j DROP", {}, "drop"),
        ("! -i eth0 -o br0 -j DROP", {}, "accept"),
        ("-m conntrack --ctstate RELATED,ESTABLISHED -j DROP", {}, "accept"),
        ("-m conntrack --ctstate RELATED,ESTABLISHED -j DROP", {"state": "established"}, "drop"),
        ("-m conntrack --ctstate NEW -m limit --limit 3/min -j DROP", {}, "drop"),
        ("-m mark --mark 0x800/0x800 -j DROP", {}, "accept"),
        ("-m mark --mark 0x800/0x800 -j DROP", {"mark": 0x802}, "drop"),
        ("-m mark ! --mark 0x800/0x800 -j DROP", {"mark": 0x802}, "accept"),
        ("-m addrtype --dst-type LOCAL -j DROP", {}, "accept"),
        ("-m addrtype --dst-type LOCAL -j DROP", {"destination": LOCAL}, "drop"),
        ("-m addrtype ! --dst-type LOCAL -j DROP", {}, "drop"),
        ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", {}, "drop"),
        ("-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", {}, "accept"),
        ("-p icmp -m icmp --icmp-type 8 -j DROP", {"protocol": "icmp", "dport": None}, "drop"),
        ("-p icmp -m icmp --icmp-type 8 -j DROP", {}, "accept"),
        ("-m physdev --physdev-is-bridged -j LOG", {}, "accept"),
        ('-j LOG --log-prefix "[UFW BLOCK] "', {}, "accept"),
        ("-m pkttype --pkt-type broadcast -j DROP", {}, "accept"),
    ],
)  # fmt: skip
def test_rules(rule: str, asked: dict[str, object], verdict: str) -> None:
    """One rule, with a policy of ACCEPT behind it."""
    ruling = judged(of_iptables(f"-A FORWARD {rule}"), packet(**asked))

    assert (ruling.verdict, ruling.doubts) == (verdict, ())


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        (["-A FORWARD -j A", "-A A -j RETURN", "-A A -j DROP"], "accept"),
        (["-A FORWARD -j A", "-A A -j ACCEPT", "-A FORWARD -j DROP"], "accept"),
        (["-A FORWARD -j A", "-A A -i eth1 -j ACCEPT", "-A FORWARD -j DROP"], "drop"),
        (["-A FORWARD -g A", "-A A -i eth1 -j ACCEPT", "-A FORWARD -j DROP"], "accept"),
        (["-A FORWARD -j MARK --set-xmark 0x3/0xff", "-A FORWARD -m mark --mark 0x3 -j DROP"], "drop"),
    ],
)  # fmt: skip
def test_chains(rules: list[str], verdict: str) -> None:
    """Jumps come back, and gotos do not."""
    assert judged(of_iptables(*rules), packet()).verdict == verdict


@pytest.mark.parametrize(
    "match",
    [
        "-m statistic --mode random --probability 0.5",
        "-m recent --update --seconds 30 --name DEFAULT --rsource",
        "-m set --match-set blocked src",
        "-m connmark --mark 0x1",
        "-m owner --uid-owner 0",
        "-m time --timestart 08:00:00",
        "-d 10.1.0.2/33",  # of a comment with line breaks
    ],
)
def test_matches_that_are_not_understood(match: str) -> None:
    """Are told, with what they might do; never guessed."""
    ruling = judged(of_iptables(f"-A FORWARD {match} -j DROP"), packet())

    assert ruling.verdict == "accept"
    assert [(each.outcome, match in each.rule.text) for each in ruling.doubts] == [("drop", True)]


@pytest.mark.parametrize(
    "match", ["-m rt --rt-type 0", "-m rt ! --rt-type 1", "-m frag --fragmore"]
)
def test_headers_that_no_packet_has(match: str) -> None:
    """As in each rule set of ufw for IPv6."""
    asked = packet(source="fd00:2::7", destination="fd00:1::2")
    ruling = judged(of_iptables(f"-A FORWARD {match} -j DROP", version=6), asked)

    assert (ruling.verdict, ruling.doubts) == ("accept", ())


def test_a_target_that_is_not_understood() -> None:
    """Might do anything."""
    ruling = judged(of_iptables("-A FORWARD -j NFQUEUE --queue-num 1"), packet())

    assert [each.outcome for each in ruling.doubts] == ["nfqueue"]


def test_a_rule_that_does_nothing_is_no_doubt() -> None:
    """Whatever it matches."""
    ruling = judged(of_iptables("-A FORWARD -m recent --set --name x --rsource -j LOG"), packet())

    assert ruling.doubts == ()


def test_the_policy_decides_last() -> None:
    """And no rule is told then."""
    ruling = judged(of_iptables("-A FORWARD -i eth1 -j ACCEPT", policy="DROP"), packet())

    assert (ruling.verdict, ruling.rule) == ("drop", None)


def test_translations() -> None:
    """To another address and port, in the table nat, where it is at the kernel's place."""
    text = """*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:8080
-A POSTROUTING -s 10.1.0.0/24 ! -o br0 -j MASQUERADE
COMMIT
"""
    ruleset = Ruleset(tables=iptables_save.tables(text, 4))
    (before,) = ruleset.hooked(("ip",), "prerouting")
    (after,) = ruleset.hooked(("ip",), "postrouting")

    found = Judge(ruleset, fib).judge(before, packet(destination=LOCAL)).translation
    masked = Judge(ruleset, fib).judge(after, packet(source="10.1.0.2", oif="eth0")).translation

    assert (before.priority, after.priority, before.kind) == (-100, 100, "nat")
    assert found is not None
    assert (found.kind, str(found.address), found.port) == ("dnat", "172.17.0.2", 8080)
    assert masked is not None
    assert masked.kind == "masquerade"


def test_ipv6() -> None:
    """Prefixes and ports in brackets."""
    rule = "-A FORWARD -s fd00::/16 -d fd00:1::2/128 -p tcp -m tcp --dport 80 -j DROP"
    asked = packet(source="fd00:2::7", destination="fd00:1::2")

    assert judged(of_iptables(rule, version=6), asked).verdict == "drop"
    assert judged(of_iptables(rule, version=6), packet(source="fe80::1", destination="fd00:1::2")).verdict == "accept"  # fmt: skip


def test_a_comment_with_line_breaks() -> None:
    """iptables-save prints them as they are, and the rule is still one."""
    comment = '-A FORWARD -m comment --comment "of\nmine, \\"this\\" \n" -s 198.51.100.7/32 -j DROP'
    ruling = judged(of_iptables(comment, "-A FORWARD -j REJECT"), packet())

    assert (ruling.verdict, ruling.doubts) == ("drop", ())
    assert ruling.rule is not None
    assert ruling.rule.text == comment


def test_a_part_of_a_rule() -> None:
    """Is told, with what it might do."""
    torn = '-A FORWARD -m comment --comment "\n-A FORWARD -j ACCEPT'
    ruling = judged(of_iptables(torn, policy="DROP"), packet())

    assert [each.outcome for each in ruling.doubts] == ["anything"]
