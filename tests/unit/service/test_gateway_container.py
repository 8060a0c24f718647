"""A container that is the others' gateway, and the host that stands in while it is not there."""

import pytest

from plugin.model.ids import bridge_name, port_name, redirect_name
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX, a_network, an_endpoint

BLUE = a_network(options={"gateway_container": "10.1.0.5", "rate_from": "1gbit"})
GATEWAY = an_endpoint(BLUE, 5, options={"gateway": "true"})
IDS = (BLUE.id, GATEWAY.id)


@pytest.fixture
def rig() -> Rig:
    """A plugin with one network, and nobody on it."""
    made = Rig()
    made.networks.create(BLUE)
    return made


def stands_in(rig: Rig) -> bool:
    addresses = rig.host.links[bridge_name(BLUE.id)].addresses
    return "10.1.0.5/32" in map(str, addresses)


def join(rig: Rig) -> None:
    rig.endpoints.create(GATEWAY)
    rig.endpoints.join(*IDS, SANDBOX)


class TestStandIn:
    def test_from_the_start(self, rig: Rig) -> None:
        """The gateway container is started on the network, so after it."""
        assert stands_in(rig)
        assert rig.held() == rig.wanted()

    def test_it_withdraws_when_the_container_joins(self, rig: Rig) -> None:
        """Created is not there yet."""
        rig.endpoints.create(GATEWAY)
        before = stands_in(rig)
        rig.endpoints.join(*IDS, SANDBOX)

        assert before
        assert not stands_in(rig)

    def test_another_container_does_not_matter(self, rig: Rig) -> None:
        """It only uses the gateway."""
        rig.run(BLUE, an_endpoint(BLUE, 2))

        assert stands_in(rig)

    def test_it_comes_back_when_the_container_leaves(self, rig: Rig) -> None:
        """The engine says so before it deletes."""
        join(rig)
        rig.endpoints.leave(*IDS)

        assert stands_in(rig)

    def test_it_comes_back_when_the_link_is_lost(self, rig: Rig) -> None:
        """The container died and the engine said nothing: the pass that sees it restores the link."""
        join(rig)
        rig.host.delete_link(port_name(GATEWAY.id))
        rig.healer.heal()

        assert stands_in(rig)
        assert rig.held() == rig.wanted()
        assert redirect_name(GATEWAY.id) not in rig.host.links

    def test_it_is_what_the_last_join_left_after_a_restart(self, rig: Rig) -> None:
        """The engine does not have to tell it again."""
        join(rig)
        again = rig.restarted()

        assert not stands_in(again)
        again.endpoints.leave(*IDS)
        assert stands_in(again)
