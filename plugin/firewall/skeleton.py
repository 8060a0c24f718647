"""The constant part of our table: chains that look everything up in sets and maps.

Names carry the prefix ``pn_``: ``fwd``, ``mark``, ``dnat`` and others are words of nft.
Priorities are one before (or after, for the source) those of Docker's chains, so that
which of the two translates a packet does not depend on who came first.

A packet that Docker's FORWARD policy would drop cannot be saved from another table
(an accept ends only its own chain, a drop is final), so what passes here gets a mark that
one rule in Docker's own chain accepts.
"""

from typing import Final

TABLE: Final = "pynet"
FAMILY: Final = "inet"

SETS: Final = {
    "pn_bridges": "type ifname",  # bridges of all networks
    "pn_same": "type ifname . ifname",  # a bridge with itself: traffic inside one network
    "pn_internal": "type ifname",  # bridges of --internal networks
    "pn_subnets4": "type ipv4_addr; flags interval",
    "pn_subnets6": "type ipv6_addr; flags interval",
    "pn_masquerade4": "type ipv4_addr; flags interval",
    "pn_masquerade6": "type ipv6_addr; flags interval",
}
MAPS: Final = {  # published on any address, and on one address
    "pn_ports4": "type inet_proto . inet_service : ipv4_addr . inet_service",
    "pn_host_ports4": "type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
    "pn_ports6": "type inet_proto . inet_service : ipv6_addr . inet_service",
    "pn_host_ports6": "type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service",
}

_CHAINS: Final = {
    # 127.0.0.0/8 shall not come in from outside (RFC 1122 section 3.2.1.3): route_localnet
    # on a bridge would let a container reach the host's loopback, and a port published on
    # 127.0.0.1 would be translated for a neighbour on the LAN.
    "pn_raw": """
        type filter hook prerouting priority -300; policy accept;
        iifname != "lo" ip daddr 127.0.0.0/8 drop
    """,
    "pn_translate": """
        ip6 saddr fe80::/10 return
        dnat ip to ip daddr . meta l4proto . th dport map @pn_host_ports4
        dnat ip to meta l4proto . th dport map @pn_ports4
        dnat ip6 to ip6 daddr . meta l4proto . th dport map @pn_host_ports6
        dnat ip6 to meta l4proto . th dport map @pn_ports6
    """,
    "pn_prerouting": """
        type nat hook prerouting priority -101; policy accept;
        fib daddr type local jump pn_translate
    """,
    # ::1 has no route_localnet: a translated packet from it would never find its way out.
    "pn_output": """
        type nat hook output priority -101; policy accept;
        ip6 daddr ::1 return
        fib daddr type local jump pn_translate
    """,
    "pn_postrouting": """
        type nat hook postrouting priority 99; policy accept;
        ip daddr 224.0.0.0/4 return
        ip6 daddr ff00::/8 return
        ip saddr @pn_masquerade4 oifname != @pn_bridges masquerade
        ip6 saddr @pn_masquerade6 oifname != @pn_bridges masquerade
        ct status dnat ip saddr 127.0.0.0/8 oifname @pn_bridges masquerade
        ct status dnat ip saddr @pn_subnets4 oifname @pn_bridges masquerade
        ct status dnat ip6 saddr @pn_subnets6 oifname @pn_bridges masquerade
    """,
    "pn_pass": """
        meta mark set meta mark or {mark:#x} accept
    """,
    "pn_forward": """
        type filter hook forward priority -5; policy accept;
        iifname != @pn_bridges oifname != @pn_bridges return
        iifname . oifname @pn_same goto pn_pass
        iifname @pn_internal drop
        oifname @pn_internal drop
        ct state established,related goto pn_pass
        ct status dnat goto pn_pass
        oifname @pn_bridges drop
        ct state invalid drop
        goto pn_pass
    """,
}


def script(mark: int) -> str:
    """One transaction that makes the skeleton so and leaves every element alone."""
    lines = [f"add table {FAMILY} {TABLE}"]
    lines += [f"add set {FAMILY} {TABLE} {name} {{ {spec}; }}" for name, spec in SETS.items()]
    lines += [f"add map {FAMILY} {TABLE} {name} {{ {spec}; }}" for name, spec in MAPS.items()]
    for name, text in _CHAINS.items():
        hook = [line for line in _lines(text) if line.startswith("type ")]
        head = f" {{ {hook[0]} }}" if hook else ""
        lines.append(f"add chain {FAMILY} {TABLE} {name}{head}")
        lines.append(f"flush chain {FAMILY} {TABLE} {name}")
    for name, text in _CHAINS.items():
        lines += [
            f"add rule {FAMILY} {TABLE} {name} {line.format(mark=mark)}"
            for line in _lines(text)
            if not line.startswith("type ")
        ]
    return "\n".join(lines) + "\n"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]
