"""What an engine tells of its swarm's nodes."""

from typing import Any

import pytest

from plugin.wire.decoding import decode
from plugin.wire.discovery import DiscoveryNotification
from plugin.wire.errors import WireError
from tests.unit.wire.bodies import read


def told(data: Any, kind: int = 1) -> DiscoveryNotification:
    found = read(DiscoveryNotification, DiscoveryType=kind, DiscoveryData=data)
    assert isinstance(found, DiscoveryNotification)
    return found


@pytest.mark.parametrize(
    ("data", "address"),
    [
        ({"Address": "10.99.0.2", "BindAddress": "", "Self": False}, "10.99.0.2"),
        ({"Address": "10.99.0.2", "BindAddress": "10.99.0.9", "Self": False}, "10.99.0.2"),
        ({"Address": "10.77.0.1", "BindAddress": "10.99.0.1", "Self": True}, "10.99.0.1"),
        ({"Address": "10.99.0.1", "BindAddress": "0.0.0.0", "Self": True}, "10.99.0.1"),
        ({"Address": "10.99.0.1", "Self": True}, "10.99.0.1"),
        ({"Address": "fd00::1", "BindAddress": "fd00::1", "Self": True}, "fd00::1"),
    ],
)
def test_by_which_address_other_nodes_know_it(data: Any, address: str) -> None:
    """For this host not that of the data path: other nodes are not told that one."""
    node = told(data).node

    assert node is not None
    assert str(node.address) == address


@pytest.mark.parametrize("kind", [0, 2, 3, 4])
def test_other_subjects_are_passed_over(kind: int) -> None:
    assert told({"Keys": []}, kind).node is None
    assert decode(b"{}", DiscoveryNotification).node is None


@pytest.mark.parametrize("data", [None, "10.99.0.2", [], {"Address": 7}, {"Self": "yes"}])
def test_what_is_no_node_is_refused(data: Any) -> None:
    with pytest.raises(WireError, match="DiscoveryData"):
        _ = told(data).node


@pytest.mark.parametrize("data", [{}, {"Address": "host"}, {"Address": ""}])
def test_a_node_has_an_address(data: Any) -> None:
    node = told(data).node

    assert node is not None
    with pytest.raises(WireError, match="Address"):
        _ = node.address
