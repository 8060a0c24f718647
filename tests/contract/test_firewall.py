"""One suite, three firewalls: what a caller of plugin.firewall may rely on."""

from ipaddress import ip_address, ip_network
from typing import Final

import pytest

from plugin import deadline
from plugin.errors import FirewallError
from plugin.firewall.base import Firewall
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.nftables import NftablesFirewall
from plugin.kernel.netlink.nf_transactions import NfTables
from plugin.model.facts import Fact, Remnant
from plugin.model.ids import IfName, MacAddress
from plugin.model.nat import (
    DockerPublishes,
    HostSeenAs,
    Masquerade,
    Published,
    SourceNat,
    UserMasquerades,
)
from plugin.model.network import Protocol
from plugin.model.spanning import EncryptedNetwork, OwnGateway, PeerHost, SpannedNetwork
from plugin.model.speakers import (
    ContainerAddress,
    ForgedSource,
    GatewayContainer,
    HeardOnShim,
    SpeaksAs,
    SpeaksFrom,
)
from plugin.model.traffic import (
    AdoptedSubnet,
    Barred,
    BarredPort,
    DockerBridge,
    ExposedBridge,
    Exposure,
    HostService,
    LinkRole,
    OpenPort,
    OtherBridge,
    Reach,
    Role,
    Subnet,
    TrustedLink,
)
from tests.fakes.firewall import MemoryFirewall
from tests.kernel.netns import Netns

MARK: Final = 0x800

BRIDGE: Final = LinkRole(link=IfName("pnb-1"), role=Role.NETWORK)
CONNECTED: Final = LinkRole(link=IfName("pnb-1"), role=Role.CONNECTED)
SUBNET: Final = Subnet(prefix=ip_network("10.1.0.0/24"))
NEXT_SUBNET: Final = Subnet(prefix=ip_network("10.1.1.0/24"))


def published(
    protocol: Protocol, host_ip: str, host_port: int, container_ip: str, container_port: int = 80
) -> Published:
    """A port of the host's that leads to a container."""
    return Published(
        protocol=protocol,
        host_ip=ip_address(host_ip),
        host_port=host_port,
        container_ip=ip_address(container_ip),
        container_port=container_port,
    )


PORT: Final = published(Protocol.TCP, "0.0.0.0", 80, "10.1.0.2", 8080)
SAME_PORT: Final = published(Protocol.TCP, "0.0.0.0", 80, "10.1.0.3", 8080)
_MAC: Final = MacAddress("02:00:00:00:00:0a")
_BRIDGE: Final = IfName("pnb-1")
_VETH: Final = IfName("pnv-1")
_SHIM: Final = IfName("pnh-1")
_ONE4, _OTHER4 = ip_address("10.1.0.2"), ip_address("10.1.0.3")
_ONE6, _OTHER6 = ip_address("fd00:1::2"), ip_address("fd00:1::3")
EVERY_KIND: Final[tuple[Fact, ...]] = (
    *(LinkRole(link=_BRIDGE, role=role) for role in Role),
    *(
        ExposedBridge(bridge=_BRIDGE, version=version, exposure=exposure)
        for version in (4, 6)
        for exposure in Exposure
    ),
    TrustedLink(link=IfName("eth0"), bridge=_BRIDGE),
    GatewayContainer(bridge=_BRIDGE, mac_address=_MAC),
    SUBNET,
    Subnet(prefix=ip_network("10.9.9.9/32")),
    Subnet(prefix=ip_network("fd00:1::/64")),
    *(
        kind(prefix=ip_network(prefix))
        for kind in (AdoptedSubnet, Masquerade)
        for prefix in ("10.1.0.0/16", "fd00:1::/64")
    ),
    DockerPublishes(prefix=ip_network("10.1.0.0/24")),
    SourceNat(prefix=ip_network("10.1.0.0/24"), source=ip_address("192.0.2.2")),
    SourceNat(prefix=ip_network("fd00:1::/64"), source=ip_address("fd00:99::2")),
    HostSeenAs(container_ip=_ONE4, host_ip=ip_address("10.1.0.9")),
    PORT,
    published(Protocol.UDP, "0.0.0.0", 53, "10.1.0.2"),
    published(Protocol.SCTP, "0.0.0.0", 36412, "10.1.0.2"),
    published(Protocol.TCP, "127.0.0.1", 80, "10.1.0.2"),
    published(Protocol.TCP, "::", 80, "fd00:1::2"),
    published(Protocol.UDP, "fd00::9", 80, "fd00:1::2"),
    *(
        BarredPort(protocol=Protocol.TCP, address=ip_address(address), port=8080, barred=barred)
        for address in ("::", "fd00:99::2")
        for barred in Barred
    ),
    HostService(link=_BRIDGE, protocol=Protocol.UDP, port=53),
    HostService(link=_BRIDGE, protocol=Protocol.SCTP, port=9),
    SpeaksAs(link=_VETH, mac_address=_MAC),
    ForgedSource(link=IfName("up0"), mac_address=_MAC),
    SpannedNetwork(port=4789, vni=0x94B8EA),
    EncryptedNetwork(port=4789, vni=0x94B8EA),
    PeerHost(address=ip_address("192.0.2.3"), port=4789, vni=7),
    PeerHost(address=ip_address("fd00:99::3"), port=4789, vni=7),
    OwnGateway(link=IfName("pnx-1"), address=ip_address("10.50.0.1")),
    OwnGateway(link=IfName("pnx-1"), address=ip_address("fd00:50::1")),
    *(
        SpeaksFrom(link=_VETH, address=ip_address(address))
        for address in ("10.1.0.2", "fe80::ff:fe00:2", "fd00:0:0:1:8000::", "::2")
    ),
    *(HeardOnShim(shim=_SHIM, mac_address=_MAC, address=each) for each in (_ONE4, _ONE6)),
    *(ContainerAddress(address=each) for each in (_ONE4, _ONE6)),
    *(OpenPort(protocol=Protocol.TCP, address=each, port=80) for each in (_ONE4, _ONE6)),
    Reach(source=_ONE4, destination=_OTHER4),
    Reach(source=_ONE6, destination=_OTHER6),
    DockerBridge(bridge=IfName("docker0")),
    OtherBridge(bridge=IfName("virbr0")),
    UserMasquerades(version=4),
    UserMasquerades(version=6),
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
        """What is always there is no fact."""
        assert firewall.read() == frozenset()

    @pytest.mark.parametrize("fact", EVERY_KIND, ids=lambda fact: fact.text)
    def test_a_fact_is_read_as_it_was_written(self, firewall: Firewall, fact: Fact) -> None:
        """Else healing would see drift where there is none, for ever."""
        firewall.ensure([fact])

        assert firewall.read() == {fact}

    def test_there_is_one_of_every_kind(self, firewall: Firewall) -> None:
        """A new one belongs into the list."""
        known = {each.__name__ for each in Fact.__subclasses__()} - {Remnant.__name__}

        assert {type(fact).__name__ for fact in EVERY_KIND} == known

    def test_all_kinds_together(self, firewall: Firewall) -> None:
        """One transaction for a plan."""
        firewall.ensure(EVERY_KIND)

        assert firewall.read() == frozenset(EVERY_KIND)

    def test_doing_it_again_changes_nothing(self, firewall: Firewall) -> None:
        """Every act may be repeated."""
        firewall.ensure(EVERY_KIND)
        firewall.ensure(EVERY_KIND)

        assert firewall.read() == frozenset(EVERY_KIND)

    def test_a_fact_takes_the_place_of_another_with_its_key(self, firewall: Firewall) -> None:
        """A key has one value, the last that was asked for."""
        firewall.ensure([PORT])
        firewall.ensure([BRIDGE, SAME_PORT])

        assert firewall.read() == {BRIDGE, SAME_PORT}

    def test_nothing_is_easy(self, firewall: Firewall) -> None:
        """An endpoint's plan has no facts."""
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
        """Another network's facts are not touched."""
        firewall.ensure(EVERY_KIND)
        firewall.remove([SUBNET, PORT])

        assert firewall.read() == frozenset(EVERY_KIND) - {SUBNET, PORT}

    @pytest.mark.parametrize("fact", EVERY_KIND, ids=lambda fact: fact.text)
    def test_what_is_not_there_is_passed_over(self, firewall: Firewall, fact: Fact) -> None:
        """A repeated deletion is no failure, and the rest of the batch is still done."""
        other = NEXT_SUBNET
        firewall.ensure([other])
        firewall.remove([fact, other])

        assert firewall.read() == frozenset()

    def test_of_adjacent_subnets_one_can_go(self, firewall: Firewall) -> None:
        """Pools are given out side by side; an interval must not swallow its neighbour."""
        last = Subnet(prefix=ip_network("10.1.2.0/24"))
        firewall.ensure([SUBNET])
        firewall.ensure([NEXT_SUBNET, last])
        firewall.remove([NEXT_SUBNET])

        assert firewall.read() == {SUBNET, last}
        firewall.ensure([NEXT_SUBNET])
        assert firewall.read() == {SUBNET, NEXT_SUBNET, last}


class TestPrepare:
    def test_preparing_again_keeps_the_facts(self, firewall: Firewall) -> None:
        """It is done at every start and every tick, under running containers."""
        firewall.ensure(EVERY_KIND)
        firewall.prepare()

        assert firewall.read() == frozenset(EVERY_KIND)


@pytest.mark.root
def test_one_transaction_that_does_not_end_keeps_nobody_for_ever(netns: Netns) -> None:
    """The kernel may keep its thread; the next call is told so in time."""
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
    """Another program ran ``nft flush ruleset``."""

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

    def test_the_next_fact_brings_the_skeleton_back(self, flushed: Firewall, netns: Netns) -> None:
        """A container that starts before the next tick gets its ports."""
        flushed.ensure([PORT])

        assert flushed.read() == {PORT}
        assert "map @pn_ports4" in netns.run("nft", "list", "table", "inet", "pynet")
