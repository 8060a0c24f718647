"""Plans are made once for each change of a record, however often the host is looked at."""

from collections import Counter
from dataclasses import replace

import pytest

from plugin.drivers.bridge import BridgeNetwork
from tests.fakes.rig import Rig
from tests.fakes.values import a_binding, a_network, an_endpoint

CONTAINERS = 50
BLUE = a_network("blue", "10.1.0.0/24")
RED = a_network("red", "10.2.0.0/24")
PLANS = ("network_plan", "endpoint_plan", "ports_plan")


@pytest.fixture
def rig() -> Rig:
    """Two networks, one with many containers."""
    made = Rig()
    made.networks.create(BLUE)
    made.networks.create(RED)
    for number in range(2, 2 + CONTAINERS):
        made.run(BLUE, an_endpoint(BLUE, number), a_binding(host_port=8000 + number))
    made.healer.heal()
    return made


@pytest.fixture
def plans(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many plans drivers made, by their kind."""
    made: Counter[str] = Counter()

    def counted(name: str) -> None:
        plan = getattr(BridgeNetwork, name)

        def count(bound: BridgeNetwork, *endpoint: object) -> object:
            made[name] += 1
            return plan(bound, *endpoint)

        monkeypatch.setattr(BridgeNetwork, name, count)

    for name in PLANS:
        counted(name)
    return made


def test_a_look_plans_nothing_anew(rig: Rig, plans: Counter[str]) -> None:
    """Neither healing, nor what an administrator asks for."""
    rig.healer.heal()
    rig.healer.heal()
    rig.parents.look_after()
    rig.host_addresses.follow()

    assert rig.inspection.differences() == []
    assert rig.inspector.unserved() == frozenset()
    assert plans == {}


def test_it_plans_what_has_changed(rig: Rig, plans: Counter[str]) -> None:
    """One container that came, and one whose ports went; of the others nothing."""
    rig.endpoints.revoke(BLUE.id, an_endpoint(BLUE, 2).id)
    rig.run(BLUE, an_endpoint(BLUE, 2 + CONTAINERS))
    plans.clear()

    rig.healer.heal()

    assert plans == {"endpoint_plan": 2, "ports_plan": 2}


def test_it_plans_a_network_whose_record_changed(rig: Rig, plans: Counter[str]) -> None:
    """Once, with all that is on it; the other network is as it was."""
    known = rig.store.network(BLUE.id)
    assert known
    rig.store.save_network(replace(known, uplink_mtu=1400))
    rig.healer.heal()
    before = plans.copy()
    rig.healer.heal()

    assert plans["network_plan"] == 1
    assert plans["ports_plan"] == CONTAINERS
    assert plans == before


def test_what_is_gone_is_forgotten(rig: Rig, plans: Counter[str]) -> None:
    """A network that comes again is planned again."""
    rig.networks.delete(RED.id)
    rig.healer.heal()
    rig.networks.create(RED)
    plans.clear()
    rig.healer.heal()

    assert plans == {"network_plan": 1}
    assert rig.held() == rig.wanted()
