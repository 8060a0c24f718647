"""Networks: created whole or not at all, deleted even if it takes a second try."""

from dataclasses import replace

import pytest

from plugin.errors import NetworkNotFoundError, RefusedError
from plugin.model.ids import NetworkID, bridge_name
from plugin.model.links import Bridge
from plugin.model.network import Network, NetworkState
from plugin.service.networks import get_network
from tests.fakes.faults import Faults
from tests.fakes.rig import AddressLog, Rig
from tests.fakes.values import a_binding, a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24", "fd00:1::/64")


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

    def test_what_cannot_be_undone_hides_no_reason(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The tick finishes it."""

        def refuse(_: AddressLog, network: Network, *, again: bool = False) -> None:
            rig.faults.arm(0)
            raise RefusedError(f"{network.id} has no pool")

        monkeypatch.setattr(AddressLog, "group", refuse)
        with pytest.raises(RefusedError, match="has no pool"):
            rig.networks.create(BLUE)
        rig.faults.arm(None)
        rig.healer.heal()

        assert rig.held() == frozenset()
        assert rig.store.networks() == ()


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
