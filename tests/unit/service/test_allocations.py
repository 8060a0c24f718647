"""Networks of a swarm on its leader."""

from dataclasses import replace

import pytest

from plugin.errors import PynetError, RefusedError, StoreError
from plugin.health import Health
from plugin.model.ids import NetworkID
from plugin.model.network import Network
from plugin.service.allocations import Allocations
from tests.fakes.rig import AddressLog
from tests.fakes.values import a_network

RED = replace(a_network(mode="overlay", options={}), id=NetworkID("r" * 25))
BLUE = replace(RED, id=NetworkID("b" * 25))
BRIDGE = replace(RED, mode="bridge")


class Leader:
    """The manager that leads."""

    def __init__(self) -> None:
        self.addresses = AddressLog()
        self.health = Health()
        self.now = 0.0
        self.allocations = Allocations(self.addresses, self.health, lambda: self.now)

    def allocate(self, network: Network, *, again: bool = False) -> dict[str, str]:
        with self.allocations.reported(network.id):
            return self.allocations.allocate(network, again=again)

    def refuse(self, network: Network) -> None:
        with pytest.raises(PynetError):
            self.allocate(network)

    @property
    def reported(self) -> list[str]:
        return [each.what for each in self.health.conditions]


@pytest.fixture
def leader() -> Leader:
    return Leader()


class TestAllocation:
    def test_its_pools_are_kept_together(self, leader: Leader) -> None:
        assert leader.allocate(RED)["mode"] == "overlay"
        assert leader.addresses.groups == {RED.id}
        assert leader.addresses.again == {RED.id: False}

    def test_the_next_leader_knows_that_it_was_allocated(self, leader: Leader) -> None:
        """Its pools are no other network's then."""
        leader.allocate(RED, again=True)

        assert leader.addresses.again == {RED.id: True}

    def test_no_two_have_a_number(self, leader: Leader) -> None:
        """Two with the same subnets cannot be, but hashes can be the same."""
        one, two = leader.allocate(RED), leader.allocate(BLUE)

        assert int(two["vni"]) == int(one["vni"]) + 1
        assert leader.allocate(replace(RED, options=one)) == one

    def test_one_that_was_accepted_keeps_its_number(self, leader: Leader) -> None:
        """A leader whose plugin had started again may have accepted both, and tasks run on both."""
        chosen = {"vni": "7"}
        leader.allocate(replace(RED, options=chosen))
        leader.refuse(replace(BLUE, options=chosen))

        assert leader.allocate(replace(BLUE, options=chosen), again=True)["vni"] == "7"

    def test_a_number_is_free_again_with_its_network(self, leader: Leader) -> None:
        one = leader.allocate(RED)
        leader.allocations.free(RED.id)

        assert leader.allocate(BLUE)["vni"] == one["vni"]
        assert leader.addresses.groups == {BLUE.id}

    def test_one_that_is_refused_has_no_number_and_no_pool(
        self, leader: Leader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever refused it."""

        def group(_: object, __: object, *, again: bool) -> None:
            raise RefusedError("pool serves another")

        number = leader.allocate(RED)["vni"]
        leader.refuse(replace(BLUE, options={"vni": number}))
        assert leader.addresses.groups == {RED.id}
        leader.allocations.free(RED.id)
        with monkeypatch.context() as patch:
            patch.setattr(AddressLog, "group", group)
            leader.refuse(RED)

        assert leader.allocate(BLUE)["vni"] == number


class TestReport:
    def test_a_refusal_is_in_the_health(self, leader: Leader) -> None:
        """Swarm shows it nowhere."""
        leader.refuse(BRIDGE)
        leader.refuse(BRIDGE)
        (condition,) = leader.health.conditions

        assert condition.what == "network rrrrrrrrrrrr of the swarm"
        assert "mode bridge is a network of its own" in condition.why

    def test_what_fails_for_another_reason_is_there_too(self, leader: Leader) -> None:
        with pytest.raises(StoreError), leader.allocations.reported(RED.id):
            raise StoreError("disk full")

        assert leader.reported == ["network rrrrrrrrrrrr of the swarm"]

    def test_one_that_is_accepted_after_all_is_not(self, leader: Leader) -> None:
        leader.refuse(BRIDGE)
        leader.allocate(RED)

        assert leader.reported == []

    def test_one_that_was_removed_is_not(self, leader: Leader) -> None:
        leader.refuse(BRIDGE)
        leader.allocations.free(RED.id)

        assert leader.reported == []

    def test_one_that_is_not_asked_for_any_more_is_forgotten(self, leader: Leader) -> None:
        """Swarm does not say that a network is gone which no driver has accepted."""
        leader.refuse(BRIDGE)
        leader.now += 3599
        leader.allocations.forget_old()
        assert len(leader.reported) == 1
        leader.refuse(BRIDGE)
        leader.now += 3599
        leader.allocations.forget_old()
        assert len(leader.reported) == 1
        leader.now += 2
        leader.allocations.forget_old()

        assert leader.reported == []
