"""The plugin and ipam, which know nothing of each other, agree on which networks are a swarm's."""

import pytest

from ipam import pool
from plugin.model import ids
from plugin.model.ids import NetworkID


@pytest.mark.parametrize(
    ("network", "of_swarm"),
    [("z" * 25, True), ("0" * 24, False), ("a" * 64, False), ("Z" * 25, False), ("", False)],
)
def test_both_know_a_network_of_a_swarm(network: str, *, of_swarm: bool) -> None:
    """By the form of its id."""
    assert pool.is_of_swarm(network) is ids.is_of_swarm(NetworkID(network)) is of_swarm
