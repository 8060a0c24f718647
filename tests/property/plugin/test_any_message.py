"""Whatever is sent, the answer is JSON, says what is wrong, and nothing breaks."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.plugin import Plugin
from tests.conformance.test_methods import METHODS
from tests.property.effort import effort
from tests.property.plugin.strategies import messages, sane_messages

FEW = effort(20)


def check(plugin: Plugin, method: str, body: bytes) -> int:
    response = plugin.client.post(f"/{method}", data=body)

    assert response.mimetype == "application/json"
    answer = json.loads(response.data)
    said = answer.get("Err", "")
    assert "internal error in pynet" not in said, (method, body)
    assert "Traceback" not in said
    assert (response.status_code == 200) or said
    assert answer.get("Error", "") == said
    return response.status_code


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(message=messages)
def test_any_json(method: str, message: dict[str, Any]) -> None:
    """Of an engine that is newer than pynet, or of a user who tries things."""
    assert check(Plugin(), method, json.dumps(message).encode()) in (200, 400)


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(body=st.binary(max_size=40))
def test_any_bytes(method: str, body: bytes) -> None:
    """Of something that speaks another protocol."""
    assert check(Plugin(), method, body) in (200, 400)


@effort(50)
@given(st.lists(st.tuples(st.sampled_from(METHODS), sane_messages), max_size=20))
def test_any_sequence_leaves_host_and_state_in_accord(
    calls: list[tuple[str, dict[str, Any]]],
) -> None:
    """Of calls that are almost right, in an order that no engine has."""
    plugin = Plugin()
    for method, message in calls:
        status = check(plugin, method, json.dumps(message).encode())
        assert status in (200, 400, 500)
    rig = plugin.rig
    rig.healer.heal()

    assert rig.wanted() <= rig.held()
    for network in rig.store.networks():
        rig.networks.delete(network.id)
    assert rig.held() == frozenset()
