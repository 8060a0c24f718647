"""One suite, three firewalls: what a caller of plugin.firewall may rely on."""

from typing import Final

import pytest

from plugin import deadline
from plugin.errors import FirewallError
from plugin.firewall import skeleton
from plugin.firewall.base import Firewall
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.nftables import NftablesFirewall
from plugin.kernel.netlink.nf_transactions import NfTables
from plugin.model.rules import Element
from tests.fakes.firewall import MemoryFirewall
from tests.kernel.netns import Netns

MARK: Final = 0x800

BRIDGE: Final = Element(container="pn_bridges", match=('"pnb-1"',))
SAME: Final = Element(container="pn_same", match=('"pnb-1"', '"pnb-1"'))
SUBNET: Final = Element(container="pn_subnets4", match=("10.1.0.0/24",))
NEXT_SUBNET: Final = Element(container="pn_subnets4", match=("10.1.1.0/24",))
PORT: Final = Element(container="pn_ports4", match=("tcp", "80"), data=("10.1.0.2", "8080"))
SAME_PORT: Final = Element(container="pn_ports4", match=("tcp", "80"), data=("10.1.0.3", "8080"))
EVERY_KIND: Final = (
    BRIDGE,
    SAME,
    Element(container="pn_internal", match=('"pnb-1"',)),
    SUBNET,
    Element(container="pn_subnets4", match=("10.9.9.9/32",)),
    Element(container="pn_subnets6", match=("fd00:1::/64",)),
    Element(container="pn_masquerade4", match=("10.1.0.0/16",)),
    Element(container="pn_masquerade6", match=("fd00:1::/64",)),
    PORT,
    Element(container="pn_ports4", match=("udp", "53"), data=("10.1.0.2", "53")),
    Element(container="pn_host_ports4", match=("127.0.0.1", "tcp", "80"), data=("10.1.0.2", "80")),
    Element(container="pn_ports6", match=("tcp", "80"), data=("fd00:1::2", "80")),
    Element(container="pn_host_ports6", match=("fd00::9", "udp", "80"), data=("fd00:1::2", "80")),
    Element(container="pn_ports4", match=("sctp", "36412"), data=("10.1.0.2", "36412")),
    *(
        Element(container=name, match=('"pnb-1"',))
        for name in (
            *("pn_adopted", "pn_outside"),
            *("pn_strict", "pn_open", "pn_docker", "pn_host_closed", "pn_separate", "pn_guarded"),
            "pn_shims",
            *("pn_unprotected4", "pn_unprotected6", "pn_routed4", "pn_routed6"),
        )
    ),
    Element(container="pn_trusted", match=('"eth0"', '"pnb-1"')),
    Element(container="pn_gateways", match=('"pnb-1"', "02:00:00:00:00:0a")),
    Element(container="pn_host_services", match=('"pnb-1"', "udp", "53")),
    Element(container="pn_host_services", match=('"pnb-1"', "sctp", "9")),
    Element(container="pn_carried", match=("tcp", "8080")),
    Element(container="pn_host_carried", match=("fd00:99::2", "udp", "8080")),
    Element(container="pn_strict_carried", match=("tcp", "8080")),
    Element(container="pn_strict_host_carried", match=("fd00:99::2", "udp", "8080")),
    Element(container="pn_routed_ports4", match=("10.1.0.2", "tcp", "80")),
    Element(container="pn_routed_ports6", match=("fd00:1::2", "udp", "80")),
    Element(container="pn_sources4", match=("10.1.0.0/24",), data=("192.0.2.2",)),
    Element(container="pn_sources6", match=("fd00:1::/64",), data=("fd00:99::2",)),
    Element(container="pn_guard_mac", match=('"pnv-1"', "02:00:00:00:00:0a")),
    Element(container="pn_guard_lladdr6", match=('"pnv-1"', hex(0x0200_0000_000A))),
    Element(container="pn_guard4", match=('"pnv-1"', "10.1.0.2")),
    Element(container="pn_guard6", match=('"pnv-1"', "fe80::ff:fe00:2")),
    Element(container="pn_guard_target6", match=('"pnv-1"', hex(0xFE80 << 112 | 2))),
    Element(container="pn_guard_target6", match=('"pnv-1"', hex(0xFD00 << 112 | 1 << 127))),
    Element(container="pn_shim4", match=('"pnh-1"', "02:00:00:00:00:0a", "10.1.0.2")),
    Element(container="pn_shim6", match=('"pnh-1"', "02:00:00:00:00:0a", "fe80::ff:fe00:2")),
    Element(container="pn_shim_sources4", match=("10.1.0.2",), data=("10.1.0.9",)),
    Element(container="pn_lan4", match=("10.1.0.0/24",)),
    Element(container="pn_echoes", match=('"up0"', "02:00:00:00:00:0a")),
    Element(container="pn_obeyed", match=("ipv4",)),
    Element(container="pn_obeyed", match=("ipv6",)),
    Element(container="pn_shared4", match=("10.1.0.0/16",)),
    Element(container="pn_shared6", match=("fd00:1::/64",)),
    Element(container="pn_apart", match=('"pnb-1"', '"pnb-1"')),
    Element(container="pn_members4", match=("10.1.0.2",)),
    Element(container="pn_members6", match=("fd00:1::2",)),
    Element(container="pn_allowed4", match=("10.1.0.2", "10.1.0.3")),
    Element(container="pn_allowed6", match=("fd00:1::2", "fd00:1::3")),
    Element(container="pn_pairs4", match=("10.1.0.2", "10.1.0.3")),
    Element(container="pn_pairs6", match=("fd00:1::2", "fd00:1::3")),
)


@pytest.fixture(params=["memory", pytest.param("nftables", marks=pytest.mark.root)])
def firewall(request: pytest.FixtureRequest) -> Firewall:
    """A firewall of a host that never had one, prepared."""
    made: Firewall = MemoryFirewall()
    if request.param == "nftables":
        request.getfixturevalue("netns")
        made = NftablesFirewall(DockerUser(MARK), MARK, NfTables())
    made.prepare()
    return made


class TestEnsure:
    def test_a_fresh_firewall_holds_nothing(self, firewall: Firewall) -> None:
        """The skeleton has no elements."""
        assert firewall.read() == frozenset()

    @pytest.mark.parametrize("element", EVERY_KIND, ids=lambda e: f"{e.container} {e.match[0]}")
    def test_an_element_is_read_as_it_was_written(
        self, firewall: Firewall, element: Element
    ) -> None:
        """Else healing would see drift where there is none, for ever."""
        firewall.ensure([element])

        assert firewall.read() == {element}

    def test_there_is_one_of_every_kind(self, firewall: Firewall) -> None:
        """A new set belongs into the list."""
        kinds = {
            name
            for containers in (skeleton.SETS, skeleton.MAPS)
            for family in containers.values()
            for name, spec in family.items()
            if "dynamic" not in spec  # the kernel fills those
        }

        assert {element.container for element in EVERY_KIND} == kinds

    def test_all_kinds_together(self, firewall: Firewall) -> None:
        """One transaction for a plan."""
        firewall.ensure(EVERY_KIND)

        assert firewall.read() == frozenset(EVERY_KIND)

    def test_doing_it_again_changes_nothing(self, firewall: Firewall) -> None:
        """Every act may be repeated."""
        firewall.ensure(EVERY_KIND)
        firewall.ensure(EVERY_KIND)

        assert firewall.read() == frozenset(EVERY_KIND)

    def test_other_data_is_replaced(self, firewall: Firewall) -> None:
        """A key has one value, the last that was asked for."""
        firewall.ensure([PORT])
        firewall.ensure([BRIDGE, SAME_PORT])

        assert firewall.read() == {BRIDGE, SAME_PORT}

    def test_nothing_is_easy(self, firewall: Firewall) -> None:
        """An endpoint's plan has no elements."""
        firewall.ensure([])
        firewall.remove([])

        assert firewall.read() == frozenset()


class TestRemove:
    def test_what_was_made_is_gone(self, firewall: Firewall) -> None:
        """All of it."""
        firewall.ensure(EVERY_KIND)
        firewall.remove(EVERY_KIND)

        assert firewall.read() == frozenset()

    def test_the_rest_stays(self, firewall: Firewall) -> None:
        """Another network's elements are not touched."""
        firewall.ensure(EVERY_KIND)
        firewall.remove([SUBNET, PORT])

        assert firewall.read() == frozenset(EVERY_KIND) - {SUBNET, PORT}

    @pytest.mark.parametrize("element", EVERY_KIND, ids=lambda e: f"{e.container} {e.match[0]}")
    def test_what_is_not_there_is_passed_over(self, firewall: Firewall, element: Element) -> None:
        """A repeated deletion is no failure, and the rest of the batch is still done."""
        other = NEXT_SUBNET if element != NEXT_SUBNET else SUBNET
        firewall.ensure([other])
        firewall.remove([element, other])

        assert firewall.read() == frozenset()

    def test_of_adjacent_subnets_one_can_go(self, firewall: Firewall) -> None:
        """Pools are given out side by side; an interval must not swallow its neighbour."""
        last = Element(container="pn_subnets4", match=("10.1.2.0/24",))
        firewall.ensure([SUBNET])
        firewall.ensure([NEXT_SUBNET, last])
        firewall.remove([NEXT_SUBNET])

        assert firewall.read() == {SUBNET, last}
        firewall.ensure([NEXT_SUBNET])
        assert firewall.read() == {SUBNET, NEXT_SUBNET, last}


class TestPrepare:
    def test_preparing_again_keeps_the_elements(self, firewall: Firewall) -> None:
        """It is done at every start and every tick, under running containers."""
        firewall.ensure(EVERY_KIND)
        firewall.prepare()

        assert firewall.read() == frozenset(EVERY_KIND)


@pytest.mark.root
def test_one_transaction_that_does_not_end_keeps_nobody_for_ever(netns: Netns) -> None:
    """The kernel may keep it; whoever comes next is told so in time."""
    ruleset = NfTables()
    firewall = NftablesFirewall(DockerUser(MARK), MARK, ruleset)
    firewall.prepare()
    firewall.ensure([PORT])
    for act in (firewall.ensure, firewall.remove):
        with (
            ruleset.turn(),
            deadline.within(0.05),
            pytest.raises(FirewallError, match="has not ended another transaction"),
        ):
            act([SAME_PORT if act == firewall.ensure else PORT])


@pytest.mark.root
class TestFlushed:
    """Somebody ran ``nft flush ruleset``."""

    @pytest.fixture
    def flushed(self, netns: Netns) -> Firewall:
        firewall = NftablesFirewall(DockerUser(MARK), MARK, NfTables())
        firewall.prepare()
        firewall.ensure(EVERY_KIND)
        netns.run("nft", "flush", "ruleset")
        return firewall

    def test_it_reads_as_empty(self, flushed: Firewall) -> None:
        """Healing then finds everything missing."""
        assert flushed.read() == frozenset()

    def test_the_next_element_brings_the_skeleton_back(
        self, flushed: Firewall, netns: Netns
    ) -> None:
        """A container that starts before the next tick gets its ports."""
        flushed.ensure([PORT])

        assert flushed.read() == {PORT}
        assert "map @pn_ports4" in netns.run("nft", "list", "table", "inet", "pynet")
