"""Values that an option cannot have, by mode and option, and what would be right."""

from typing import Final

BOOLEAN: Final = "true or false"
BYTES: Final = "a number of bytes from 68 to 65535"
NAME: Final = "a link name of 1 to 15 bytes without '/', ':' or spaces"
PREFIX: Final = "a link name of 1 to 13 bytes"
GATEWAY_MODES: Final = "nat, nat-unprotected, routed or isolated"
RATE: Final = "bits per second from 8kbit to 32gbit, as 10mbit"
SERVICES: Final = "allow, deny, or ports as 53/udp,80 (tcp is the default)"
PUBLISHERS: Final = "pynet or docker"
ROUTES: Final = (
    "routes as '10.0.0.0/8 via 10.1.0.2; 10.2.0.0/16' (without via: on the link), a default route "
    "with via"
)
DEFAULT_ROUTES: Final = "true, false, ipv4 or ipv6"
GATEWAYS: Final = "an address of the network, or one of each family with ',' between"
HOST_ADDRESSES: Final = "an address that is not in use, or one of each family with ',' between"
MAC: Final = "the MAC address of one host, as 02:42:0a:00:00:02"
ADDRESSES: Final = "addresses with ';' or ',' between"
Values = dict[str, tuple[str, tuple[str, ...]]]
_NAMES: Final = ("", "a/b", "a b", "sixteen-bytes-xx", "eth:1", "..", "eth*", 'a"b')
_ROUTES: Final = (
    *("", "10.8.0.0/16 10.50.0.2", "0.0.0.0/0", "::/0", "0.0.0.0/0 via", "10.8.0.0/16 via"),
    *("10.8.0.0/16 via fd00:50::2", "10.8.0.0/16 to 10.50.0.2", "10.8.0.1/16", "default"),
    *("default via 10.50.0.2", "10.8.0.0/16 blackhole", "blackhole 10.8.0.0/16"),
)
_RATES: Final = (
    *("", "7kbit", "33gbit", "-1mbit", "fast", "nan", "inf", "10mb"),
    *("1_0mbit", "1e1mbit", "+10mbit", "10 mbit", "\u0661\u0660mbit"),
)
_SERVICES: Final = ("", "some", "0", "65536/tcp", "53/UDP", "53/icmp", "5_3/udp", "+53")
DHCP_SERVERS: Final = "addresses of DHCP servers with ',' between"
_BOOLEANS: Final = ("", "perhaps", "2", "onn")
_MTUS: Final = (
    "",
    "67",
    "65536",
    "-1",
    "big",
    "1.5e3",
    "1_500",
    "+1500",
    "\u0661\u0665\u0660\u0660",
)
_CLASS: Final = "up to 255 printable ASCII characters"
_CLASSES: Final = (
    "printable ASCII characters, or several such classes, each once, with ',' between, 254 together"
)
_DHCP: Final[Values] = {
    "ipv6": ("off, slaac, dhcp or auto", ("", "true", "SLAAC", "on")),
    "dhcp": (BOOLEAN, _BOOLEANS),
    "release_after": (
        "a time as 30m or 12h, 0 or never",
        ("", "1", "h", "-1h", "1d", "1.5h", "always", "9999999h", "8761h"),
    ),
    "servers": (DHCP_SERVERS, ("", "router", "10.0.0.1;10.0.0.2", "fd00::1", "10.0.0.0/24")),
    "deny_servers": (DHCP_SERVERS, ("", "router", "10.0.0.1,", "fd00::1")),
    "user_class": (
        _CLASSES,
        ("", "lab,", "lab,lab", "x" * 255, f"{'x' * 126},{'y' * 128}", "caf\u00e9", "two\nlines"),
    ),
    "use_routes": (BOOLEAN, _BOOLEANS),
    "use_mtu": (BOOLEAN, _BOOLEANS),
    "gateway": (
        "server, none or an IPv4 address of the LAN",
        ("", "router", "Server", "fe80::1", "10.0.0.0/24", "0.0.0.0", "224.0.0.1", "127.0.0.1"),
    ),
    "vendor_class": (_CLASS, ("", "x" * 256, "two\nlines", "caf\u00e9", "nul\0")),
    "fqdn": ("off or server", ("", "true", "client", "Server")),
    "conflict": ("join, wait or off", ("", "true", "on", "Wait")),
    "identity": (
        "up to 64 letters, digits, dots, hyphens and underscores",
        ("", "-lan", "my lan", "a/b", "x" * 65, "lan\n"),
    ),
    "require": (BOOLEAN, _BOOLEANS),
}
# By mode and option: what would be right, and what is not.
VALUES: Final[dict[str, Values]] = {
    "bridge": {
        "mtu": (BYTES, _MTUS),
        "bridge_name": (NAME, _NAMES),
        "masquerade": (BOOLEAN, _BOOLEANS),
        "icc": (BOOLEAN, _BOOLEANS),
        "host_binding": ("an address of the host", ("", "localhost", "192.0.2.0/24")),
        "gateway_mode_ipv4": (GATEWAY_MODES, ("", "bridged", "NAT")),
        "gateway_mode_ipv6": (GATEWAY_MODES, ("", "nat66", "Routed")),
        "inhibit_ipv4": (BOOLEAN, _BOOLEANS),
        "trusted_interfaces": (
            "link names with ':' between",
            ("", "eth0::eth1", "eth0,eth1", "eth*", "a/b"),
        ),
        "host_ipv4": ("an IPv4 address of the host", ("", "here", "fd00::1", "10.0.0.0/8")),
        "host_ipv6": ("an IPv6 address of the host", ("", "here", "10.0.0.1", "fd00::/64")),
        "iface_prefix": (PREFIX, ("", "fourteen-bytes", "a/b")),
        "isolation": ("off, on or strict", ("", "none", "loose", "true")),
        "host_services": (SERVICES, _SERVICES),
        "spoof_guard": (BOOLEAN, _BOOLEANS),
        "routes": (ROUTES, _ROUTES),
        "no_default_route": (DEFAULT_ROUTES, ("", "both", "IPv4", "4", "ipv4,ipv6")),
        "gateway_container": (
            GATEWAYS,
            ("", "router", "10.51.0.2", "10.50.0.8,10.50.0.9", "10.50.0.9;fd00:50::9"),
        ),
        "rate_to": (RATE, _RATES),
        "rate_from": (RATE, _RATES),
        "publish": (PUBLISHERS, ("", "nobody", "Docker")),
        "userland_proxy": (BOOLEAN, _BOOLEANS),
        **_DHCP,
    },
    "macvlan": {
        "macvlan_mode": ("bridge, private, vepa or passthru", ("", "l2", "Bridge", "source")),
        **_DHCP,
    },
    "ipvlan": {
        "ipvlan_mode": ("l2, l3 or l3s", ("", "L2", "bridge")),
        "ipvlan_flag": ("bridge, private or vepa", ("", "l2", "passthru")),
        **_DHCP,
    },
    "null": {},
}
HOSTS: Final = "addresses of hosts, of one family and each once, with ',' between"
VALUES["overlay"] = {
    # Those of mode bridge are read in one place: the first of each show that they are read here.
    **{
        name: (right, wrong[:2])
        for name, (right, wrong) in VALUES["bridge"].items()
        if name not in {"gateway_container", *_DHCP}
    },
    "peers": (
        HOSTS,
        (
            *("", "here", "10.99.0.1;10.99.0.2", "10.99.0.0/24", "10.99.0.1,fd00:99::2"),
            *("10.99.0.1,10.99.0.1", "10.99.0.1,127.0.0.1", "10.99.0.1,224.0.0.1", "::,fd00:99::1"),
        ),
    ),
    "vni": (
        "a number from 1 to 16777215",
        ("", "0", "16777216", "0x10", "4097,4098", "-1", "\u0661"),
    ),
    "vxlan_port": ("a port from 1 to 65535", ("", "0", "65536", "vxlan")),
    "encrypted": (BOOLEAN, ("perhaps", "2")),
    "wireguard_port": ("a port from 1 to 65535", ("", "0", "65536", "wg0")),
}
for _mode in ("macvlan", "ipvlan"):
    VALUES[_mode] |= {
        "parent": (NAME, _NAMES),
        "vlan": ("a number from 1 to 4094", ("", "0", "4095", "0x10", "007", "ten")),
        "mtu": (BYTES, _MTUS),
        "iface_prefix": (PREFIX, ("", "fourteen-bytes", "a/b")),
        "routes": (ROUTES, _ROUTES),
        "no_default_route": (DEFAULT_ROUTES, ("", "both", "IPv4", "4", "ipv4,ipv6")),
        "host_access": (BOOLEAN, _BOOLEANS),
        "host_address": (HOST_ADDRESSES, ("", "here", "10.50.0.7,10.50.0.8", "10.50.0.0/24")),
        "host_services": (SERVICES, _SERVICES),
        "publish": (PUBLISHERS, ("", "nobody", "Docker")),
    }
FOR_CONTAINERS: Final[dict[str, Values]] = {
    "bridge": {
        "mac": (MAC, ("", "x", "02:11:22:33:44", "01:00:5e:00:00:01", "00:00:00:00:00:00")),
        "spoof_guard": (BOOLEAN, _BOOLEANS),
        "icc_allow": (ADDRESSES, ("", "friend", "10.50.0.3:10.50.0.4")),
        "gateway": (BOOLEAN, _BOOLEANS),
        "rate_to": (RATE, _RATES),
        "rate_from": (RATE, _RATES),
        "name": (
            "a name as web or db-1, of letters, digits and hyphens",
            ("", "a b", "-web", "web_1", "a\nb", "w" * 64, "web.lan"),
        ),
    },
    "overlay": {},
    "macvlan": {
        "mac": (MAC, ("", "02:11:22:33:44:zz", "ff:ff:ff:ff:ff:ff")),
        "name": (
            "a name as web or db-1, of letters, digits and hyphens",
            ("", "a b", "-web", "web_1", "a\nb", "w" * 64, "web.lan"),
        ),
    },
    "ipvlan": {
        "name": (
            "a name as web or db-1, of letters, digits and hyphens",
            ("", "a b", "-web", "web_1", "a\nb", "w" * 64, "web.lan"),
        ),
    },
    "null": {},
}
FOR_CONTAINERS["overlay"] = {
    name: (right, wrong[:2])
    for name, (right, wrong) in FOR_CONTAINERS["bridge"].items()
    if name not in {"gateway", "name"}
}
ON_HOSTS: Final = {"peers": "10.99.0.1,10.99.0.2"}
# What each option needs beside it to be looked at.
BESIDE: Final = {
    "bridge": {},
    "overlay": ON_HOSTS,
    "macvlan": {"parent": "eth0", "host_access": "true"},
    "ipvlan": {"parent": "eth0", "host_access": "true", "host_address": "10.50.0.7,fd00:50::7"},
    "null": {},
}
# Docker's name, the short one that the answer has, and a value of no use.
DOCKERS_NAMES: Final = (
    ("driver.mtu", "mtu", "1", BYTES),
    ("bridge.name", "bridge_name", "a b", NAME),
    ("bridge.enable_ip_masquerade", "masquerade", "perhaps", BOOLEAN),
    ("bridge.enable_icc", "icc", "perhaps", BOOLEAN),
    ("bridge.host_binding_ipv4", "host_binding", "everywhere", "an address of the host"),
    ("bridge.gateway_mode_ipv4", "gateway_mode_ipv4", "open", GATEWAY_MODES),
    ("bridge.gateway_mode_ipv6", "gateway_mode_ipv6", "open", GATEWAY_MODES),
    ("bridge.inhibit_ipv4", "inhibit_ipv4", "perhaps", BOOLEAN),
    ("bridge.trusted_host_interfaces", "trusted_interfaces", "a/b", "link names with ':' between"),
    ("host_ipv4", "host_ipv4", "here", "an IPv4 address of the host"),
    ("host_ipv6", "host_ipv6", "here", "an IPv6 address of the host"),
    ("container_iface_prefix", "iface_prefix", "a/b", PREFIX),
    ("driver.overlay.vxlanid_list", "vni", "4097,4098", "a number from 1 to 16777215"),
    ("driver.overlay.encrypted", "encrypted", "perhaps", BOOLEAN),
)
