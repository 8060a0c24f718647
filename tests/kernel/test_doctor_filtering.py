"""What the doctor says of rules that other programs and people have."""

import re
import socket

import pytest

from tests.kernel.doctored import ADDRESS, BRIDGE, SITE, WEB, Doctored, the
from tests.kernel.netns import Netns, wait_until


def test_d07_two_kinds_of_iptables(doctored: Doctored) -> None:
    """Rules of both are in force, and each shows its own alone."""
    try:
        doctored.netns.run("iptables-legacy", "-N", "OLD")
    except AssertionError:
        pytest.skip("this kernel has no iptables-legacy")

    assert "rules of iptables-legacy (IPv4) are in force" in the(doctored.finds("D07")).cause


def test_d08_rules_are_flushed_often(doctored: Doctored) -> None:
    """More often than by a person."""
    doctored.plugin["/v1/status"]["repaired"]["rules_last_hour"] = 4

    assert "removed pynet's rules 4 times within an hour" in the(doctored.finds("D08")).cause


def test_d09_forward_is_closed(doctored: Doctored) -> None:
    """A policy of DROP without the rule that accepts what pynet passed."""
    doctored.netns.run("iptables", "-P", "FORWARD", "DROP")
    found = the(doctored.finds("D09"))
    doctored.netns.run(
        *("iptables", "-A", "FORWARD", "-m", "mark", "--mark", "0x800/0x800", "-j", "ACCEPT")
    )

    assert "the policy of FORWARD is DROP (IPv4)" in found.cause
    assert doctored.finds("D09") == []


@pytest.mark.parametrize("filtered", [True, False])
def test_d16_a_chain_that_is_closed(doctored: Doctored, filtered: bool) -> None:
    """The user's own table; and whether neighbours meet it, too."""
    doctored.netns.sysctl("net/bridge/bridge-nf-call-iptables", int(filtered))
    doctored.netns.run(
        "nft",
        "add table inet filter; add chain inet filter mine { type filter hook forward priority 0; policy drop; }; "
        "add rule inet filter mine ct state established,related accept; "
        "add rule inet filter mine tcp dport 22 accept",
    )
    found = the(doctored.finds("D16"))
    doctored.netns.run("sh", "-c", found.remedy.partition("run: ")[2].partition(", and put")[0])

    assert "chain mine of table inet filter has the policy drop" in found.cause
    assert ("between containers of one network" in found.cause) is filtered
    assert doctored.finds("D16") == []


@pytest.mark.parametrize(
    "rule",
    [
        "iifname eth1 accept",
        "ip saddr 10.0.0.0/8 accept",
        "counter accept",
        "iifname pnb* jump mine_too",
    ],
)
def test_d16_what_may_accept(doctored: Doctored, rule: str) -> None:
    """Whether it does, a trace tells."""
    doctored.netns.run(
        "nft",
        "add table ip mine; add chain ip mine mine_too; "
        "add chain ip mine f { type filter hook forward priority 0; policy drop; }; "
        f"add rule ip mine f {rule}",
    )

    assert doctored.finds("D16") == []


@pytest.mark.parametrize("ufw", [True, False])
def test_d10_the_host_is_closed(doctored: Doctored, ufw: bool) -> None:
    """By ufw, which has chains of its own, or by a policy; silent where a rule accepts the link."""
    doctored.netns.run("iptables", "-P", "INPUT", "DROP")
    if ufw:
        doctored.netns.run("iptables", "-N", "ufw-user-input")
    found = the(doctored.finds("D10"))
    doctored.netns.run("iptables", "-A", "INPUT", "-i", BRIDGE, "-j", "ACCEPT")

    assert found.hint
    assert "network web ask of this host" in found.cause
    assert (f"ufw allow in on {BRIDGE}" in found.remedy) is ufw
    assert doctored.finds("D10") == []


def test_d12_a_rule_of_the_users(doctored: Doctored) -> None:
    """One that has dropped packets and may be about the network; others are not named."""
    netns = doctored.netns
    for rule in (
        "-N DOCKER-USER",
        "-A FORWARD -j DOCKER-USER",
        "-A DOCKER-USER -s 10.1.0.0/16 -j DROP",
        "-A DOCKER-USER -i eth9 -j DROP",
        "-A DOCKER-USER -s 172.30.0.0/16 -j DROP",
    ):
        netns.run("iptables", *rule.split())
    before = doctored.finds("D12")
    inside = Netns()
    netns.ip(
        f"link add port type veth peer name eth0 netns {inside.path}",
        f"link set port master {BRIDGE} up",
    )
    inside.ip(
        f"address add {ADDRESS}/24 dev eth0", "link set eth0 up", "route add default via 10.1.0.1"
    )
    netns.wait_for_carrier("port")

    def is_found() -> bool:
        """It is sent once its next hop has answered, and none may be there yet."""
        with inside.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            mouth.sendto(b"word", ("192.0.2.9", 7))
        return bool(doctored.finds("D12"))

    wait_until(is_found, "no packet was dropped")
    found = the(doctored.finds("D12"))
    inside.close()

    assert before == []
    rule = r"rule 1 of DOCKER-USER \(IPv4\) has dropped \d+ packets: -s 10\.1\.0\.0/16"
    assert re.search(rule, found.cause)
    assert found.about == ("web",)


def test_d26_guards_drop_frames(doctored: Doctored) -> None:
    """By the container's name."""
    doctored.plugin["/v1/drops"]["guarded"] = [
        {"network": WEB, "endpoint": SITE, "addresses": [ADDRESS], "packets": 14}
    ]
    found = the(doctored.finds("D26"))

    assert "14 frames of container site were dropped within the last hour" in found.cause
    assert "name=web,driver-opt=spoof_guard=false" in found.remedy


def test_d12_words_of_a_comment(doctored: Doctored) -> None:
    """They are no addresses, and drop nothing; a mask may have gaps."""
    comment = ("-m", "comment", "--comment", '-s nothing -j DROP of "all"')
    doctored.netns.run("iptables", "-A", "FORWARD", *comment, "-j", "ACCEPT")
    doctored.netns.run("iptables", "-A", "FORWARD", *comment, "-j", "DROP")
    doctored.netns.run("iptables", "-A", "FORWARD", "-s", "10.0.0.1/255.0.0.255", "-j", "DROP")

    accept, drop, gaps = doctored.host().filter_table(4).of("FORWARD")
    assert [each.drops for each in (accept, drop, gaps)] == [False, True, True]
    assert accept.prefixes == drop.prefixes == ()
    assert gaps.prefixes == ("10.0.0.1/255.0.0.255",)
    assert doctored.finds("D12") == []
