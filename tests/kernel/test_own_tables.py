"""What other programs put into pynet's tables goes, and an earlier version's are no obstacle."""

from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from plugin.firewall import skeleton
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.fact_table import elements_of
from plugin.firewall.nftables import NftablesFirewall, _changes
from plugin.kernel.netlink.nf_transactions import NfTables
from plugin.model.facts import Fact
from plugin.model.network import Protocol
from plugin.model.rules import CompiledTable, SetChange
from plugin.model.traffic import Role, Subnet
from tests.contract.test_firewall import BRIDGE, EVERY_KIND, MARK, PORT, published
from tests.kernel.netns import Netns

LIST = ("nft", "list", "ruleset")

pytestmark = pytest.mark.kernels


@pytest.fixture
def firewall(netns: Netns) -> NftablesFirewall:
    """Of a host with one published port."""
    made = NftablesFirewall(DockerUser(MARK), MARK, NfTables())
    made.prepare()
    made.ensure([BRIDGE, PORT])
    return made


@pytest.mark.parametrize(
    "command",
    [
        "insert rule inet pynet pn_forward accept",
        "add chain inet pynet other { type filter hook forward priority -9; policy drop; }",
        "add rule bridge pynet pn_guard accept",
    ],
)
def test_what_others_put_there_goes(firewall: NftablesFirewall, netns: Netns, command: str) -> None:
    """A chain that drops would outlive every heal."""
    whole = netns.run(*LIST)
    netns.run("nft", command)
    firewall.prepare()

    assert netns.run(*LIST) == whole


@pytest.mark.parametrize(
    "element",
    [
        "pn_trusted { eth0 . pnb-1 }",
        "pn_ports4 { tcp . 22 : 10.9.9.9 . 22 }",
        "pn_ports4 { * : 10.9.9.9 . 22 }",
        "pn_subnets4 { 10.9.0.1-10.9.0.5 }",
        "pn_subnets4 { 0.0.0.0/0 }",
        "pn_masquerade6 { fd00::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff }",
    ],
)
def test_elements_of_others_are_seen_and_can_be_removed(
    firewall: NftablesFirewall, netns: Netns, element: str
) -> None:
    """Whatever they are like."""
    netns.run("nft", f"add element inet pynet {element}")
    (foreign,) = firewall.read() - {BRIDGE, PORT}
    firewall.remove([foreign])

    assert firewall.read() == {BRIDGE, PORT}


def test_what_an_earlier_version_made_otherwise_is_replaced(netns: Netns) -> None:
    """A set of another type, a chain elsewhere; elements of the rest stay."""
    netns.run(
        *("nft", "-f", "-"),
        stdin=(
            skeleton.script(MARK)
            .replace("pn_open { type ifname; }", "pn_open { type ipv4_addr; }")
            .replace("iifname @pn_open oifname @pn_open goto pn_pass", "ip saddr @pn_open accept")
            .replace("hook forward priority -5", "hook forward priority -7")
        ),
    )
    netns.run("nft", "add element inet pynet pn_open { 10.0.0.1 }")
    firewall = NftablesFirewall(DockerUser(MARK), MARK, NfTables())
    kept = [fact for fact in EVERY_KIND if getattr(fact, "role", None) is not Role.OPEN]
    elements = [element for fact in kept for element in elements_of(fact)]
    NfTables().change(skeleton.TABLE, list(_changes(elements)))
    firewall.prepare()

    assert firewall.read() == frozenset(kept)
    assert "hook forward priority filter - 5" in netns.run(*LIST)


def test_ten_thousand_ports(firewall: NftablesFirewall) -> None:
    """In one transaction each, whatever was there before."""
    ports, others = (
        [published(Protocol.UDP, "0.0.0.0", port, where) for port in range(10_000, 20_000)]
        for where in ("10.1.0.2", "10.1.0.3")
    )
    firewall.ensure(ports)
    firewall.ensure(others)
    firewall.remove([*ports[:5000], *others[5000:]])

    assert firewall.read() == {BRIDGE, PORT, *others[:5000]}


class Watched(NfTables):
    """Keeps what the firewall holds at the moment that tables are laid."""

    def __init__(self, reader: NftablesFirewall) -> None:
        super().__init__()
        self._reader = reader
        self.laid: list[frozenset[Fact]] = []

    def lay(
        self,
        tables: Sequence[CompiledTable],
        entries: Sequence[SetChange] = (),
        *,
        anew: bool = False,
    ) -> None:
        super().lay(tables, entries, anew=anew)
        self.laid.append(self._reader.read())


# A set that this version brings; a set that it has of another type; a chain elsewhere.
EARLIER = {
    "without-a-set": ["flush table bridge pynet", "delete set bridge pynet pn_guard_lladdr6"],
    "another-type": [
        "flush table inet pynet",
        "delete set inet pynet pn_open",
        "add set inet pynet pn_open { type ipv4_addr; }",
    ],
    "the-same": [],
}


@pytest.mark.parametrize("commands", EARLIER.values(), ids=EARLIER)
def test_rules_come_together_with_the_elements_they_ask_for(
    firewall: NftablesFirewall, netns: Netns, commands: list[str]
) -> None:
    """Of a pynet before this one.  A guard without its elements would drop honest frames."""
    firewall.ensure(EVERY_KIND)
    for command in commands:
        netns.run("nft", command)
    ruleset = Watched(firewall)
    NftablesFirewall(DockerUser(MARK), MARK, ruleset).prepare(EVERY_KIND)

    assert ruleset.laid == [frozenset(EVERY_KIND)]


def test_what_contradicts_is_left_to_healing(firewall: NftablesFirewall, netns: Netns) -> None:
    """The rules come in any case, and what is there stays."""
    netns.run("nft", "add element inet pynet pn_subnets4 { 10.1.0.0/16 }")
    there = firewall.read()
    inner = Subnet(prefix=ip_network("10.1.2.0/24"))
    NftablesFirewall(DockerUser(MARK), MARK, NfTables()).prepare([*EVERY_KIND, inner])

    assert there <= firewall.read()
    assert "hook forward" in netns.run(*LIST)


def test_after_a_boot_nobody_needs_them(netns: Netns) -> None:
    """Containers of before are not there, and others may have their addresses."""
    firewall = NftablesFirewall(DockerUser(MARK), MARK, NfTables())
    firewall.prepare(EVERY_KIND)

    assert firewall.read() == frozenset()
