"""What a trace says of rules that are not pynet's: the user's, in iptables and nft, and Docker's policy."""

from collections.abc import Iterator

import pytest

from plugin.trace.packet import Verdict
from tests.kernel.site import HOST4, OUTSIDE4, Site
from tests.kernel.tracing import course, two


@pytest.fixture
def plain() -> Iterator[Site]:
    """A host with Docker's chains, and br_netfilter."""
    made = Site(br_netfilter=True, docker=True)
    with made.host.entered():
        yield made
        made.close()


def test_a_rule_of_the_users(plain: Site) -> None:
    """The rule is shown as the user wrote it."""
    who, _ = two(plain)
    rule = (
        f'-s {OUTSIDE4}/32 -p tcp -m tcp --dport 80 -m comment --comment "not from there" -j DROP'
    )
    words = rule.replace('"not from there"', "not-from-there").split()
    plain.host.run("iptables", "-I", "DOCKER-USER", *words)

    found = course(plain, who, (HOST4, 8080), by=OUTSIDE4)

    assert found.verdict is Verdict.DROPPED
    assert found.hops[-1].what == "dropped by chain DOCKER-USER of iptables' table filter"
    assert found.hops[-1].rule.startswith(f"-A DOCKER-USER -s {OUTSIDE4}/32 -p tcp")
    assert "the rule is yours" in found.hops[-1].remedy


def test_a_native_rule_of_the_users(plain: Site) -> None:
    """As nft shows it."""
    who, _ = two(plain)
    plain.host.run(
        "nft",
        "add table inet mine; add chain inet mine f { type filter hook forward priority 5; }; "
        "add rule inet mine f ct state vmap { established : accept, new : continue }; "
        "add rule inet mine f ip daddr 10.1.0.0/24 tcp dport { 22, 79-81 } reject with tcp reset",
    )

    found = course(plain, who, (HOST4, 8080), by=OUTSIDE4)

    assert found.verdict is Verdict.REFUSED
    assert found.hops[-1].what == "refused by chain f of table inet mine"
    assert "ip daddr 10.1.0.0/24 tcp dport { 22, 79-81 }" in found.hops[-1].rule


@pytest.mark.parametrize("verdict", ["DROP", "ACCEPT"])
def test_a_rule_that_cannot_be_read(plain: Site, verdict: str) -> None:
    """Only if it might decide otherwise."""
    who, _ = two(plain)
    unread = ("-m", "statistic", "--mode", "random", "--probability", "0.5", "-j", verdict)
    plain.host.run("iptables", "-I", "DOCKER-USER", *unread)

    found = course(plain, who, (HOST4, 8080), by=OUTSIDE4)

    if verdict == "ACCEPT":
        assert found.verdict is Verdict.REACHED
    else:
        assert found.verdict is Verdict.UNKNOWN
        assert "--mode random" in found.doubts[0]


def test_a_rule_that_cannot_be_read_before_a_refusal(plain: Site) -> None:
    """It might have dropped what nothing listens for."""
    who, _ = two(plain)
    unread = ("-m", "statistic", "--mode", "random", "--probability", "0.5", "-j", "DROP")
    plain.host.run("iptables", "-I", "INPUT", *unread)

    assert course(plain, who, (HOST4, 7777)).verdict is Verdict.UNKNOWN


def test_a_policy_without_our_rules(plain: Site) -> None:
    """Docker's policy of DROP decides where pynet's rule in its chain is gone."""
    who, _ = two(plain)
    for chain in ("DOCKER-USER", "FORWARD"):
        plain.host.run("iptables", "-F", chain)

    found = course(plain, who, (HOST4, 8080), by=OUTSIDE4)

    assert found.verdict is Verdict.DROPPED
    assert found.hops[-1].what == "dropped by the policy of chain FORWARD of iptables' table filter"
    assert "pynet repair" in found.hops[-1].remedy
