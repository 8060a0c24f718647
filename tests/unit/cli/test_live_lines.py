"""nft's trace as people read it: each packet once, with the rules that did something with it."""

import pytest

from plugin.cli import output
from plugin.cli.live_lines import drawn

HEAD = "ether saddr 02:00:00:00:00:c8 ether daddr 02:00:00:00:00:01 ip saddr 10.9.0.2 ip daddr 10.9.0.1 ip ttl 64 ip protocol tcp tcp sport 379 tcp dport 80 tcp flags == syn tcp window 64240"
LINES = (
    f'trace id 9a21 inet pynet_trace_17 prerouting packet: iif "eth0" {HEAD}',
    "trace id 9a21 inet pynet_trace_17 prerouting unknown rule handle 3 (verdict continue)",
    "trace id 9a21 inet pynet_trace_17 prerouting policy accept",
    f'trace id 9a21 ip filter FORWARD packet: iif "eth0" oif "pnb-1" {HEAD}',
    "trace id 9a21 ip filter FORWARD rule counter packets 13 bytes 991 jump DOCKER-USER (verdict jump DOCKER-USER)",
    "trace id 9a21 inet pynet pn_translate rule dnat ip to th dport map @pn_ports4 (verdict accept)",
    "trace id 9a21 inet pynet pn_mark rule meta mark set 0x1 (verdict continue)",
    "trace id 9a21 ip filter FORWARD policy drop",
)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(output, "is_terminal", lambda: True)


def test_a_packet_and_its_rules() -> None:
    """Neither the tables that mark it, nor its bytes in each chain, nor policies that accept."""
    assert list(drawn(LINES)) == [
        "10.9.0.2:379 → 10.9.0.1:80 from eth0 (syn)",
        "  ip filter FORWARD: counter jump DOCKER-USER",
        "  inet pynet pn_translate: dnat ip to th dport map @pn_ports4: accept",
        "  inet pynet pn_mark: meta mark set 0x1",
        "  ip filter FORWARD: policy drop",
    ]


def test_other_packets() -> None:
    """By IPv6, of the host itself, without ports; and a kind of line that is not known."""
    lines = [
        'trace id 1 inet pynet_trace_17 output packet: oif "eth0" ip6 saddr fd00::1 ip6 daddr fd00::2 udp sport 5 udp dport 53',
        'trace id 2 inet pynet_trace_17 output packet: iif "lo" ip saddr 10.0.0.1 ip daddr 10.0.0.2 icmp type echo-request',
        'trace id 3 inet pynet_trace_17 prerouting packet: iif "eth0" arp operation request',
        "something \x1b[31melse",
    ]

    assert list(drawn(lines)) == [
        "[fd00::1]:5 → [fd00::2]:53 by eth0",
        "10.0.0.1 → 10.0.0.2 from lo",
        'iif "eth0" arp operation request from eth0',
        "something ?[31melse",
    ]


def test_nothing_is_wider_than_a_terminal() -> None:
    """A long rule goes on below itself."""
    long = "trace id 1 inet pynet pn_in rule " + "ip saddr 10.0.0.0/24 " * 9 + "drop (verdict drop)"

    assert max(map(len, drawn([long]))) <= 80
