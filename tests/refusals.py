"""Everything a user can say wrong with options, and what he is answered.

The unit tests put each case to the driver, the end-to-end tests put all of them to an engine.
None depends on a host: what a parent is refused for is another matter.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

DUAL: Final = ("10.50.0.0/24", "fd00:50::/64")
IPV4: Final = DUAL[:1]
LABEL: Final = "com.docker.network."

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A network, or a container on a network that is fine, and a part of the answer."""

    mode: str
    said: str
    options: dict[str, str] = field(default_factory=dict)
    container: dict[str, str] = field(default_factory=dict)
    internal: bool = False
    subnets: tuple[str, ...] = DUAL

    @property
    def gateways(self) -> dict[str, str]:
        """By subnet, the first address of each."""
        return {each: str(ip_network(each)[1]) for each in self.subnets}

    @property
    def name(self) -> str:
        """What pytest calls it."""
        given = [*self.options.items(), *self.container.items()]
        words = [f"{name}={value}" for name, value in given if (name, value) != ("mode", self.mode)]
        return " ".join([self.mode, *words, *(["--internal"] if self.internal else [])])


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
_BOOLEANS: Final = ("", "perhaps", "2", "on")
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
    },
    "macvlan": {
        "macvlan_mode": ("bridge, private, vepa or passthru", ("", "l2", "Bridge", "source")),
        "dhcp": (BOOLEAN, _BOOLEANS),
        "release_after": (
            "a time as 30m or 12h, 0 or never",
            ("", "1", "h", "-1h", "1d", "1.5h", "always", "9999999h", "8761h"),
        ),
    },
    "ipvlan": {
        "ipvlan_mode": ("l2, l3 or l3s", ("", "L2", "bridge")),
        "ipvlan_flag": ("bridge, private or vepa", ("", "l2", "passthru")),
    },
    "null": {},
}
HOSTS: Final = "addresses of hosts, of one family and each once, with ',' between"
VALUES["overlay"] = {
    # Those of mode bridge are read in one place: the first of each show that they are read here.
    **{
        name: (right, wrong[:2])
        for name, (right, wrong) in VALUES["bridge"].items()
        if name != "gateway_container"
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
    },
    "overlay": {},
    "macvlan": {"mac": (MAC, ("", "02:11:22:33:44:zz", "ff:ff:ff:ff:ff:ff"))},
    "ipvlan": {},
    "null": {},
}
FOR_CONTAINERS["overlay"] = {
    name: (right, wrong[:2])
    for name, (right, wrong) in FOR_CONTAINERS["bridge"].items()
    if name != "gateway"
}
_ON_HOSTS: Final = {"peers": "10.99.0.1,10.99.0.2"}
# What each option needs beside it to be looked at.
_BESIDE: Final = {
    "bridge": {},
    "overlay": _ON_HOSTS,
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

_DOCKER: Final = {"publish": "docker"}
_WAY_OUT: Final = (
    "and with publish=docker the containers' way out of the network is docker_gwbridge"
)
_ITS_PORTS: Final = "and with publish=docker the engine publishes ports, on docker_gwbridge"
_UNGUARDED: Final = (
    "and with publish=docker containers have a second link on docker_gwbridge, which"
)
_PAST: Final = "and with publish=docker containers reach the host by docker_gwbridge, where nothing"

# What each says for itself is fine, and together they mean nothing.
CONTRADICTIONS: Final = (
    Refusal(
        mode="overlay",
        options={**_ON_HOSTS, "wireguard_port": "51841"},
        said="option wireguard_port is for networks that are encrypted; give encrypted=true too",
    ),
    Refusal(
        mode="overlay",
        options={"peers": "10.99.0.1,10.50.0.77"},
        said="peers is '10.50.0.77', expected addresses of hosts, outside of the network's own",
    ),
    Refusal(
        mode="overlay",
        said="mode overlay is for several hosts, and none are named; give their addresses",
    ),
    Refusal(
        mode="overlay",
        options={"peers": "192.0.2.77,192.0.2.78"},
        said="option peers is 192.0.2.77, 192.0.2.78, and none of these is an address of this host",
    ),
    Refusal(
        mode="overlay",
        options={**_ON_HOSTS, "gateway_mode_ipv4": "isolated"},
        said="which a network can be with --internal only; add --internal or choose another mode",
    ),
    Refusal(
        mode="bridge",
        options={"gateway_mode_ipv4": "isolated"},
        said="which a network can be with --internal only; add --internal or choose another mode",
    ),
    Refusal(
        mode="bridge",
        options={"gateway_mode_ipv6": "isolated"},
        said="option gateway_mode_ipv6 is isolated, which a network can be with --internal only",
    ),
    Refusal(
        mode="bridge",
        options={"gateway_mode_ipv4": "routed", "host_ipv4": "10.99.0.1"},
        said="host_ipv4 is 10.99.0.1, and gateway_mode_ipv4=routed translates no addresses; leave",
    ),
    Refusal(
        mode="bridge",
        options={"gateway_mode_ipv6": "routed", "host_ipv6": "fd00:99::1"},
        said="host_ipv6 is fd00:99::1, and gateway_mode_ipv6=routed translates no addresses; leave",
    ),
    Refusal(
        mode="bridge",
        options={"mtu": "1279"},
        said="mtu is '1279', expected at least 1280 bytes on a network with IPv6",
    ),
    Refusal(
        mode="bridge",
        options=_DOCKER,
        internal=True,
        said="publish is docker, and an internal network publishes nothing; leave out publish or",
    ),
    Refusal(
        mode="bridge",
        options={"gateway_container": "10.50.0.9"},
        internal=True,
        said="gateway_container is 10.50.0.9, and containers have no gateway with --internal",
    ),
    Refusal(
        mode="bridge",
        options={"trusted_interfaces": "eth0"},
        internal=True,
        said="trusted_interfaces is eth0, and an internal network is closed to every link of the",
    ),
    *(
        Refusal(
            mode="bridge", options={**_DOCKER, name: value}, said=f"option {name} is {value}, {why}"
        )
        for why, given in (
            (_PAST, {"host_services": "deny"}),
            (_UNGUARDED, {"spoof_guard": "true"}),
            (
                _ITS_PORTS,
                {
                    "host_binding": "127.0.0.1",
                    "userland_proxy": "false",
                    "isolation": "strict",
                    "trusted_interfaces": "eth0",
                },
            ),
            (
                _WAY_OUT,
                {
                    "masquerade": "false",
                    "host_ipv4": "10.99.0.1",
                    "host_ipv6": "fd00:99::1",
                    "gateway_mode_ipv4": "routed",
                    "gateway_mode_ipv6": "nat-unprotected",
                    "gateway_container": "10.50.0.9",
                    "rate_to": "1mbit",
                    "rate_from": "1mbit",
                },
            ),
        )
        for name, value in given.items()
    ),
    *(
        Refusal(
            mode="bridge",
            options={"gateway_container": value},
            said=f"gateway_container is {value!r}, expected an address that a container can have",
        )
        for value in ("10.50.0.1", "fd00:50::1", "10.50.0.0", "10.50.0.255", "fd00:50::")
    ),
    Refusal(
        mode="bridge",
        options={"routes": "10.8.0.0/16 via 10.51.0.2"},
        said="routes is 'via 10.51.0.2', expected a next hop in a subnet of the network",
    ),
    *(
        Refusal(
            mode=mode,
            options={"routes": "0.0.0.0/0 via 10.50.0.9", **others},
            internal=internal,
            said=f"option routes has 0.0.0.0/0 via 10.50.0.9{said}",
        )
        for mode in ("bridge", "macvlan", "ipvlan")
        for others, internal, said in (
            ({}, True, ", and a network with --internal has no way out; leave out one of them"),
            ({"no_default_route": "true"}, False, ", and no_default_route is true; leave out"),
            ({"no_default_route": "ipv4"}, False, ", and no_default_route is ipv4; leave out"),
            (
                {"publish": "docker", **({} if mode == "bridge" else {"parent": "eth0"})},
                False,
                ", and a network with publish=docker has docker_gwbridge for its way out",
            ),
            (
                {"routes": "0.0.0.0/0 via 10.50.0.9; 0.0.0.0/0 via 10.50.0.8"},
                False,
                " and another of IPv4; leave out one of them",
            ),
        )
    ),
    *(
        Refusal(
            mode=mode,
            options={**_DOCKER, "no_default_route": "true", **beside},
            said=said,
        )
        for mode, beside, said in (
            ("bridge", {}, f"option no_default_route is true, {_WAY_OUT}"),
            ("macvlan", {"parent": "eth0"}, "no_default_route is true, and a network with publish"),
            ("ipvlan", {"parent": "eth0"}, "no_default_route is true, and a network with publish"),
        )
    ),
    *(
        Refusal(
            mode="ipvlan",
            options={"parent": "eth0", "ipvlan_mode": mode, "routes": "::/0 via fd00:50::9"},
            said=f"and a network with ipvlan_mode={mode} has no neighbours to ask; leave out",
        )
        for mode in ("l3", "l3s")
    ),
    Refusal(
        mode="bridge",
        options={"gateway_container": "10.50.0.9", "routes": "0.0.0.0/0 via 10.50.0.8"},
        said="gateway_container is 10.50.0.9, and routes has a default route of its family",
    ),
    Refusal(
        mode="bridge",
        options={"gateway_container": "10.50.0.9", "no_default_route": "ipv4"},
        said="gateway_container is 10.50.0.9, and no container has a gateway with no_default_route",
    ),
    Refusal(
        mode="bridge",
        options={"routes": "::/0 via fd00:51::1"},
        said="routes is 'via fd00:51::1', expected a next hop in a subnet of the network",
    ),
    Refusal(
        mode="bridge",
        options={"routes": "fd00:8::/64"},
        subnets=IPV4,
        said="routes is 'fd00:8::/64', expected routes of families that the network has",
    ),
    Refusal(
        mode="bridge",
        options={"icc": "true", f"{LABEL}bridge.enable_icc": "false"},
        said="set only one of them",
    ),
    Refusal(
        mode="bridge",
        container={"icc_allow": "10.50.0.3"},
        said="icc_allow is 10.50.0.3, and on this network all containers reach each other; leave",
    ),
    Refusal(
        mode="bridge",
        options={"icc": "false"},
        container={"icc_allow": "10.50.0.3,10.51.0.3"},
        said="icc_allow is '10.51.0.3', expected an address of the network",
    ),
    Refusal(
        mode="bridge",
        options={"gateway_container": "10.50.0.9"},
        container={"gateway": "true"},
        said="gateway is 'true', expected the address that the network's gateway_container names",
    ),
    *(
        Refusal(
            mode="bridge",
            options=_DOCKER,
            container={name: "1mbit"},
            said=f"option {name} is 1mbit, {_WAY_OUT}",
        )
        for name in ("rate_to", "rate_from")
    ),
    Refusal(
        mode="macvlan", options={"vlan": "7"}, said="vlan is 7, and there is no parent to have"
    ),
    Refusal(mode="ipvlan", options={"vlan": "7"}, said="vlan is 7, and there is no parent to have"),
    *(
        refusal
        for mode in ("macvlan", "ipvlan")
        for refusal in (
            Refusal(
                mode=mode,
                options=_DOCKER,
                said="publish is docker, and a network without a parent is isolated; set parent, or",
            ),
            Refusal(
                mode=mode,
                options={**_DOCKER, "parent": "eth0"},
                internal=True,
                said="publish is docker, and an internal network publishes nothing; leave out",
            ),
            Refusal(
                mode=mode,
                options={**_BESIDE[mode], **_DOCKER, "host_services": "deny"},
                said=f"option host_services is deny, {_PAST}",
            ),
            Refusal(
                mode=mode,
                options={**_BESIDE[mode], "host_address": "10.50.0.1,fd00:50::7"},
                said="host_address is '10.50.0.1', expected an unused address other than the gateway's",
            ),
            Refusal(
                mode=mode,
                options={"parent": "eth0", "host_address": "10.50.0.7"},
                said="option host_address is about how containers reach the host",
            ),
            Refusal(
                mode=mode,
                options={"parent": "eth0", "host_services": "deny"},
                said="option host_services is about how containers reach the host",
            ),
            Refusal(
                mode=mode,
                options={"parent": "eth0", "mtu": "1279"},
                said="mtu is '1279', expected at least 1280 bytes on a network with IPv6",
            ),
        )
    ),
    Refusal(
        mode="macvlan",
        options={"dhcp": "true"},
        said="dhcp is true, and there is no DHCP server on an isolated network; say parent",
    ),
    Refusal(
        mode="macvlan",
        options={"parent": "eth0", "dhcp": "true"},
        subnets=("10.50.0.0/24",),
        said="whose addresses its IPAM gives out; create it with --ipam-driver null",
    ),
    Refusal(
        mode="macvlan",
        options={"parent": "eth0", "release_after": "2h"},
        said="release_after is '2h', and nothing is leased without dhcp=true",
    ),
    *(
        Refusal(
            mode="macvlan",
            options={"parent": "eth0", "host_access": "true", "macvlan_mode": mode},
            said=f"a link with macvlan_mode={mode} exchanges nothing with other links",
        )
        for mode in ("private", "vepa", "passthru")
    ),
    *(
        Refusal(
            mode="ipvlan",
            options={**_BESIDE["ipvlan"], "ipvlan_flag": flag},
            said=f"a link with ipvlan_flag={flag} exchanges nothing with other links",
        )
        for flag in ("private", "vepa")
    ),
    *(
        Refusal(
            mode="ipvlan",
            options={**_BESIDE["ipvlan"], "ipvlan_mode": mode, "host_services": "deny"},
            said=f"host_services is 'deny', and with ipvlan_mode={mode} containers reach",
        )
        for mode in ("l3", "l3s")
    ),
    Refusal(
        mode="ipvlan",
        options={"host_access": "true", "host_address": "10.50.0.7"},
        said="an isolated ipvlan network has no MAC address to know its containers by",
    ),
    Refusal(
        mode="ipvlan",
        options={"parent": "eth0"},
        container={"mac": "02:11:22:33:44:55"},
        said="MAC address 02:11:22:33:44:55 is not possible in mode ipvlan",
    ),
)
UNKNOWN: Final = (
    Refusal(
        mode="overlay",
        options={"gateway_container": "10.50.0.9"},
        said="option gateway_container is unknown in mode overlay; it belongs to mode bridge: add -o",
    ),
    Refusal(
        mode="bridge", options={"vni": "7"}, said="it belongs to mode overlay: add -o mode=ove"
    ),
    Refusal(
        mode="bridge",
        options={"mtuu": "1400"},
        said="option mtuu is unknown in mode bridge; did you mean mtu?",
    ),
    Refusal(
        mode="bridge",
        options={"parent": "eth0"},
        said="unknown in mode bridge; it belongs to mode macvlan or ipvlan: add -o mode=macvlan",
    ),
    Refusal(
        mode="bridge",
        options={f"{LABEL}bridge.enable_iccc": "false"},
        said="did you mean com.docker.network.bridge.enable_icc?",
    ),
    Refusal(
        mode="bridge",
        options={f"{LABEL}endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1"},
        said="it is an option of a container: --network name=NETWORK,driver-opt=com.docker.network",
    ),
    Refusal(mode="bridge", options={"mac": "02:11:22:33:44:55"}, said="option of a container"),
    Refusal(mode="bridge", options={"bridge.enable_icc": "false"}, said="the option is called com"),
    Refusal(mode="macvlan", options={"parnet": "eth0"}, said="did you mean parent?"),
    Refusal(mode="ipvlan", options={"macvlan_mode": "bridge"}, said="it belongs to mode macvlan"),
    Refusal(
        mode="null", options={"mtu": "1400"}, said="option mtu is unknown in mode null; it bel"
    ),
    Refusal(mode="bridge", container={"icc_alow": "10.50.0.3"}, said="did you mean icc_allow?"),
    Refusal(mode="bridge", container={"mtu": "1400"}, said="it belongs to a network"),
    Refusal(mode="null", container={"mac": "02:11:22:33:44:55"}, said="mode null; it has none"),
)


_NETWORK_OF: Final = {
    "bridge": {"icc": "false"},
    "overlay": {"icc": "false", **_ON_HOSTS},
    "macvlan": {"parent": "eth0"},
    "ipvlan": {"parent": "eth0"},
}


def of_networks() -> Iterator[Refusal]:
    """Everything that ``docker network create`` is refused for."""
    for mode, values in VALUES.items():
        for option, (right, wrong) in values.items():
            for value in wrong:
                yield Refusal(
                    mode=mode,
                    options={**_BESIDE[mode], option: value},
                    said=f"option {option} is {value!r}, expected {right}",
                )
    for label, option, value, right in DOCKERS_NAMES:
        beside = {"mode": "overlay", **_ON_HOSTS} if option in {"vni", "encrypted"} else {}
        yield Refusal(
            mode=beside.get("mode", "bridge"),
            options={**beside, LABEL + label: value},
            said=f"option {option} is {value!r}, expected {right}",
        )
    yield from (each for each in (*CONTRADICTIONS, *UNKNOWN) if not each.container)


def of_containers() -> Iterator[Refusal]:
    """Everything that ``docker network connect`` is refused for."""
    for mode, values in FOR_CONTAINERS.items():
        for option, (right, wrong) in values.items():
            for value in wrong:
                yield Refusal(
                    mode=mode,
                    options=_NETWORK_OF[mode],
                    container={option: value},
                    said=f"option {option} is {value!r}, expected {right}",
                )
    yield from (each for each in (*CONTRADICTIONS, *UNKNOWN) if each.container)
