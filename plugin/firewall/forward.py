"""The chains that decide which packets are forwarded between containers, host links and networks.

Docker's FORWARD chain accepts what ``pn_pass`` has marked.  What ``pn_forward`` returns is not
traffic of pynet's networks, and is left to the other filters of this host.

The rules with ``accepted`` are there only where the host's administrator opens containers by a
mark, and behind those that close --internal networks and isolation=strict.
"""

from typing import Final

FORWARD: Final = {
    # Else other hosts would accept a container's datagrams as this host's, whose address they get.
    # Packets that neither enter nor leave a network of pynet are left to others.
    "pn_forward": """
        type filter hook forward priority -5; policy accept;
        meta l4proto udp udp dport . @th,96,24 @pn_vxlan counter name pn_drop_overlay drop
        iifname != @pn_bridges oifname != @pn_bridges return
        ct state established,related goto pn_pass
        iifname . oifname @pn_same goto pn_pass
        iifname . oifname @pn_apart goto pn_within
        iifname @pn_internal counter name pn_drop_internal drop
        oifname @pn_adopted ip daddr != @pn_members4 goto pn_out
        oifname @pn_adopted ip6 daddr != @pn_members6 goto pn_out
        oifname @pn_internal counter name pn_drop_internal drop
        oifname @pn_strict iifname @pn_bridges counter name pn_drop_isolation drop
        oifname @pn_strict iifname @pn_docker counter name pn_drop_isolation drop
        oifname @pn_strict meta iifkind "bridge" iifname != @pn_outside counter name pn_drop_isolation drop
        iifname @pn_strict oifname @pn_bridges counter name pn_drop_isolation drop
        iifname @pn_strict oifname @pn_docker counter name pn_drop_isolation drop
        iifname @pn_strict meta oifkind "bridge" oifname != @pn_outside counter name pn_drop_isolation drop
        iifname @pn_open oifname @pn_open goto pn_pass
        oifname @pn_bridges goto pn_in
        ct status dnat goto pn_pass
        iifname @pn_bridges oifname @pn_docker counter name pn_drop_docker drop
        goto pn_out
    """,
    # Inside a network whose containers are kept apart: pn_between has marked what it bridged, and
    # what else comes here was sent by way of the host.  An adopted bridge has others on it.
    "pn_within": """
        meta mark and {mark:#x} != 0 goto pn_pass
        meta mark and {accepted_mask:#x} == {accepted:#x} goto pn_pass
        ct status dnat goto pn_pass
        ip saddr . ip daddr @pn_allowed4 goto pn_pass
        ip6 saddr . ip6 daddr @pn_allowed6 goto pn_pass
        iifname . ether daddr @pn_gateways goto pn_pass
        oifname @pn_adopted ip daddr != @pn_members4 goto pn_pass
        oifname @pn_adopted ip6 daddr != @pn_members6 goto pn_pass
        counter name pn_drop_icc drop
    """,
    "pn_in": """
        ct status dnat goto pn_pass
        meta mark and {accepted_mask:#x} == {accepted:#x} goto pn_pass
        iifname . oifname @pn_trusted goto pn_pass
        ip daddr . meta l4proto . th dport @pn_routed_ports4 goto pn_pass
        ip6 daddr . meta l4proto . th dport @pn_routed_ports6 goto pn_pass
        meta nfproto ipv4 oifname @pn_unprotected4 goto pn_pass
        meta nfproto ipv6 oifname @pn_unprotected6 goto pn_pass
        meta l4proto icmp oifname @pn_routed4 goto pn_pass
        meta l4proto ipv6-icmp oifname @pn_routed6 goto pn_pass
        counter name pn_drop_unpublished drop
    """,
    # A bridge that is not known may be one that Docker made while we were away.
    "pn_out": """
        iifname != @pn_bridges return
        iifname @pn_shims counter name pn_drop_parent drop
        ct state invalid counter name pn_drop_untracked drop
        meta oifkind "bridge" oifname != @pn_outside oifname != @pn_bridges counter name pn_drop_docker drop
        goto pn_pass
    """,
    "pn_pass": """
        meta mark set meta mark or {mark:#x} accept
    """,
    # Clear the bit once all rules that read it are passed: tc and others compare whole marks.
    # Before iptables' mangle (-150).  While the link that encrypts is missing, the kernel would send
    # its packets by the default route.
    "pn_unmark": """
        type filter hook postrouting priority -300; policy accept;
        oifname != "pnw-*" meta l4proto udp udp dport . @th,96,24 @pn_encrypted counter name pn_drop_overlay drop
        meta mark and {mark:#x} != 0 meta mark set meta mark and {others:#x}
    """,
}
