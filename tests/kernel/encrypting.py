"""Encrypted networks on several hosts, for the tests of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from plugin.model.ids import wireguard_name
from plugin.model.network import Network
from plugin.model.tunnels import inner_address
from tests.kernel.netns import Netns
from tests.kernel.spanning import HOSTS4, Spanning

WIREGUARD: Final = 20000 + os.getpid() % 20000
VNI: Final = 91
HERE: Final = ip_address(HOSTS4[0])
THERE: Final = ip_address(HOSTS4[1])
LINK: Final = wireguard_name(HERE, WIREGUARD)


@contextmanager
def encrypting_hosts() -> Iterator[Spanning]:
    """One set for all tests of a file; processes end with their links."""
    made = Spanning()
    yield made
    for number in range(len(made.sites)):
        with made.on(number) as site:
            for network in site.store.networks():
                site.networks.delete(network.id)
            site.kernel.settle()
    made.close()


def encrypted(
    hosts: Spanning,
    name: str,
    *subnets: str,
    among: tuple[str, ...] = HOSTS4[:2],
    **options: str,
) -> list[Network]:
    given = {"encrypted": "true", "wireguard_port": str(WIREGUARD), **options}
    return hosts.network(name, *subnets, hosts=among, **given)


def heal(hosts: Spanning) -> None:
    with hosts.on(0) as site:
        site.healer.heal()


def peers(host: Netns, link: str = LINK) -> set[str]:
    """What the peers of a link may speak from, as ``wg`` has it."""
    shown = host.run("wg", "show", link, "allowed-ips")
    return {line.split("\t")[1] for line in shown.splitlines()}


def inner_text(host: str) -> str:
    """What a peer at the address ``host`` may speak from."""
    return f"{inner_address(ip_address(host), WIREGUARD)}/128"


def runs(link: str) -> set[str]:
    """The processes that have a link; none where the kernel has it."""
    found = set()
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if link.encode() in each.read_bytes().split(b"\0"):
                found.add(each.parent.name)
        except OSError:
            continue
    return found
