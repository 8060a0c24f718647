"""The nodes in a file."""

from ipaddress import ip_address
from pathlib import Path

from plugin.cluster.swarm_nodes import Nodes, NodesFile

ONE, TWO = ip_address("10.99.0.1"), ip_address("fd00::2")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """All of it, of both families."""
    nodes = Nodes(agent="boot/1", own=ONE, others=(TWO, TWO), complete=False)
    NodesFile(tmp_path).write(nodes)

    assert NodesFile(tmp_path).read() == nodes
    assert [each.name for each in tmp_path.iterdir()] == ["swarm-nodes"]


def test_a_new_directory_knows_none(tmp_path: Path) -> None:
    assert NodesFile(tmp_path).read() == Nodes()


def test_nodes_come_and_go() -> None:
    """Each as often as it came; one that never came may go."""
    nodes = Nodes().with_node(ONE).with_node(ONE).with_node(TWO).without_node(ONE)

    assert nodes == Nodes(others=(ONE, TWO))
    assert nodes.without_node(ONE).without_node(ONE) == Nodes(others=(TWO,))
