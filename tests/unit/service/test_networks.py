"""Networks: created whole or not at all, deleted even if it takes a second try."""

from dataclasses import replace
from ipaddress import ip_interface
from itertools import combinations_with_replacement

import pytest

from plugin.errors import (
    ForeignLinkError,
    GatewayOutsideError,
    InvalidOptionError,
    NetworkNotFoundError,
    RefusedError,
    SubnetOverlapError,
)
from plugin.model.ids import IfName, NetworkID, bridge_name
from plugin.model.links import Bridge
from plugin.model.network import Network, NetworkState
from plugin.service.networks import get_network
from tests.fakes.faults import Faults
from tests.fakes.rig import Rig
from tests.fakes.values import a_binding, a_network, a_pool, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24", "fd00:1::/64")
_ON_ETH0 = {"mode": "macvlan", "parent": "eth0"}
WAYS: dict[str, dict[str, str]] = {
    "bridge": {},
    "with access": {**_ON_ETH0, "host_access": "true"},
    "by docker": {**_ON_ETH0, "publish": "docker"},
    "on a parent": _ON_ETH0,
    "at layer 3": {"mode": "ipvlan", "parent": "eth2", "ipvlan_mode": "l3"},
    "isolated": {"mode": "macvlan"},
    "null": {"mode": "null"},
}
PAIRS = list(combinations_with_replacement(WAYS, 2))
KNOWN_TO_HOST = {"bridge", "with access", "by docker"}


def _parent(name: str, network: Network) -> dict[str, str]:
    """Another parent, for a network that has one of its own kind."""
    return {"parent": name} if network.options.get("parent") == "eth0" else {}


def points_of_creation() -> list[str]:
    """Everything that can fail while a network is created."""
    rig = Rig()
    rig.networks.create(BLUE)
    return list(rig.faults.points)


POINTS = points_of_creation()


class TestCreate:
    def test_the_host_holds_its_plan(self, rig: Rig) -> None:
        """And nothing else."""
        rig.networks.create(BLUE)

        (network,) = rig.store.networks()
        assert network == replace(BLUE, state=NetworkState.ACTIVE)
        assert rig.held() == rig.wanted() != frozenset()

    def test_the_intent_is_durable_before_the_host_is_touched(self, rig: Rig) -> None:
        """And success before it is told."""
        rig.networks.create(BLUE)

        assert rig.faults.points[0] == "save network pending"
        assert rig.faults.points[-1] == "save network active"

    def test_the_hosts_mtu_is_kept(self, rig: Rig) -> None:
        """The plan is the same after a restart, whatever the uplink is by then."""
        rig.host.mtu = 1380
        rig.networks.create(BLUE)

        (network,) = rig.store.networks()
        assert network.uplink_mtu == 1380
        assert next(each for each in rig.host.ours if isinstance(each, Bridge)).mtu == 1380

    def test_a_repeated_call_is_answered_as_before(self, rig: Rig) -> None:
        """And nothing is touched again."""
        rig.networks.create(BLUE)
        rig.faults.arm(None)
        rig.networks.create(BLUE)

        assert rig.faults.points == []

    def test_a_call_that_was_cut_short_is_continued(self, rig: Rig) -> None:
        """The process died half way; the engine asks again before the tick came."""
        rig.store.save_network(BLUE)
        rig.networks.create(BLUE)

        assert rig.store.networks()[0].state is NetworkState.ACTIVE
        assert rig.held() == rig.wanted()

    def test_its_pools_are_grouped(self, rig: Rig) -> None:
        """The address side is told."""
        rig.networks.create(BLUE)

        assert rig.addresses.groups == {BLUE.id}

    @pytest.mark.parametrize("at", range(len(POINTS)), ids=POINTS)
    def test_whatever_fails_nothing_is_left(self, rig: Rig, at: int) -> None:
        """The engine does not ask for a deletion; the tick has nothing to do either."""
        rig.faults.arm(at)
        with pytest.raises(Exception, match=r"refused|half made|disk is full"):
            rig.networks.create(BLUE)
        rig.faults.arm(None)
        if POINTS[at] == "save network active":
            rig = rig.restarted()  # it was made, and then could not be promised

        assert rig.held() == frozenset()
        assert rig.store.networks() == ()
        assert rig.addresses.groups == set()

    @pytest.mark.parametrize("at", range(len(POINTS)), ids=POINTS)
    def test_after_any_failure_it_can_be_tried_again(self, rig: Rig, at: int) -> None:
        """As a user does."""
        rig.faults.arm(at)
        with pytest.raises(Exception, match=r"refused|half made|disk is full"):
            rig.networks.create(BLUE)
        rig.faults.arm(None)
        rig.networks.create(BLUE)

        assert rig.held() == rig.wanted() != frozenset()


class TestRefusals:
    @pytest.mark.parametrize(
        ("network", "error", "message"),
        [
            (a_network(mode="brigde"), InvalidOptionError, "option mode is 'brigde', expected"),
            (a_network(options={"mtu": "x"}), InvalidOptionError, "option mtu is 'x'"),
            (
                a_network(pools=(a_pool("10.1.0.0/24", "10.9.0.1/24"),)),
                GatewayOutsideError,
                "gateway 10.9.0.1 is outside",
            ),
            (
                a_network(options={"bridge_name": "eth0"}),
                ForeignLinkError,
                "a link named eth0 exists and is not this network's",
            ),
            (
                a_network("new", "10.7.128.0/17"),
                SubnetOverlapError,
                "subnet 10.7.128.0/17 overlaps 10.7.0.0/16 of network 7468656d0000, and the host has",
            ),
            (a_network("new", "10.0.0.0/8"), SubnetOverlapError, "overlaps 10.7.0.0/16"),
            (
                a_network("new", "10.8.0.0/24", "fd00:7::/80"),
                SubnetOverlapError,
                "subnet fd00:7::/80 overlaps fd00:7::/64",
            ),
            (
                a_network("new", options={"bridge_name": "thems"}),
                RefusedError,
                "bridge thems is used by network 7468656d0000 already; choose another bridge_name",
            ),
            (
                a_network("new", options={"bridge_name": "docker0"}),
                RefusedError,
                "bridge docker0 belongs to a network of Docker's own driver; choose another",
            ),
        ],
    )
    def test_nothing_is_changed(
        self, rig: Rig, network: Network, error: type[RefusedError], message: str
    ) -> None:
        """Not by what was asked, nor in what was there."""
        rig.host.add_foreign_link("eth0")
        rig.host.add_foreign_link("thems", "bridge")
        rig.host.add_foreign_link("docker0", "bridge")
        rig.networks.create(
            a_network("them", "10.7.0.0/16", "fd00:7::/64", options={"bridge_name": "thems"})
        )
        before = (rig.held(), rig.store.networks())
        with pytest.raises(error) as refusal:
            rig.networks.create(network)

        assert message in str(refusal.value)
        assert (rig.held(), rig.store.networks()) == before
        assert "eth0" in rig.host.links

    @pytest.mark.parametrize(("mine", "theirs"), PAIRS)
    def test_one_subnet_of_two(self, rig: Rig, mine: str, theirs: str) -> None:
        """Only where the host has a way or a rule to both it could not tell them apart."""
        for parent in ("eth0", "eth1", "eth2"):
            rig.host.add_parent(IfName(parent), addresses=(ip_interface("10.1.0.9/24"),))
        one, other = (
            a_network(name, "10.1.0.0/24", mode=WAYS[way].get("mode", "bridge"), options=WAYS[way])
            for name, way in (("one", mine), ("other", theirs))
        )
        other = replace(other, options={**other.options, **_parent("eth1", other)})
        rig.networks.create(one)
        if {mine, theirs} <= KNOWN_TO_HOST:
            with pytest.raises(SubnetOverlapError, match="and the host has ways to both"):
                rig.networks.create(other)
        else:
            rig.networks.create(other)

        assert len(rig.store.networks()) == (1 if {mine, theirs} <= KNOWN_TO_HOST else 2)
        assert rig.held() == rig.wanted()

    def test_a_lan_in_two_parts(self, rig: Rig) -> None:
        """Both on one parent, each with a range of its own."""
        rig.host.add_parent(IfName("eth0"))
        options = {"mode": "macvlan", "parent": "eth0"}
        for name in ("one", "other"):
            rig.networks.create(a_network(name, "10.1.0.0/24", mode="macvlan", options=options))

        assert len(rig.store.networks()) == 2

    def test_a_subnet_is_free_again_after_its_network(self, rig: Rig) -> None:
        """At once."""
        rig.networks.create(BLUE)
        rig.networks.delete(BLUE.id)
        rig.networks.create(replace(BLUE, id=NetworkID("f" * 64)))

        assert rig.held() == rig.wanted()

    def test_checking_refuses_what_creating_would(self, rig: Rig) -> None:
        """A manager of a swarm asks before any host is known."""
        with pytest.raises(InvalidOptionError):
            rig.networks.check(a_network(options={"mtu": "x"}))

        assert rig.faults.points == []


class TestDelete:
    def points(self) -> list[str]:
        rig = self.made(Rig())
        rig.networks.delete(BLUE.id)
        return list(rig.faults.points)

    def made(self, rig: Rig) -> Rig:
        rig.networks.create(BLUE)
        rig.run(BLUE, an_endpoint(BLUE, 2), a_binding())
        rig.endpoints.create(an_endpoint(BLUE, 3))
        rig.faults.arm(None)
        return rig

    def test_nothing_is_left(self, rig: Rig) -> None:
        """Of its endpoints either, whatever the engine forgot to say."""
        self.made(rig)
        rig.networks.delete(BLUE.id)

        assert rig.held() == frozenset()
        assert rig.store.networks() == ()
        assert rig.addresses.groups == set()

    def test_other_networks_are_not_touched(self, rig: Rig) -> None:
        """They share sets and maps."""
        red = a_network("red", "10.2.0.0/24")
        rig.networks.create(red)
        alone = rig.held()
        self.made(rig)
        rig.networks.delete(BLUE.id)

        assert rig.held() == alone

    def test_unknown_ids_are_no_failure(self, rig: Rig) -> None:
        """The engine repeats itself."""
        rig.networks.delete(BLUE.id)
        self.made(rig)
        rig.networks.delete(BLUE.id)
        rig.networks.delete(BLUE.id)

        assert rig.store.networks() == ()

    def test_whatever_fails_the_tick_finishes_it(self) -> None:
        """The engine has forgotten the network, whatever was answered."""
        for at, point in enumerate(self.points()):
            rig = self.made(Rig())
            rig.faults.arm(at)
            with pytest.raises((ExceptionGroup, Exception)):
                rig.networks.delete(BLUE.id)
            rig.faults.arm(None)
            deleting = rig.store.networks()[0].state
            rig.healer.heal()

            assert deleting is NetworkState.DELETING, point
            assert rig.held() == frozenset(), point
            assert rig.store.networks() == (), point


class TestFaultPoints:
    def test_they_are_many(self) -> None:
        """The tests above are worth something only if there is something to fail."""
        assert {"before Bridge", "after Address", "ensure elements"} <= set(POINTS)
        assert len(POINTS) > 12

    def test_an_unarmed_one_does_nothing(self) -> None:
        """It only takes note."""
        faults = Faults()
        faults.point("a", ValueError())

        assert faults.points == ["a"]


class TestGetNetwork:
    def test_it_must_be_there(self, rig: Rig) -> None:
        """The message says what to do."""
        with pytest.raises(NetworkNotFoundError, match="626c75650000 is not known to pynet"):
            get_network(rig.store, BLUE.id)

    def test_it_is_found(self, rig: Rig) -> None:
        """By its id."""
        rig.networks.create(BLUE)

        assert get_network(rig.store, BLUE.id).id == BLUE.id
        assert bridge_name(BLUE.id) in rig.host.links


class TestEndedEngine:
    """What an engine does not keep of a swarm it asks for anew when it has started."""

    TASKS = replace(a_network("tasks", "10.2.0.0/24"), id=NetworkID("iy0kzh9aysbok6wofe161nyit"))

    def test_what_it_had_of_the_swarm_is_removed(self, rig: Rig) -> None:
        """Before another network of the swarm may have the same subnet."""
        rig.host.engine_sockets = frozenset({"boot/1", "boot/2"})
        for network in (BLUE, self.TASKS):
            rig.networks.create(network)
        rig.run(self.TASKS, an_endpoint(self.TASKS))
        rig.host.engine_sockets = frozenset({"boot/3"})
        rig = rig.restarted()
        rig.networks.forget_ended_engine()
        rig.networks.create(replace(self.TASKS, id=NetworkID("z" * 25)))

        assert {each.id for each in rig.store.networks()} == {BLUE.id, "z" * 25}
        assert rig.addresses.groups == {BLUE.id, "z" * 25}
        assert not rig.addresses.bound
        assert rig.held() == rig.wanted()

    def test_one_that_runs_has_what_it_had(self, rig: Rig) -> None:
        """As when its swarm elects it, and when the plugin alone is started again."""
        rig.host.engine_sockets = frozenset({"boot/1", "boot/2"})
        rig.networks.create(self.TASKS)
        rig.host.engine_sockets = frozenset({"boot/2", "boot/3"})
        rig = rig.restarted()
        rig.networks.forget_ended_engine()

        assert [each.id for each in rig.store.networks()] == [self.TASKS.id]

    def test_where_nobody_can_tell_nothing_is_removed(self, rig: Rig) -> None:
        rig.networks.create(self.TASKS)
        rig.networks.forget_ended_engine()

        assert [each.id for each in rig.store.networks()] == [self.TASKS.id]

    def test_what_cannot_be_removed_keeps_nobody_waiting(self, rig: Rig) -> None:
        """The next tick tries again."""
        failing: int | None = None
        for _ in range(2):
            rig.faults.arm(None)
            rig.host.engine_sockets = frozenset({"boot/1"})
            rig.networks.create(self.TASKS)
            rig.host.engine_sockets = frozenset()
            rig.faults.arm(failing)
            rig.networks.forget_ended_engine()
            failing = rig.faults.points.index("remove Bridge")
        (left,) = rig.store.networks()
        rig.restarted()

        assert left.state is NetworkState.DELETING
        assert rig.store.networks() == ()
        assert not rig.held()
