"""Every dropped packet is counted by its reason, and no other is."""

import socket
from typing import Final

import pytest

from plugin.firewall import skeleton
from plugin.firewall.drop_reasons import COUNTED, REASONS, counter_of
from plugin.kernel.netlink.nf_transactions import NfTables
from tests.kernel.forgeries import DUAL, FORGERIES
from tests.kernel.netns import Netns
from tests.kernel.site import HOST4, Container, Site

PORT: Final = 7000
TRIES: Final = 3
# The forgeries of each promise, and the reasons for which they may be dropped.
GUARDED: Final = {
    "own-mac-address": {"mac"},
    "own-ip-address": {"address", "neighbour"},
    "own-arp": {"arp"},
    "own-neighbour-discovery": {"neighbour", "address"},
    "no-dhcp-server": {"dhcp", "protocol"},
    "no-router": {"router", "neighbour"},
    "known-protocols": {"protocol"},
}


def counted(site: Site) -> dict[str, int]:
    return {reason: packets for reason, packets in site.firewall.dropped().items() if packets}


def tell(container: Container | Netns, address: str) -> None:
    """Send some datagrams."""
    netns = container.netns if isinstance(container, Container) else container
    with netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        for _ in range(TRIES):
            mouth.sendto(b"word", (address, PORT))


def test_what_is_routed(site: Site) -> None:
    """Each reason by packets that have no other fault."""
    options: dict[str, dict[str, object]] = {
        "blue": {},
        "strict": {"options": {"isolation": "strict"}},
        "internal": {"internal": True},
        "closed": {"options": {"host_services": "deny"}},
    }
    found = {
        name: site.container(site.network(name, f"10.{number}.0.0/24", **changes), 2)
        for number, (name, changes) in enumerate(options.items(), 1)
    }
    site.network("green", "10.9.0.0/24")
    green = site.container(site.network("olive", "10.10.0.0/24"), 2)
    before = counted(site)
    tell(green, str(found["blue"].address4))
    tell(green, str(found["strict"].address4))
    tell(green, str(found["internal"].address4))
    tell(found["closed"], str(HOST4))
    after = counted(site)

    assert before == {}
    assert after == {
        "unpublished": TRIES,
        "isolation": TRIES,
        "internal": TRIES,
        "host_services": TRIES,
    }


def test_containers_that_are_kept_apart(site: Site) -> None:
    """A bridge drops what they tell each other."""
    network = site.network("apart", *DUAL, options={"icc": "false"})
    one, two = site.container(network, 2), site.container(network, 3)
    neighbour = f"neighbour replace {two.address4} lladdr {two.endpoint.mac_address} dev eth0"
    one.netns.ip(neighbour)
    tell(one, str(two.address4))

    assert counted(site)["icc"] >= TRIES


@pytest.mark.parametrize("promise", sorted(GUARDED))
def test_what_the_guards_drop(site: Site, promise: str) -> None:
    """By what was wrong."""
    liar = site.container(site.network("blue", *DUAL), 2)
    forgeries = FORGERIES[promise]
    with liar.netns.socket(socket.AF_PACKET, socket.SOCK_RAW) as mouth:
        mouth.bind(("eth0", 0))
        for frame in forgeries.values():
            mouth.send(frame)
    found = counted(site)

    assert found.keys() <= GUARDED[promise], found
    assert sum(found.values()) == len(forgeries)


def test_every_reason_has_a_counter_that_a_rule_moves(netns: Netns) -> None:
    """A counter without one would always say nothing was dropped."""
    rules = [line for line in skeleton.script(0x800).splitlines() if line.startswith("add rule")]
    for family, reasons in COUNTED.items():
        for reason in reasons:
            wanted = f"counter name {counter_of(reason)} "
            assert any(wanted in rule and f" {family} " in rule for rule in rules), reason

    assert {reason for reasons in COUNTED.values() for reason in reasons} == REASONS.keys()


def test_counts_stay_when_rules_are_made_again(netns: Netns) -> None:
    """Of a version of pynet that has other rules, or after a program changed them."""
    with netns.entered():
        NfTables().lay(skeleton.tables(0x800))
    netns.ip("link set lo up", "route add local 10.7.0.0/24 dev lo")
    netns.run("nft", "add rule inet pynet pn_output counter name pn_drop_loopback")
    netns.run("nft", "add counter inet pynet pn_drop_gone")
    with netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        mouth.sendto(b"word", ("10.7.0.1", PORT))
    with netns.entered():
        tables = NfTables()
        before = tables.counts("inet", "pynet")
        tables.lay(skeleton.tables(0x800))
        after = tables.counts("inet", "pynet")

    assert before.pop("pn_drop_gone") == 0
    assert before["pn_drop_loopback"] > 0
    assert after == before
