"""Networks as a swarm's manager allocates them."""

import pytest

from plugin.drivers.allocated import check_allocated, numbered
from plugin.drivers.base import BoundNetwork
from plugin.errors import RefusedError
from plugin.model.network import Network
from plugin.model.tunnels import Tunnel
from tests.fakes.values import a_network


def asked(mode: str, **options: str) -> Network:
    return a_network("n" * 25, mode=mode, options=options)


def number(bound: BoundNetwork) -> int:
    return int(bound.network.options["vni"])


class TestMode:
    def test_nodes_get_the_mode(self) -> None:
        """The default of an engine's version may be another."""
        assert check_allocated(asked("overlay")).network.options == {"mode": "overlay"}

    def test_a_bridge_must_be_meant(self) -> None:
        """It looks like an overlay, and is none."""
        with pytest.raises(
            RefusedError, match="leave out mode for an overlay, or add -o nodes=apart"
        ):
            check_allocated(asked("bridge"))

    def test_a_bridge_that_is_meant(self) -> None:
        """No node needs to know."""
        options = check_allocated(asked("bridge", mtu="1400", nodes="apart")).network.options

        assert options == {"mode": "bridge", "mtu": "1400"}

    @pytest.mark.parametrize(
        ("mode", "nodes", "said"),
        [("bridge", "together", "expected apart"), ("overlay", "apart", "leave it out")],
    )
    def test_it_is_refused_elsewhere(self, mode: str, nodes: str, said: str) -> None:
        with pytest.raises(RefusedError, match=said):
            check_allocated(asked(mode, nodes=nodes))

    def test_modes_that_have_a_lan_are_taken(self) -> None:
        """Their nodes meet there."""
        assert check_allocated(asked("macvlan", parent="eth0")).network.mode == "macvlan"

    def test_what_a_node_refuses_is_refused(self) -> None:
        with pytest.raises(RefusedError, match="did you mean mtu"):
            check_allocated(asked("overlay", mtuu="1400"))

    def test_what_may_be_internal_is_taken(self) -> None:
        """Only nodes are told whether it is."""
        bound = check_allocated(asked("overlay", gateway_mode_ipv4="isolated"))

        assert bound.network.options["gateway_mode_ipv4"] == "isolated"


class TestNumber:
    def test_all_nodes_get_the_same(self) -> None:
        """And the next leader, too, which asks with what was answered before."""
        first = numbered(check_allocated(asked("overlay")), ())
        again = numbered(check_allocated(first.network), ())

        assert number(first) == number(again)

    def test_one_that_is_taken_is_passed_over(self) -> None:
        bound = check_allocated(asked("overlay"))
        free = number(numbered(bound, ()))
        taken = [Tunnel(vni=free, port=4789), Tunnel(vni=free + 1, port=4789)]

        assert number(numbered(bound, taken)) == free + 2

    def test_the_last_is_before_the_first(self) -> None:
        """The number has 24 bits, and is never 0."""
        bound = check_allocated(asked("overlay"))
        free = number(numbered(bound, ()))
        taken = [Tunnel(vni=each, port=4789) for each in range(free, 1 << 24)]

        assert number(numbered(bound, frozenset(taken))) == 1

    def test_one_that_the_user_chose_is_refused_if_it_is_taken(self) -> None:
        bound = check_allocated(asked("overlay", vni="7"))

        assert number(numbered(bound, [Tunnel(vni=7, port=4790)])) == 7
        with pytest.raises(RefusedError, match="vni 7 on port 4789 is in use"):
            numbered(bound, [Tunnel(vni=7, port=4789)])

    def test_other_modes_have_none(self) -> None:
        bound = check_allocated(asked("bridge", nodes="apart"))

        assert numbered(bound, ()) is bound
