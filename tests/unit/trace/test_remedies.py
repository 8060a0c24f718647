"""What is said of a rule that drops, by whose it is; the rules are as their programs write them."""

from dataclasses import replace

import pytest

from plugin.trace.judge import Ruling
from plugin.trace.remedies import remedy_of, what_of
from tests.unit.trace.rules import judged, of_iptables, of_nft, packet

# ufw 0.36, with its defaults: nothing comes in or is forwarded.
UFW = (
    "-A FORWARD -j ufw-before-logging-forward",
    "-A FORWARD -j ufw-before-forward",
    "-A FORWARD -j ufw-after-forward",
    "-A FORWARD -j ufw-reject-forward",
    '-A ufw-before-logging-forward -m conntrack --ctstate NEW -m limit --limit 3/min -j LOG --log-prefix "[UFW] "',
    "-A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A ufw-before-forward -p icmp -m icmp --icmp-type 8 -j ACCEPT",
    "-A ufw-before-forward -j ufw-user-forward",
    "-A ufw-user-forward -p tcp -d 10.1.0.2/32 -m tcp --dport 22 -j ACCEPT",
    "-A ufw-after-forward -m addrtype --dst-type BROADCAST -j RETURN",
    "-A ufw-reject-forward -j REJECT --reject-with icmp-port-unreachable",
)
DOCKER = (
    "-A FORWARD -j DOCKER-USER",
    "-A FORWARD -j DOCKER-FORWARD",
    "-A DOCKER-FORWARD -j DOCKER-CT",
    "-A DOCKER-FORWARD -j DOCKER-BRIDGE",
    "-A DOCKER-CT -o br0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A DOCKER-BRIDGE -o br0 -j DOCKER",
    "-A DOCKER -d 10.1.0.2/32 ! -i br0 -o br0 -p tcp -m tcp --dport 8080 -j ACCEPT",
    "-A DOCKER ! -i br0 -o br0 -j DROP",
    "-A DOCKER-USER -i eth9 -j RETURN",
)


@pytest.mark.parametrize(
    ("rules", "verdict", "rule", "words"),
    [
        (UFW, "reject", "-A ufw-reject-forward -j REJECT", "ufw route allow"),
        (DOCKER, "drop", "-A DOCKER ! -i br0 -o br0 -j DROP", "publish the port there"),
        (("-A FORWARD -j DOCKER-USER", "-A DOCKER-USER -s 198.51.100.7/32 -j DROP"), "drop", "-s 198.51.100.7", "the rule is yours"),
        (("-A FORWARD -o br0 -j DROP",), "drop", "-o br0", "another program"),
    ],
    ids=["ufw", "docker", "docker-user", "other"],
)  # fmt: skip
def test_of_others(rules: tuple[str, ...], verdict: str, rule: str, words: str) -> None:
    """The rule is told, and who can change it."""
    ruling = judged(of_iptables(*rules), packet())

    assert (ruling.verdict, ruling.doubts) == (verdict, ())
    assert ruling.rule is not None
    assert rule in ruling.rule.text
    assert words in remedy_of(ruling)
    assert what_of(ruling) == ""


@pytest.mark.parametrize(
    ("rules", "asked"),
    [
        (UFW, {"dport": 22}),
        (UFW, {"protocol": "icmp", "dport": None}),
        (UFW, {"state": "established"}),
        (DOCKER, {"dport": 8080}),
        (DOCKER, {"state": "established"}),
    ],
)
def test_what_they_let_pass(rules: tuple[str, ...], asked: dict[str, object]) -> None:
    """The same rules accept what they are there for."""
    assert judged(of_iptables(*rules), packet(**asked)).verdict == "accept"


def test_of_a_policy() -> None:
    """No rule is told: one is missing."""
    ruling = judged(of_iptables("-A FORWARD -i eth9 -j ACCEPT", policy="DROP"), packet())

    assert "pynet repair" in remedy_of(ruling)


def test_of_pynet() -> None:
    """By the counter of the rule."""
    own = _in_table("pynet", [{"counter": "pn_drop_icc"}, {"drop": None}])

    assert "icc_allow" in remedy_of(own)
    assert "icc=false" in what_of(own)


def test_of_firewalld() -> None:
    """firewalld 1.3 rejects in its own table what comes in by a link in no zone."""
    own = _in_table("firewalld", [{"reject": {"type": "icmpx", "expr": "admin-prohibited"}}])

    assert own.verdict == "reject"
    assert "firewall-cmd" in remedy_of(own)


def _in_table(name: str, rule: list[object]) -> Ruling:
    ruling = judged(of_nft(rule), packet())
    return replace(ruling, chain=replace(ruling.chain, table=name))
