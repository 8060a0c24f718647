"""Options of macvlan and ipvlan that mean nothing together."""

from typing import Final

from tests.refusals.case import Refusal
from tests.refusals.contradictions import DOCKER, PAST
from tests.refusals.values import BESIDE

ON_PARENTS: Final = (
    *(
        Refusal(
            mode="ipvlan",
            options={"parent": "eth0", "ipvlan_mode": mode, "routes": "::/0 via fd00:50::9"},
            said=f"and a network with ipvlan_mode={mode} has no neighbours to ask; leave out",
        )
        for mode in ("l3", "l3s")
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
                options=DOCKER,
                said="publish is docker, and a network without a parent is isolated; set parent, or",
            ),
            Refusal(
                mode=mode,
                options={**DOCKER, "parent": "eth0"},
                internal=True,
                said="publish is docker, and an internal network publishes nothing; leave out",
            ),
            Refusal(
                mode=mode,
                options={**BESIDE[mode], **DOCKER, "host_services": "deny"},
                said=f"option host_services is deny, {PAST}",
            ),
            Refusal(
                mode=mode,
                options={**BESIDE[mode], "host_address": "10.50.0.1,fd00:50::7"},
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
        options={
            "parent": "eth0",
            "dhcp": "true",
            "servers": "10.0.0.1,10.0.0.2",
            "deny_servers": "10.0.0.9,10.0.0.2",
        },
        subnets=(),
        said="deny_servers is 10.0.0.9,10.0.0.2, and servers has 10.0.0.2, too; leave it out of one",
    ),
    *(
        Refusal(
            mode=mode,
            options={**BESIDE.get(mode, {}), option: value},
            said=f"option {option} is {value!r}, and nothing is leased without dhcp=true; say dhcp=true",
        )
        for mode in ("bridge", "macvlan", "ipvlan")
        for option, value in (
            ("servers", "10.0.0.1"),
            ("deny_servers", "10.0.0.1"),
            ("vendor_class", "docker"),
            ("user_class", "lab"),
            ("use_routes", "false"),
            ("use_mtu", "false"),
            ("fqdn", "server"),
            ("conflict", "wait"),
            ("identity", "lan"),
            ("require", "true"),
        )
    ),
    *(
        Refusal(
            mode=mode,
            options={**BESIDE.get(mode, {}), "gateway": "10.50.0.9"},
            said="gateway is '10.50.0.9', and nothing is leased without dhcp=true; say dhcp=true, or "
            "say --gateway in its place",
        )
        for mode in ("bridge", "macvlan", "ipvlan")
    ),
    *(
        Refusal(
            mode=mode,
            options={**beside, "dhcp": "true", **others},
            subnets=(),
            said=said,
        )
        for mode, beside in (
            ("bridge", {"bridge_name": "br-lan"}),
            ("macvlan", {"parent": "eth0"}),
            ("ipvlan", {"parent": "eth0"}),
        )
        for others, said in (
            (
                {"gateway": "10.50.0.9", "no_default_route": "ipv4"},
                "gateway is 10.50.0.9, and no_default_route is ipv4; leave out one of them",
            ),
            (
                {"gateway": "10.50.0.9", "routes": "0.0.0.0/0 via 10.50.0.8"},
                "via 10.50.0.8, and there is another default route of IPv4; leave out one of them",
            ),
            (
                {"gateway": "none", "routes": "0.0.0.0/0 via 10.50.0.8"},
                "via 10.50.0.8, and gateway is none; leave out one of them",
            ),
            (
                {
                    "gateway": "none",
                    "no_default_route": "ipv6",
                    "routes": "0.0.0.0/0 via 10.50.0.8",
                },
                "via 10.50.0.8, and gateway is none; leave out one of them",
            ),
        )
    ),
    *(
        Refusal(
            mode=mode,
            options={"parent": "eth0", "dhcp": "true", "gateway": "10.50.0.9"},
            subnets=(),
            internal=True,
            said="gateway is 10.50.0.9, and a network with --internal has no way out; leave out",
        )
        for mode in ("macvlan", "ipvlan")
    ),
    *(
        Refusal(
            mode=mode,
            options={"parent": "eth0", "dhcp": "true", "publish": "docker", "gateway": gateway},
            subnets=(),
            said=f"gateway is {gateway}, and a network with publish=docker has docker_gwbridge",
        )
        for mode in ("macvlan", "ipvlan")
        for gateway in ("none", "10.50.0.9")
    ),
    Refusal(
        mode="bridge",
        options={"dhcp": "true"},
        said="a bridge of the network's own leads to no LAN; set bridge_name",
    ),
    Refusal(
        mode="bridge",
        options={"dhcp": "true", "bridge_name": "br-lan"},
        internal=True,
        said="containers are on the LAN itself; leave out --internal",
    ),
    *(
        Refusal(
            mode="bridge",
            options={"dhcp": "true", "bridge_name": "br-lan", option: value},
            said=f"option {option} is {value}, and with dhcp=true the host has no part",
        )
        for option, value in (
            ("masquerade", "false"),
            ("gateway_mode_ipv4", "routed"),
            ("icc", "false"),
            ("host_ipv4", "10.0.0.1"),
            ("publish", "docker"),
        )
    ),
    Refusal(
        mode="bridge",
        options={"release_after": "2h"},
        said="release_after is '2h', and nothing is leased without dhcp=true",
    ),
    *(
        Refusal(
            mode="ipvlan",
            options={"parent": "eth0", "dhcp": "true", "ipvlan_mode": mode},
            subnets=(),
            said=f"no broadcast reaches containers with ipvlan_mode={mode}; choose ipvlan_mode=l2",
        )
        for mode in ("l3", "l3s")
    ),
    Refusal(
        mode="macvlan",
        options={"parent": "eth0", "ipv6": "slaac"},
        said="ipv6 is 'slaac', and nothing is leased without dhcp=true",
    ),
    Refusal(
        mode="macvlan",
        options={"parent": "eth0", "dhcp": "true", "ipv6": "slaac", "mtu": "1279"},
        subnets=(),
        said="at least 1280 bytes on a network with IPv6",
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
            options={**BESIDE["ipvlan"], "ipvlan_flag": flag},
            said=f"a link with ipvlan_flag={flag} exchanges nothing with other links",
        )
        for flag in ("private", "vepa")
    ),
    *(
        Refusal(
            mode="ipvlan",
            options={**BESIDE["ipvlan"], "ipvlan_mode": mode, "host_services": "deny"},
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
