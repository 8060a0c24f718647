"""Networks that between them use every kind of thing a host can hold for one."""

from typing import Final

from tests.reliability.crash.leased import LEASED
from tests.reliability.crash.overlay import ENCRYPTED, OVERLAY
from tests.reliability.crash.script import Scene, port

DUAL: Final = ("10.1.0.0/24", "fd00:1::/64")
UPLINK: Final = (
    "link add up0 up type veth peer name up1",
    "link set up1 up",
    "address add 10.1.0.9/24 dev up0",
    "address add fd00:1::9/64 dev up0 nodad",
)

SCENES: Final = (
    Scene(
        name="dual stack, ports of TCP and UDP",
        subnets=DUAL,
        ports=(port(80, 8080), port(53, 5353, protocol=17)),
    ),
    Scene(
        name="IPv4, carried ports, rates, containers apart",
        subnets=DUAL[:1],
        options={"icc": "false", "rate_to": "10mbit", "rate_from": "10mbit"},
        ports=(port(80, 8080, host_ip="::"), port(81, 8081)),
    ),
    Scene(name="internal", subnets=DUAL, internal=True),
    Scene(
        name="an existing bridge",
        subnets=DUAL[:1],
        options={"bridge_name": "br0"},
        ports=(port(80, 8080),),
        host=("link add br0 up type bridge",),
    ),
    Scene(
        name="macvlan, the host among its containers, a port",
        subnets=DUAL,
        options={
            "mode": "macvlan",
            "parent": "up0",
            "host_access": "true",
            "host_services": "53/udp",
        },
        ports=(port(80, 8080),),
        host=UPLINK,
    ),
    OVERLAY,
    ENCRYPTED,
    LEASED,
    Scene(name="macvlan without a parent", subnets=DUAL[:1], options={"mode": "macvlan"}),
    Scene(name="null", subnets=DUAL[:1], options={"mode": "null"}),
)
