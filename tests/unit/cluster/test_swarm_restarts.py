"""What is known of a swarm's nodes when the plugin or the engine has started again."""

from dataclasses import replace

import pytest

from plugin.cluster.base import PeersChange
from plugin.errors import RefusedError
from tests.unit.cluster.engines import EVERYWHERE, OF_RED, ONE, RED, SIX, THREE, TWO, Engine


class TestRestart:
    def test_a_plugin_that_starts_again_knows_the_nodes(self, engine: Engine) -> None:
        """The engine names this host alone to it, as it does when pynet was disabled."""
        engine.join("a", TWO, THREE)
        engine.cluster.disappeared(THREE)
        engine.start_plugin()
        assert engine.peers == {TWO}
        engine.join("a")

        assert engine.peers == {TWO}
        assert engine.health.conditions == ()

    def test_another_agent_begins_anew(self, engine: Engine) -> None:
        """Of an engine that started again, or that is in another swarm now: its nodes come next."""
        engine.join("a", TWO)
        assert engine.peers == {TWO}
        engine.join("b", THREE)

        assert engine.peers == {THREE}
        assert engine.told[0] == PeersChange(network=RED, removed=frozenset({TWO}))

    def test_an_engine_that_starts_with_the_plugin_begins_anew(self, engine: Engine) -> None:
        """The agent comes after the engine's first question."""
        engine.join("a", TWO)
        engine.agents = {}
        engine.start_plugin()
        engine.join("b", THREE)

        assert engine.peers == {THREE}
        assert engine.cluster.own_address(RED) == ONE

    def test_what_is_damaged_is_nothing(self, engine: Engine) -> None:
        """A power failure may leave anything; the next agent names all nodes."""
        engine.join("a", TWO)
        for damage in ("", "[]", '{"agent": "a"}', "\x00\xff"):
            (engine.directory / "swarm-nodes").write_text(damage)
            engine.start_plugin()
            assert engine.peers == frozenset()

    def test_a_directory_that_cannot_be_written_loses_nothing_now(self, engine: Engine) -> None:
        """Only the next process does not know."""
        (engine.directory / "swarm-nodes.new").mkdir()
        engine.join("a", TWO)

        assert engine.peers == {TWO}


def test_a_list_that_was_lost(engine: Engine) -> None:
    """Is no reason to leave hosts that the network's record has."""
    part = replace(OF_RED, recorded=(TWO, SIX))
    assert engine.cluster.peers(part) == {TWO}
    engine.join("a")

    assert engine.cluster.peers(part) == frozenset()


class TestEnabledLater:
    """pynet was enabled when the host was in a swarm already: other nodes are never named."""

    @pytest.fixture
    def late(self, engine: Engine) -> Engine:
        engine.agents = {EVERYWHERE: "a"}
        engine.start_plugin()
        engine.join("a")
        return engine

    def test_networks_are_refused(self, late: Engine) -> None:
        """They would be cut off from all other nodes, without a word."""
        with pytest.raises(RefusedError, match="restart Docker on this node, once"):
            late.cluster.own_address(RED)
        (condition,) = late.health.conditions

        assert condition.remedy == "restart Docker on this node, once"

    def test_a_restart_of_the_plugin_changes_nothing(self, late: Engine) -> None:
        """It is the same agent."""
        late.start_plugin()
        late.join("a")

        with pytest.raises(RefusedError):
            late.cluster.own_address(RED)
        assert len(late.health.conditions) == 1

    def test_a_restart_of_the_engine_is_the_remedy(self, late: Engine) -> None:
        """Which names all nodes anew."""
        late.join("b", TWO)

        assert late.cluster.own_address(RED) == ONE
        assert late.peers == {TWO}
        assert late.health.conditions == ()

    def test_a_host_in_no_swarm_is_told_the_same(self, engine: Engine) -> None:
        """An engine asks for no network of a swarm then."""
        with pytest.raises(RefusedError):
            engine.cluster.own_address(RED)
        assert engine.health.conditions == ()
