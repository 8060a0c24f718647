"""A network on several hosts, as one of them has it; the others need not be there."""

from dataclasses import replace
from typing import Final

from tests.reliability.crash.script import OWN_PORT, Scene, port

OWN: Final = "192.0.2.1"
OTHERS: Final = ("192.0.2.2", "192.0.2.3")

OVERLAY: Final = Scene(
    name="overlay, dual stack, a port",
    subnets=("10.1.0.0/24", "fd00:1::/64"),
    options={"mode": "overlay", "peers": ",".join((OWN, *OTHERS)), "icc": "false"},
    ports=(port(80, 8080),),
    host=(
        "link add up0 up type veth peer name up1",
        "link set up1 up",
        f"address add {OWN}/24 dev up0",
    ),
)
ENCRYPTED: Final = replace(
    OVERLAY,
    name="overlay, encrypted",
    options={
        "mode": "overlay",
        "peers": ",".join((OWN, *OTHERS)),
        "encrypted": "true",
        "wireguard_port": OWN_PORT,
    },
)
