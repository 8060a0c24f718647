"""The chains of the bridge family: which source addresses a container may use, and whom it reaches.

Only frames that are known to be honest pass.  They are judged by the fields that the receiver
reads: a DHCP client listens at its port for any sender, and IPv6 is read behind the extension
headers.  A fragment that hides the type of its datagram is dropped (RFC 7113): no honest stack
fragments neighbour discovery (RFC 6980).
"""

from typing import Final

GUARDS: Final = {
    "pn_guard": """
        type filter hook prerouting priority -300; policy accept;
        iifname != @pn_guarded accept
        iifname . ether saddr != @pn_guard_mac counter name pn_drop_mac goto pn_refused
        ether type ip goto pn_guard_ip4
        ether type ip6 goto pn_guard_ip6
        ether type arp goto pn_guard_arp
        counter name pn_drop_protocol goto pn_refused
    """,
    # Only probes (RFC 5227), which are requests, have the unspecified sender.  A probe for the
    # address of another container would keep that container from using it.
    # Engine 28 asks about 0.0.0.0 if the IPAM is a plugin: that is dropped, and not counted.
    "pn_guard_arp": """
        iifname . arp saddr ether != @pn_guard_mac counter name pn_drop_arp goto pn_refused
        arp operation != {{ request, reply }} counter name pn_drop_arp goto pn_refused
        iifname . arp saddr ip @pn_guard4 accept
        arp operation request arp saddr ip 0.0.0.0 iifname . arp daddr ip @pn_guard4 accept
        arp saddr ip 0.0.0.0 arp daddr ip 0.0.0.0 drop
        counter name pn_drop_arp goto pn_refused
    """,
    # DHCP of a client without an address (RFC 2131).  Of IGMP the reports of listeners (RFC 3376),
    # not the queries of routers.  No router advertisement (RFC 1256).
    "pn_guard_ip4": """
        ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept
        iifname . ip saddr != @pn_guard4 counter name pn_drop_address goto pn_refused
        udp dport 68 counter name pn_drop_dhcp goto pn_refused
        meta l4proto igmp igmp type != {{ 0x12, 0x16, 0x17, 0x22 }} counter name pn_drop_router goto pn_refused
        icmp type router-advertisement counter name pn_drop_router goto pn_refused
        accept
    """,
    "pn_guard_ip6": """
        iifname . ip6 saddr != @pn_guard6 goto pn_guard_none6
        ip6 nexthdr tcp accept
        ip6 nexthdr udp udp dport != 546 accept
        exthdr frag exists goto pn_guard_piece6
        udp dport != 546 accept
        meta l4proto ipv6-icmp goto pn_guard_icmp6
        meta l4proto != udp accept
        counter name pn_drop_dhcp goto pn_refused
    """,
    # A router is asked for, not advertised (RFC 6105); nor are groups asked after (RFC 3810).
    "pn_guard_icmp6": """
        icmpv6 type {{ 1, 2, 3, 4, 128, 129, 131, 132, 143 }} accept
        icmpv6 type nd-neighbor-solicit goto pn_guard_lladdr6
        icmpv6 type nd-neighbor-advert iifname . @th,64,128 @pn_guard_target6 goto pn_guard_lladdr6
        icmpv6 type nd-router-solicit ip6 length 8 accept
        icmpv6 type nd-router-solicit ip6 length 16 @th,64,16 0x0101 iifname . @th,80,48 @pn_guard_lladdr6 accept
        counter name pn_drop_neighbour goto pn_refused
    """,
    # A neighbour sends frames to the link-layer address in an option (RFC 4861 section 4.6.1), for any
    # sender.  The message has this option alone or none, so the option is looked for at that place.
    "pn_guard_lladdr6": """
        ip6 length 24 accept
        ip6 length 32 @th,192,16 {{ 0x0101, 0x0201 }} iifname . @th,208,48 @pn_guard_lladdr6 accept
        counter name pn_drop_neighbour goto pn_refused
    """,
    # A later fragment is useless without the first.
    "pn_guard_piece6": """
        frag frag-off != 0 accept
        udp dport != 546 accept
        icmpv6 type {{ 1, 2, 3, 4, 128, 129 }} accept
        meta l4proto != {{ udp, ipv6-icmp }} accept
        counter name pn_drop_protocol goto pn_refused
    """,
    # Duplicate address detection (RFC 4862), of its own address: the answer to a neighbour's would
    # be that it is taken.  It has no option but a nonce (RFC 7527).  And the reports that go with it
    # (RFC 3590).
    "pn_guard_none6": """
        ip6 saddr != :: counter name pn_drop_address goto pn_refused
        icmpv6 type {{ 131, 132, 143 }} accept
        icmpv6 type nd-neighbor-solicit iifname . @th,64,128 @pn_guard_target6 goto pn_guard_probe6
        counter name pn_drop_neighbour goto pn_refused
    """,
    "pn_guard_probe6": """
        ip6 length 24 accept
        ip6 length 32 @th,192,16 0x0e01 accept
        counter name pn_drop_neighbour goto pn_refused
    """,
    # Counted where it costs nothing that is accepted.  Where the set is full the first rule ends.
    "pn_refused": """
        update @pn_refusals {{ iifname counter }}
        drop
    """,
    # The gateway has the same addresses on every host: it neither hears other hosts' containers nor
    # is heard there.
    "pn_tunnel_in": """
        type filter hook input priority -200; policy accept;
        iifname @pn_tunnels drop
    """,
    "pn_tunnel_out": """
        type filter hook output priority -200; policy accept;
        oifname @pn_tunnels drop
    """,
    # Who has the gateway's address is asked at home, too, without a copy to every other host.
    "pn_between": """
        type filter hook forward priority -200; policy accept;
        ether type arp jump pn_gateway_arp
        ether type ip6 icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} jump pn_gateway_nd
        iifname != @pn_separate oifname != @pn_separate accept
        iifname != @pn_separate goto pn_bridged
        oifname != @pn_separate goto pn_bridged
        meta mark and {mark:#x} != 0 accept
        meta mark and {accepted_mask:#x} == {accepted:#x} goto pn_bridged
        ether type arp arp saddr ip . arp daddr ip @pn_pairs4 accept
        ether type ip ip saddr . ip daddr @pn_pairs4 goto pn_bridged
        ether type ip6 ip6 saddr . ip6 daddr @pn_pairs6 goto pn_bridged
        ether type ip6 icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} goto pn_bridged
        counter name pn_drop_icc drop
    """,
    # Nor does another host, or a container there, tell who has it: whom a message is about, and from.
    "pn_gateway_arp": """
        oifname . arp daddr ip @pn_own_gateways4 drop
        oifname . arp saddr ip @pn_own_gateways4 drop
        iifname . arp saddr ip @pn_own_gateways4 drop
    """,
    "pn_gateway_nd": """
        oifname . @th,64,128 @pn_own_gateways6 drop
        oifname . @nh,64,128 @pn_own_gateways6 drop
        iifname . @th,64,128 @pn_own_gateways6 drop
        iifname . @nh,64,128 @pn_own_gateways6 drop
    """,
    "pn_bridged": """
        meta mark set meta mark or {mark:#x} accept
    """,
}
