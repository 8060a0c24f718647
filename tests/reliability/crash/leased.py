"""Networks whose addresses a DHCP server gives: dnsmasq, at the other end of the parent."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.kernel.netns import wait_until
from tests.reliability.crash.script import Scene
from tests.reliability.crash.server import die_with_parent

FILE: Final = "dnsmasq.leases"
_LAN: Final = (
    "link add up0 up type veth peer name up1",
    "link set up1 up",
    "address add 10.1.0.1/24 dev up1",
)

LEASED: Final = Scene(
    name="macvlan, leased",
    subnets=("10.1.0.0/24",),
    options={
        "mode": "macvlan",
        "parent": "up0",
        "dhcp": "true",
        "conflict": "off",
        "release_after": "0",
    },
    host=_LAN,
    leased=True,
)


@contextmanager
def serving(scene: Scene, directory: Path) -> Iterator[None]:
    """Start a server where the scene needs one, in the namespace of the caller."""
    if not scene.leased:
        yield
        return
    process = subprocess.Popen(
        [
            *(
                "dnsmasq",
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--port=0",
                "--user=root",
            ),
            *("--interface=up1", "--bind-interfaces", "--no-ping", "--dhcp-authoritative"),
            *("--dhcp-range=10.1.0.2,10.1.0.99,infinite", f"--dhcp-leasefile={directory / FILE}"),
            *(f"--pid-file={directory / 'dnsmasq.pid'}", f"--log-facility={directory / 'dnsmasq'}"),
        ],
        preexec_fn=die_with_parent,  # noqa: PLW1509 - forks from the walk's one thread
    )
    try:
        udp = Path("/proc/thread-self/net/udp")
        wait_until(lambda: ":0043 " in udp.read_text(), "dnsmasq does not listen")
        yield
    finally:
        process.kill()
        process.wait()
