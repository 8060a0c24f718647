"""What every set, map and chain is for, in the words of the page about them."""

from typing import Final

# What it holds, and what puts it there; twins of the two families share their words.
CONTAINERS: Final = {
    "pn_bridges": (
        "bridges of all networks, and the host's links to containers on a parent",
        "a network",
    ),
    "pn_same": ("each bridge with itself: traffic inside one network", "a network"),
    "pn_apart": ("each bridge with itself whose containers are isolated", "`icc=false`"),
    "pn_allowed": ("addresses of such a network that may exchange traffic", "`icc_allow`"),
    "pn_adopted": ("bridges that were there before", "`bridge_name`"),
    "pn_members": ("containers on those bridges, among others", "a container on such a bridge"),
    "pn_internal": ("bridges of internal networks", "`--internal`"),
    "pn_strict": (
        "bridges that are closed to other networks' containers altogether",
        "`isolation=strict`",
    ),
    "pn_open": ("bridges that are open to each other", "`isolation=off`"),
    "pn_gateways": (
        "a bridge, and the MAC address of a container that is the others' gateway",
        "a container that `gateway_container` names",
    ),
    "pn_shims": ("the host's links among containers on a parent", "`host_access`"),
    "pn_shim": (
        "such a link, and the MAC and IP address that a container has on it",
        "a container, with `host_access`",
    ),
    "pn_echoes": (
        "a parent, and its MAC address",
        "`host_services` in mode ipvlan",
    ),
    "pn_lan": (
        "subnets of a LAN whose containers have their ports published by Docker",
        "`publish=docker` in mode macvlan",
    ),
    "pn_docker": ("bridges of Docker's own networks", "Docker, seen when it makes them"),
    "pn_outside": (
        "bridges of others with something on them, none of them Docker's",
        "another program, seen when they get their first port",
    ),
    "pn_trusted": ("a link of the host, and a bridge that is open to it", "`trusted_interfaces`"),
    "pn_obeyed": (
        "families in which rules of yours decide who is masqueraded",
        "a rule in iptables' POSTROUTING that does not translate",
    ),
    "pn_shared": ("subnets of bridges that were there before", "`bridge_name`"),
    "pn_unprotected": (
        "bridges whose containers are open to every host with a route",
        "`gateway_mode_ipv…=nat-unprotected`",
    ),
    "pn_routed": (
        "bridges whose containers answer ping from outside",
        "`gateway_mode_ipv…=routed`",
    ),
    "pn_routed_ports": (
        "a container's address, protocol and port that are open to every host with a route",
        "`-p` on a routed network",
    ),
    "pn_host_closed": ("bridges that do not reach all of the host", "`host_services`"),
    "pn_host_services": ("such a bridge, and a protocol and port it reaches", "`host_services`"),
    "pn_carried": (
        "protocol and port that the proxy carries on every IPv6 address",
        "`-p` on IPv6 that is not translated",
    ),
    "pn_host_carried": ("the same, on one address", "`-p ADDRESS:…`"),
    "pn_strict_carried": (
        "those of them that are closed to other networks' containers",
        "`-p` with `isolation=strict`",
    ),
    "pn_strict_host_carried": ("the same, on one address", "`-p ADDRESS:…`"),
    "pn_subnets": ("subnets of all networks", "a network"),
    "pn_masquerade": (
        "subnets that are hidden behind the host",
        "a network that is translated, unless `masquerade=false`",
    ),
    "pn_ports": ("protocol and port → container, published on any address", "`-p`"),
    "pn_host_ports": ("the same, published on one address", "`-p ADDRESS:…`"),
    "pn_shim_sources": (
        "a container on a parent → the host's address that it knows",
        "`-p`, with `host_access`",
    ),
    "pn_sources": ("a subnet → the address it has outside", "`host_ipv4`, `host_ipv6`"),
    "pn_guarded": (
        "bridge ports that may use only their own addresses",
        "a container, unless `spoof_guard=false`",
    ),
    "pn_guard_mac": ("a port and its MAC address", "the same"),
    "pn_guard": ("a port and an address that it may send from", "the same"),
    "pn_guard_target": ("a port and an address that it may announce", "the same"),
    "pn_guard_lladdr": ("a port and its MAC address in neighbour discovery", "the same"),
    "pn_refusals": (
        "ports at which a guard has dropped something, each with a counter; for an hour after the last",
        "a container that uses the address of another",
    ),
    "pn_separate": ("ports of networks without traffic between containers", "`icc=false`"),
    "pn_pairs": ("addresses that may exchange traffic all the same", "`icc_allow`"),
    "pn_vxlan": (
        "UDP port and number of networks that span hosts; `@th,96,24` is the number",
        "a network in mode overlay",
    ),
    "pn_encrypted": ("those of them that are encrypted", "`encrypted`"),
    "pn_peers": ("a host that may send for such a network, and its port and number", "`peers`"),
    "pn_tunnels": ("bridge ports that lead to other hosts", "a network in mode overlay"),
    "pn_own_gateways": (
        "such a port, and an address of the host's that every host has there",
        "a network in mode overlay",
    ),
}
CHAINS: Final = {
    "pn_raw": "Packets of a container or of another host arrive at the bridge, never at its bridge port: a packet that arrives there "
    "has bypassed the guards. 127.0.0.0/8 does not come in from outside. So a port that is published on 127.0.0.1 is not reached "
    "from the LAN, although `route_localnet` is on for links to containers. Packets to a gateway container come back from it, and are "
    "tracked only then. Packets that arrive at a parent with the parent's own MAC address were sent by an ipvlan container, to "
    "bypass the host's link among them.",
    "pn_shim": "On the host's link among containers on a parent only those containers are accepted. The LAN could send packets "
    "to that link, which would bypass the firewall of the parent. A neighbour that got an answer would use its MAC address "
    "for the host.",
    "pn_translate": "Looks a port up, on one address first, and sends the packet to the container. What comes from a "
    "link-local address is left to the proxy.",
    "pn_prerouting": "What is for an address of the host may be for a published port.",
    "pn_translated": "Where br_netfilter is on, a translated frame is bridged; the mark tells `pn_between` that it was "
    "translated. Only what stays on its bridge is marked: routing looks at the mark of the rest.",
    "pn_output": "The same for what the host itself sends. `::1` cannot be translated and is left to the proxy.",
    "pn_postrouting": "What leaves gets the address that options of its network name. What comes from 127.0.0.1, or from a container, to a "
    "published port gets the bridge's address, so that the answer comes back this way. So does what goes to a container on a "
    "parent, which would answer by its LAN.",
    "pn_within": "Packets without a mark were sent to a neighbour by way of the host, although containers are isolated. "
    "Published ports and gateway containers are reached, and machines on an adopted bridge that are no containers.",
    "pn_in": "To a container from outside its network: published ports, trusted links, what the gateway mode opens.",
    "pn_out": "To destinations that are no containers of pynet. Containers on a parent are reached by a shim. A bridge that pynet has "
    "not seen yet may be one that Docker made while pynet was not running, and stays closed until it is known.",
    "pn_masquerade": "What else leaves is hidden behind an address of the host, unless a rule of yours in iptables' POSTROUTING has "
    "translated it before, or accepted it: then the mark is missing that the last rule there sets.",
    "pn_pass": "Marks the packet for Docker's chain and accepts it.",
    "pn_unmark": "Clears the mark, before `tc` and iptables' mangle see it. What belongs into an encrypted tunnel leaves by no other "
    "link, and is dropped while that one is missing.",
    "pn_decrypted": "The other hosts of encrypted networks send frames of these through the tunnel. They reach nothing else of the host by it, "
    "even if its own firewall accepts it.",
    "pn_relayed": "Connections to the proxy arrive in `input`, not in `forward`. Containers of internal or strict networks cannot reach "
    "any proxied port; no container can reach those of a strict network.",
    "pn_input": "What a container may reach of the host, by `host_services`. Ping and answers always pass.",
    "pn_underlay": "For a network in mode overlay only its hosts may send: any other host could send into the network, with any "
    "container's address. For an encrypted one they send by the encrypting link only.",
    "pn_tunnel_in": "The gateway of a network in mode overlay has the same addresses on every host, and accepts its own host's "
    "containers only.",
    "pn_tunnel_out": "Containers of other hosts do not get its packets either.",
    "pn_forward": "What containers send to the port of a network in mode overlay is dropped: other hosts would accept it as this "
    "host's. Who reaches whom, in this order: answers; the same network; nothing out of an internal one; what goes to "
    "others on an adopted bridge, as out; nothing into an internal one; nothing between a strict network and any other; "
    "networks that are open to each other; into a network; Docker's published ports; nothing else to Docker's networks; out.",
    "pn_guard": "Drops what a container sends with another's address: by MAC address, ARP, IPv4, neighbour discovery or IPv6. It "
    "may send only ARP, IPv4 and IPv6, also to the group addresses that a bridge keeps for itself (01:80:C2:00:00:0X). What "
    "is not known to be honest is dropped.",
    "pn_guard_arp": "Requests and answers with its own addresses, and probes for its own address.",
    "pn_guard_ip4": "Its own addresses, or DHCP of a client that has none. It sends nothing to DHCP clients, from any "
    "port, does not advertise routes and sends no queries for multicast groups.",
    "pn_guard_ip6": "The same, behind any extension headers. A datagram whose headers do not end is dropped.",
    "pn_guard_icmp6": "Errors, ping, questions for neighbours and routers, reports of multicast groups, and advertisements of "
    "its own addresses. No router advertisements, no redirects, no queries.",
    "pn_guard_lladdr6": "Neighbour discovery has its own MAC address, or none. A message with other options is dropped.",
    "pn_guard_probe6": "Duplicate address detection has no option but a nonce.",
    "pn_guard_piece6": "The first fragment shows what the whole datagram is, or is dropped; neighbour discovery does not come in "
    "fragments.",
    "pn_guard_none6": "Without an address: duplicate address detection for its own, and the reports that go with it.",
    "pn_refused": "Counts by bridge port what is dropped; `pynet status` shows it.",
    "pn_between": "In mode overlay what asks for the gateway's address, or tells of it, stays on its own host. With `icc=false` containers of a network reach each other's published ports, and those that `icc_allow` names.",
    "pn_gateway_arp": "Requests for the gateway's address do not go to other hosts, and no other host says that it has it.",
    "pn_gateway_nd": "The same of neighbour discovery: by what a message is about (`@th`), and by its sender (`@nh`).",
    "pn_bridged": "Marks the frame for `pn_within`, which sees it where br_netfilter is on, and accepts it.",
}
