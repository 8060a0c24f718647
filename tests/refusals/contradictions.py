"""Options of bridges and overlays, or of every mode, that mean nothing together."""

from typing import Final

from tests.refusals.case import IPV4, LABEL, Refusal
from tests.refusals.values import ON_HOSTS

DOCKER: Final = {"publish": "docker"}
WAY_OUT: Final = "and with publish=docker the containers' way out of the network is docker_gwbridge"
ITS_PORTS: Final = "and with publish=docker the engine publishes ports, on docker_gwbridge"
UNGUARDED: Final = "and with publish=docker containers have a second link on docker_gwbridge, which"
PAST: Final = "and with publish=docker containers reach the host by docker_gwbridge, where nothing"

# What each says for itself is fine.
CONTRADICTIONS: Final = (
    Refusal(
        mode="overlay",
        options={**ON_HOSTS, "wireguard_port": "51841"},
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
        options={**ON_HOSTS, "gateway_mode_ipv4": "isolated"},
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
        options=DOCKER,
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
            mode="bridge", options={**DOCKER, name: value}, said=f"option {name} is {value}, {why}"
        )
        for why, given in (
            (PAST, {"host_services": "deny"}),
            (UNGUARDED, {"spoof_guard": "true"}),
            (
                ITS_PORTS,
                {
                    "host_binding": "127.0.0.1",
                    "userland_proxy": "false",
                    "isolation": "strict",
                    "trusted_interfaces": "eth0",
                },
            ),
            (
                WAY_OUT,
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
            options={"routes": "10.8.0.0/16; 10.9.0.0/16; 10.8.0.0/16 via 10.50.0.8"},
            said="option routes has two routes to 10.8.0.0/16; leave out one of them",
        )
        for mode in ("bridge", "macvlan", "ipvlan")
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
                ", and there is another default route of IPv4; leave out one of them",
            ),
        )
    ),
    *(
        Refusal(
            mode=mode,
            options={**DOCKER, "no_default_route": "true", **beside},
            said=said,
        )
        for mode, beside, said in (
            ("bridge", {}, f"option no_default_route is true, {WAY_OUT}"),
            ("macvlan", {"parent": "eth0"}, "no_default_route is true, and a network with publish"),
            ("ipvlan", {"parent": "eth0"}, "no_default_route is true, and a network with publish"),
        )
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
            options=DOCKER,
            container={name: "1mbit"},
            said=f"option {name} is 1mbit, {WAY_OUT}",
        )
        for name in ("rate_to", "rate_from")
    ),
)
