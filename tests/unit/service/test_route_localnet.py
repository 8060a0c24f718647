"""127.0.0.0/8 crosses a bridge while a container there publishes a port that is reached by it."""

from collections.abc import Callable

import pytest

from plugin.errors import FirewallError
from plugin.model.ids import bridge_name
from tests.fakes.rig import Rig
from tests.fakes.values import a_binding, a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24")
BRIDGE = bridge_name(BLUE.id)
ONE, OTHER, SILENT = (an_endpoint(BLUE, number) for number in (2, 3, 4))

ENDS: dict[str, Callable[[Rig], object]] = {
    "revoke": lambda rig: rig.endpoints.revoke(BLUE.id, ONE.id),
    "leave": lambda rig: rig.endpoints.leave(BLUE.id, ONE.id),
    "delete": lambda rig: rig.endpoints.delete(BLUE.id, ONE.id),
}


@pytest.fixture
def rig() -> Rig:
    """A plugin with a network that has a container without ports."""
    made = Rig()
    made.networks.create(BLUE)
    made.run(BLUE, SILENT)
    made.faults.arm(None)
    return made


def crosses(rig: Rig) -> bool:
    """As the host has it."""
    return rig.host.links[BRIDGE].localnet


@pytest.mark.parametrize("end", ENDS)
def test_it_ends_with_the_last_port(rig: Rig, end: str) -> None:
    """However the container loses it; and is there from the first to the last."""
    before = crosses(rig)
    rig.run(BLUE, ONE, a_binding(80))
    rig.run(BLUE, OTHER, a_binding(81, 8081))
    rig.endpoints.revoke(BLUE.id, OTHER.id)
    meanwhile = crosses(rig)
    ENDS[end](rig)

    assert (before, meanwhile, crosses(rig)) == (False, True, False)
    assert rig.held() == rig.wanted() or end != "revoke"


@pytest.mark.parametrize("end", ENDS)
def test_the_others_port_keeps_it(rig: Rig, end: str) -> None:
    """The host reaches that at 127.0.0.1 as before."""
    rig.run(BLUE, ONE, a_binding(80))
    rig.run(BLUE, OTHER, a_binding(81, 8081))
    ENDS[end](rig)

    assert crosses(rig)


def test_a_failed_call_takes_it_from_nobody(rig: Rig) -> None:
    """What is undone is what was made."""
    rig.run(BLUE, ONE, a_binding(80))
    rig.run(BLUE, OTHER)
    rig.firewall.absent = "nft is not there"
    with pytest.raises(FirewallError):
        rig.endpoints.program(BLUE.id, OTHER.id, [a_binding(81, 8081)])

    assert crosses(rig)


def test_a_start_takes_back_what_nobody_needs(rig: Rig) -> None:
    """The version before had it on every bridge, and a crash may leave it."""
    rig.host.links[BRIDGE].localnet = True
    again = rig.restarted()

    assert not crosses(again)
    assert again.held() == again.wanted()


def test_a_start_leaves_what_a_container_needs(rig: Rig) -> None:
    """It is not off in between: containers run on."""
    rig.run(BLUE, ONE, a_binding(80))
    again = rig.restarted()

    assert crosses(again)
    assert "remove RouteLocalnet" not in again.faults.points
