"""The constant part of pynet's tables: chains that look everything up in sets and maps.

``inet pynet`` filters and translates routed packets.  ``bridge pynet`` guards the containers'
bridge ports, where a frame can be dropped before any other port of the bridge gets it.

Names have the prefix ``pn_``, because ``fwd``, ``mark``, ``dnat`` and others are keywords of nft.
Chains that translate come after iptables', so that rules of the user and of Docker decide first.

Another table cannot save a packet that Docker's FORWARD policy drops: an accept ends only its
own chain, a drop is final.  So packets that pass here get a mark, and one rule in Docker's
chain accepts that mark.

The kernel gets ``compiled.py``, which nft compiles from this text.  After a change
``PYNET_WRITE_GOLDEN=1 pytest tests/golden/test_compiled.py`` writes that file again.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from plugin.config import AcceptedMark
from plugin.firewall import compiled
from plugin.firewall.drop_reasons import COUNTED, counter_of
from plugin.firewall.forward import FORWARD
from plugin.firewall.guards import GUARDS
from plugin.firewall.nat import NAT
from plugin.model.rules import CompiledChain, CompiledSet, CompiledTable

TABLE: Final = "pynet"
INET: Final = "inet"
BRIDGE: Final = "bridge"
REFUSALS: Final = "pn_refusals"
GUARDED: Final = "pn_guarded"
FAMILIES: Final = (INET, BRIDGE)
_ALL: Final = 0xFFFFFFFF  # a mark has 32 bits
_IF_ACCEPTED: Final = "{accepted"  # what a rule has that is left out where no mark is accepted
_NAMELESS: Final = re.compile(r"__(set|map)\d+")

_PORT: Final = "inet_proto . inet_service"
SETS: Final = {
    INET: {
        "pn_bridges": "type ifname",  # bridges of all networks
        "pn_same": "type ifname . ifname",  # a bridge with itself: traffic inside one network
        "pn_apart": "type ifname . ifname",  # the same of a network with icc=false
        "pn_allowed4": "type ipv4_addr . ipv4_addr",  # who of them may talk all the same
        "pn_allowed6": "type ipv6_addr . ipv6_addr",
        "pn_adopted": "type ifname",  # bridges that others stand on, too
        "pn_members4": "type ipv4_addr",  # containers on those
        "pn_members6": "type ipv6_addr",
        "pn_internal": "type ifname",  # bridges of --internal networks
        "pn_strict": "type ifname",  # isolation=strict
        "pn_open": "type ifname",  # isolation=off
        # a bridge, and the hardware address of a container that is the others' gateway
        "pn_gateways": "type ifname . ether_addr",
        "pn_shims": "type ifname",  # the host's links among containers on a parent
        # such a link, and a container's MAC and IP address on it
        "pn_shim4": "type ifname . ether_addr . ipv4_addr",
        "pn_shim6": "type ifname . ether_addr . ipv6_addr",
        # a parent, and its hardware address as that of a sender: a container on it that forges
        "pn_echoes": "type ifname . ether_addr",
        # subnets of a LAN whose containers Docker publishes by docker_gwbridge
        "pn_lan4": "type ipv4_addr; flags interval",
        "pn_docker": "type ifname",  # Docker's own bridges
        "pn_outside": "type ifname",  # bridges of others that are known not to be Docker's
        "pn_trusted": "type ifname . ifname",  # from a link of the host straight to a bridge
        # families in which the user's own rules decide who is masqueraded
        "pn_obeyed": "type nf_proto",
        "pn_shared4": "type ipv4_addr; flags interval",  # subnets of adopted bridges
        "pn_shared6": "type ipv6_addr; flags interval",
        "pn_unprotected4": "type ifname",
        "pn_unprotected6": "type ifname",
        "pn_routed4": "type ifname",
        "pn_routed6": "type ifname",
        "pn_routed_ports4": f"type ipv4_addr . {_PORT}",
        "pn_routed_ports6": f"type ipv6_addr . {_PORT}",
        "pn_host_closed": "type ifname",  # bridges that reach only some services of the host
        "pn_host_services": f"type ifname . {_PORT}",
        # ports that the proxy carries, on any address and on one; those of strict networks again
        "pn_carried": f"type {_PORT}",
        "pn_host_carried": f"type ipv6_addr . {_PORT}",
        "pn_strict_carried": f"type {_PORT}",
        "pn_strict_host_carried": f"type ipv6_addr . {_PORT}",
        "pn_subnets4": "type ipv4_addr; flags interval",
        "pn_subnets6": "type ipv6_addr; flags interval",
        "pn_masquerade4": "type ipv4_addr; flags interval",
        "pn_masquerade6": "type ipv6_addr; flags interval",
        # networks on several hosts: their port and number (RFC 7348 section 5: th,96,24 is the VNI)
        "pn_vxlan": "typeof udp dport . @th,96,24",
        # those of them that are sent and heard encrypted only
        "pn_encrypted": "typeof udp dport . @th,96,24",
        # hosts that may send for such a network
        "pn_peers4": "typeof ip saddr . udp dport . @th,96,24",
        "pn_peers6": "typeof ip6 saddr . udp dport . @th,96,24",
    },
    BRIDGE: {
        "pn_guarded": "type ifname",  # bridge ports that may use only their own addresses
        "pn_guard_mac": "type ifname . ether_addr",
        "pn_guard4": "type ifname . ipv4_addr",
        "pn_guard6": "type ifname . ipv6_addr",
        # the address an advertisement is about (RFC 4861 section 4.4): nft 1.0 has no name for it
        "pn_guard_target6": "typeof iifname . @th,64,128",
        # the link-layer address in an option of neighbour discovery (section 4.6.1)
        "pn_guard_lladdr6": "typeof iifname . @th,208,48",
        # ports that something was not passed at, with a counter; forgotten an hour after the last
        "pn_refusals": "type ifname; flags dynamic, timeout; size 65535; timeout 1h",
        "pn_separate": "type ifname",  # ports of networks without traffic between containers
        "pn_pairs4": "type ipv4_addr . ipv4_addr",  # who may talk all the same
        "pn_pairs6": "type ipv6_addr . ipv6_addr",
        "pn_tunnels": "type ifname",  # bridge ports that lead to other hosts
        "pn_own_gateways4": "type ifname . ipv4_addr",  # what every host has, and is asked for at home
        "pn_own_gateways6": "typeof iifname . @th,64,128",
    },
}
MAPS: Final = {
    INET: {  # published on any address, and on one address
        "pn_ports4": f"type {_PORT} : ipv4_addr . inet_service",
        "pn_host_ports4": f"type ipv4_addr . {_PORT} : ipv4_addr . inet_service",
        "pn_ports6": f"type {_PORT} : ipv6_addr . inet_service",
        "pn_host_ports6": f"type ipv6_addr . {_PORT} : ipv6_addr . inet_service",
        # what a subnet looks like outside, where it is not the host's choice
        "pn_sources4": "type ipv4_addr : ipv4_addr; flags interval",
        "pn_sources6": "type ipv6_addr : ipv6_addr; flags interval",
        # the host as a container on a parent knows it
        "pn_shim_sources4": "type ipv4_addr : ipv4_addr",
    },
    BRIDGE: {},
}

COUNTERS: Final = {
    INET: tuple(map(counter_of, COUNTED[INET])),
    BRIDGE: tuple(map(counter_of, COUNTED[BRIDGE])),
}

_INET_CHAINS: Final = {
    # 127.0.0.0/8 shall not come in from outside (RFC 1122 section 3.2.1.3): route_localnet
    # on a bridge would let a container reach the host's loopback, and a port published on
    # 127.0.0.1 would be translated for a neighbour on the LAN.
    # Packets that arrive by a bridge port, a container's or that to other hosts, belong to the bridge.
    # A packet on the port itself has bypassed the guards, or the bridge is gone.
    # Where br_netfilter is on, what goes to a gateway container would be a connection that is not
    # translated, and stay so when the gateway sends it to the host.
    "pn_raw": """
        type filter hook prerouting priority -300; policy accept;
        iifname "pnv-*" counter name pn_drop_bypass drop
        iifname "pnx-*" counter name pn_drop_bypass drop
        iifname "pnw-*" jump pn_decrypted
        iifname != "lo" ip daddr 127.0.0.0/8 counter name pn_drop_loopback drop
        iifname . ether daddr @pn_gateways notrack
        iifname @pn_shims jump pn_shim
        iifname . ether saddr @pn_echoes counter name pn_drop_parent drop
    """,
    # The LAN could send packets to a shim: those would bypass the firewall of the parent.  A
    # neighbour that the shim answered would use its MAC address for the host.
    "pn_shim": """
        iifname . ether saddr . ip saddr @pn_shim4 return
        iifname . ether saddr . ip6 saddr @pn_shim6 return
        counter name pn_drop_parent drop
    """,
    # A peer sends frames of encrypted networks through the tunnel, and nothing else: no rule of the
    # host's owner knows the link.
    "pn_decrypted": """
        meta l4proto udp udp dport . @th,96,24 @pn_encrypted return
        counter name pn_drop_overlay drop
    """,
    **NAT,
    # What the proxy carries is not routed, so that pn_forward does not see it.
    "pn_relayed": """
        meta l4proto . th dport @pn_strict_carried counter name pn_drop_isolation drop
        ip6 daddr . meta l4proto . th dport @pn_strict_host_carried counter name pn_drop_isolation drop
        iifname != @pn_internal iifname != @pn_strict return
        meta l4proto . th dport @pn_carried counter name pn_drop_isolation drop
        ip6 daddr . meta l4proto . th dport @pn_host_carried counter name pn_drop_isolation drop
    """,
    # What a container may ask of the host itself; ping and neighbour discovery always.
    "pn_input": """
        type filter hook input priority -5; policy accept;
        meta l4proto udp udp dport . @th,96,24 @pn_vxlan jump pn_underlay
        meta nfproto ipv6 iifname @pn_bridges jump pn_relayed
        meta nfproto ipv6 meta iifkind "bridge" iifname != @pn_outside jump pn_relayed
        iifname != @pn_host_closed return
        ct state established,related return
        meta l4proto {{ icmp, ipv6-icmp }} return
        iifname . meta l4proto . th dport @pn_host_services return
        counter name pn_drop_host_services drop
    """,
    # Any other host could send into the network, with any container's address.  So could a host that
    # sends in clear for a network that is encrypted.
    "pn_underlay": """
        iifname != "pnw-*" udp dport . @th,96,24 @pn_encrypted counter name pn_drop_overlay drop
        ip saddr . udp dport . @th,96,24 @pn_peers4 return
        ip6 saddr . udp dport . @th,96,24 @pn_peers6 return
        counter name pn_drop_overlay drop
    """,
    **FORWARD,
}
_CHAINS: Final = {INET: _INET_CHAINS, BRIDGE: GUARDS}


def script(mark: int, accepted: AcceptedMark | None = None) -> str:
    """One transaction that makes the skeleton so and leaves every element alone."""
    words = _words(mark, accepted)
    return "".join(_table(family, words) for family in FAMILIES)


def _words(mark: int, accepted: AcceptedMark | None) -> dict[str, int]:
    words = {"mark": mark, "others": _ALL ^ mark}
    if accepted:
        words |= {"accepted": accepted.value, "accepted_mask": accepted.mask}
    return words


def _table(family: str, words: Mapping[str, int]) -> str:
    where = f"{family} {TABLE}"
    lines = [f"add table {where}"]
    lines += [f"add set {where} {name} {{ {spec}; }}" for name, spec in SETS[family].items()]
    lines += [f"add map {where} {name} {{ {spec}; }}" for name, spec in MAPS[family].items()]
    lines += [f"add counter {where} {name}" for name in COUNTERS[family]]
    chains = {name: _used(_lines(text), words) for name, text in _CHAINS[family].items()}
    for name, rules in chains.items():
        hook = [line for line in rules if line.startswith("type ")]
        head = f" {{ {hook[0]} }}" if hook else ""
        lines.append(f"add chain {where} {name}{head}")
        lines.append(f"flush chain {where} {name}")
    lines += [
        f"add rule {where} {name} {rule.format(**words)}"
        for name, rules in chains.items()
        for rule in rules
        if not rule.startswith("type ")
    ]
    return "\n".join(lines) + "\n"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def _used(rules: Sequence[str], words: Mapping[str, int]) -> list[str]:
    return [rule for rule in rules if "accepted" in words or _IF_ACCEPTED not in rule]


def tables(mark: int, accepted: AcceptedMark | None = None) -> tuple[CompiledTable, ...]:
    """The same in the kernel's form; compiled in advance, because nft may crash on other tables.

    nft reads every table of the host, and may fail on one that a newer nft has made.
    """
    words = _words(mark, accepted)
    return tuple(_compiled(family, words) for family in FAMILIES)


def _compiled(family: str, words: Mapping[str, int]) -> CompiledTable:
    return CompiledTable(
        family=family,
        name=TABLE,
        sets=tuple(
            CompiledSet(
                name=_NAMELESS.sub(r"__\1%d", name),
                definition=bytes.fromhex(definition),
                entries=bytes.fromhex("".join(entries)),
            )
            for name, (definition, *entries) in compiled.SETS[family].items()
        ),
        counters=COUNTERS[family],
        chains=tuple(
            CompiledChain(
                name=name,
                definition=bytes.fromhex(definition),
                rules=tuple(_marked(rule, words) for rule in _used(rules, words)),
            )
            for name, (definition, *rules) in compiled.CHAINS[family].items()
        ),
    )


def _marked(rule: str, words: Mapping[str, int]) -> bytes:
    """Marks are in the order of the host, and so is all that ``compiled`` has: little-endian."""
    return bytes.fromhex(
        rule.format(**{name: word.to_bytes(4, "little").hex() for name, word in words.items()})
    )
