"""What the loop says of what fails."""

import pytest

from plugin.firewall.firewalld import Firewalld
from plugin.model.ids import NetworkID
from plugin.upkeep.firewalld_sync import FirewalldZones
from plugin.upkeep.healing import Healer
from plugin.upkeep.loop import Loop, Upkeep
from tests.fakes.rig import Rig
from tests.fakes.values import a_network

BLUE = a_network("blue", "10.1.0.0/24")
CONDITION = "look after networks"


class _ToldLoop(Loop):
    """Hears of a link of a network."""

    def tell(self, network_id: NetworkID) -> None:
        self._networks.add(network_id)
        self._changed.set()


@pytest.fixture
def loop(rig: Rig) -> _ToldLoop:
    """No tick is due for an hour."""
    rig.networks.create(BLUE)
    upkeep = Upkeep(
        store=rig.store,
        bound=rig.teardown.bound,
        healer=rig.healer,
        parents=rig.parents,
        host_addresses=rig.host_addresses,
        peers=rig.peers,
        leases=rig.leases,
        zones=FirewalldZones(rig.store, rig.kernel, rig.teardown.bound, rig.health, Firewalld()),
        probe=lambda: None,
        recall=lambda: None,
        collect=lambda: None,
        rest=lambda: None,
    )
    made = _ToldLoop(upkeep, rig.health, 3600)
    made.look()
    return made


def _fail(*_: object) -> None:
    raise RuntimeError("cannot")


def _conditions(rig: Rig) -> set[str]:
    return {each.what for each in rig.health.conditions}


def test_one_network_that_heals_does_not_speak_for_all(
    rig: Rig, loop: _ToldLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a look at everything could not do stays said until another one could."""
    monkeypatch.setattr(Healer, "heal", _fail)
    loop.look()
    loop.tell(BLUE.id)
    loop.look_where_due()

    assert CONDITION in _conditions(rig)
    monkeypatch.undo()
    loop.look()
    assert CONDITION not in _conditions(rig)


def test_one_network_that_cannot_be_healed_is_a_case_for_all(
    rig: Rig, loop: _ToldLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and not with the next tick."""
    monkeypatch.setattr(Healer, "heal_networks", _fail)
    monkeypatch.setattr(Healer, "heal", _fail)
    loop.tell(BLUE.id)
    loop.look_where_due()
    loop.look_where_due()

    assert CONDITION in _conditions(rig)
