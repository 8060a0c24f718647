"""The chains that translate, after those of iptables (-100 and 100).

The first chain that translates a connection decides, so the user's rules come first, as they do
before Docker's.  Docker and pynet never publish the same port, because both hold their ports.
The chain at 99 is before the user's: it has translations that no connection works without, and
source addresses that the network's options name, which a general MASQUERADE must not replace.
"""

from typing import Final

NAT: Final = {
    "pn_translate": """
        ip6 saddr fe80::/10 return
        dnat ip to ip daddr . meta l4proto . th dport map @pn_host_ports4
        dnat ip to meta l4proto . th dport map @pn_ports4
        dnat ip6 to ip6 daddr . meta l4proto . th dport map @pn_host_ports6
        dnat ip6 to meta l4proto . th dport map @pn_ports6
    """,
    "pn_prerouting": """
        type nat hook prerouting priority -99; policy accept;
        fib daddr type local jump pn_translate
    """,
    # With br_netfilter, a translated frame between two ports of one bridge is bridged.  The bridge
    # family cannot match on translation, so the mark carries that.  Packets that will be routed
    # elsewhere keep the mark that routing reads.
    "pn_translated": """
        type filter hook prerouting priority -98; policy accept;
        iifname . iifname @pn_apart ct status dnat fib daddr . iif oif exists meta mark set meta mark or {mark:#x}
    """,
    # ::1 has no route_localnet: a translated packet from it would never find its way out.
    "pn_output": """
        type nat hook output priority -99; policy accept;
        ip6 daddr ::1 return
        fib daddr type local jump pn_translate
    """,
    "pn_postrouting": """
        type nat hook postrouting priority 99; policy accept;
        ip daddr 224.0.0.0/4 return
        ip6 daddr ff00::/8 return
        ct status dnat oifname @pn_shims snat ip to ip daddr map @pn_shim_sources4
        ct status dnat oifname "docker_gwbridge" ip saddr @pn_lan4 masquerade
        oifname != @pn_bridges snat ip to ip saddr map @pn_sources4
        oifname != @pn_bridges snat ip6 to ip6 saddr map @pn_sources6
        ct status dnat ip saddr 127.0.0.0/8 oifname @pn_bridges masquerade
        ct status dnat ip saddr @pn_subnets4 oifname @pn_bridges masquerade
        ct status dnat ip6 saddr @pn_subnets6 oifname @pn_bridges masquerade
        oifname @pn_adopted ip saddr != @pn_shared4 snat ip to ip saddr map @pn_sources4
        oifname @pn_adopted ip6 saddr != @pn_shared6 snat ip6 to ip6 saddr map @pn_sources6
    """,
    # An ACCEPT of the user's in iptables' POSTROUTING shows as a mark that its last rule did not
    # set.  Where there is no such rule the family is not in the set.
    "pn_masquerade": """
        type nat hook postrouting priority 101; policy accept;
        meta nfproto @pn_obeyed meta mark and {mark:#x} == 0 return
        meta mark and {mark:#x} != 0 meta mark set meta mark and {others:#x}
        ip daddr 224.0.0.0/4 return
        ip6 daddr ff00::/8 return
        ip saddr @pn_masquerade4 oifname != @pn_bridges masquerade
        ip6 saddr @pn_masquerade6 oifname != @pn_bridges masquerade
        oifname @pn_adopted ip saddr @pn_masquerade4 ip saddr != @pn_shared4 masquerade
        oifname @pn_adopted ip6 saddr @pn_masquerade6 ip6 saddr != @pn_shared6 masquerade
    """,
}
