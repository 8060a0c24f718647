"""An endpoint that is left and deleted."""

import pytest

from plugin.model.ids import handoff_name, port_name
from plugin.model.network import EndpointState
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX, a_binding, a_network
from tests.unit.service.test_endpoints import BLUE, IDS, WEB


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """A plugin with one network."""
    rig.networks.create(BLUE)
    rig.faults.arm(None)
    return rig


class TestLeave:
    def test_the_ports_are_free_even_if_they_were_never_revoked(self, rig: Rig) -> None:
        """Engine 29 forgets to, after a live restore."""
        rig.run(BLUE, WEB, a_binding())
        rig.endpoints.leave(*IDS)

        assert rig.kernel.ports == set()
        assert not rig.endpoints.get(*IDS).joined

    def test_the_link_stays(self, rig: Rig) -> None:
        """It is inside; the engine hands it back after the answer."""
        rig.run(BLUE, WEB)
        rig.endpoints.leave(*IDS)

        assert port_name(WEB.id) in rig.host.links
        assert handoff_name(WEB.id) in rig.host.sandboxed

    def test_it_can_join_again(self, rig: Rig) -> None:
        """Another sandbox."""
        rig.run(BLUE, WEB)
        rig.endpoints.leave(*IDS)
        rig.endpoints.join(*IDS, SANDBOX + "0")

        assert rig.held() == rig.wanted()

    def test_its_ports_are_free_when_it_joins_another_sandbox(self, rig: Rig) -> None:
        """Calls that overtake each other; the record of the join would not list them."""
        rig.run(BLUE, WEB, a_binding())
        rig.endpoints.join(*IDS, SANDBOX + "0")

        assert rig.kernel.ports == set()
        assert rig.held() == rig.wanted()

    def test_unknown_ids_are_no_failure(self, rig: Rig) -> None:
        """Of an endpoint, a network, or both."""
        rig.endpoints.leave(*IDS)
        rig.endpoints.leave(a_network("red").id, WEB.id)
        rig.endpoints.create(WEB)
        rig.endpoints.leave(a_network("red").id, WEB.id)

        assert rig.store.endpoint(WEB.id) == WEB

    @pytest.mark.parametrize("joined", [True, False])
    def test_one_that_is_being_deleted(self, rig: Rig, joined: bool) -> None:
        """The calls overtake each other; it stays what it is."""
        rig.endpoints.create(WEB)
        if joined:
            rig.endpoints.join(*IDS, SANDBOX)
        rig.store.mark_endpoint_deleting(WEB.id)
        rig.endpoints.leave(*IDS)

        (left,) = rig.store.endpoints(BLUE.id)
        assert left.state is EndpointState.DELETING


class TestDelete:
    @pytest.mark.parametrize("said", ["all", "no revoke", "delete alone"])
    def test_nothing_is_left_whatever_was_said_before(
        self, rig: Rig, alone: frozenset[object], said: str
    ) -> None:
        """The deletion may be all that the engine says."""
        rig.run(BLUE, WEB, a_binding())
        if said == "all":
            rig.endpoints.revoke(*IDS)
        if said != "delete alone":
            rig.endpoints.leave(*IDS)
        rig.endpoints.delete(*IDS)

        assert rig.held() == alone
        assert rig.store.endpoints(BLUE.id) == ()
        assert rig.addresses.bound == set()

    def test_an_endpoint_that_never_joined(self, rig: Rig, alone: frozenset[object]) -> None:
        """The container could not be started."""
        rig.endpoints.create(WEB)
        rig.endpoints.delete(*IDS)

        assert rig.held() == alone
        assert rig.addresses.bound == set()

    def test_unknown_ids_are_no_failure(self, rig: Rig) -> None:
        """Nor is another network's."""
        rig.endpoints.delete(*IDS)
        rig.endpoints.create(WEB)
        rig.endpoints.delete(a_network("red").id, WEB.id)
        assert rig.store.endpoint(WEB.id) == WEB

        rig.endpoints.delete(*IDS)
        rig.endpoints.delete(*IDS)
        assert rig.store.endpoint(WEB.id) is None

    def test_whatever_fails_a_second_call_finishes_it(self, alone: frozenset[object]) -> None:
        """What could not be removed is still known."""
        rehearsal = Rig()
        rehearsal.networks.create(BLUE)
        rehearsal.run(BLUE, WEB, a_binding())
        rehearsal.faults.arm(None)
        rehearsal.endpoints.delete(*IDS)

        assert "remove Veth" in rehearsal.faults.points
        for at, point in enumerate(list(rehearsal.faults.points)):
            rig = Rig()
            rig.networks.create(BLUE)
            rig.run(BLUE, WEB, a_binding())
            rig.faults.arm(at)
            with pytest.raises((ExceptionGroup, Exception)):
                rig.endpoints.delete(*IDS)
            assert rig.store.endpoint(WEB.id) is not None, point
            rig.faults.arm(None)
            rig.endpoints.delete(*IDS)

            assert rig.held() == alone, point
