"""Where an endpoint is in its life, and where it may go from there."""

import itertools

import pytest

from plugin.model.network import MOVES, Endpoint, EndpointState
from tests.fakes.values import SANDBOX, a_network, an_endpoint

S = EndpointState
WAYS = {
    S.CREATED: (),
    S.JOINED: (S.JOINED,),
    S.LEFT: (S.JOINED, S.LEFT),
    S.UNPLUGGED: (S.JOINED, S.UNPLUGGED),
    S.DELETING: (S.JOINED, S.DELETING),
}


def an_endpoint_in(state: EndpointState) -> Endpoint:
    endpoint = an_endpoint(a_network("blue", "10.1.0.0/24"))
    for each in WAYS[state]:
        endpoint = _moved(endpoint, each)
    return endpoint


def _moved(endpoint: Endpoint, state: EndpointState) -> Endpoint:
    return endpoint.moved(state, sandbox_key=SANDBOX if state is S.JOINED else None)


@pytest.mark.parametrize("state", S)
def test_every_state_is_reached_and_kept(state: EndpointState) -> None:
    """By a record alone; to stay is no move."""
    endpoint = an_endpoint_in(state)

    assert endpoint.state is state
    assert _moved(endpoint, state) == endpoint
    assert endpoint.joined == (state is S.JOINED)


@pytest.mark.parametrize(
    ("before", "after"), [(a, b) for a, b in itertools.permutations(S, 2) if b in MOVES[a]]
)
def test_a_legal_move(before: EndpointState, after: EndpointState) -> None:
    """As calls and the loop make them."""
    assert _moved(an_endpoint_in(before), after).state is after


@pytest.mark.parametrize(
    ("before", "after"), [(a, b) for a, b in itertools.permutations(S, 2) if b not in MOVES[a]]
)
def test_an_illegal_move(before: EndpointState, after: EndpointState) -> None:
    """What dockerd has forgotten never comes back, for one."""
    with pytest.raises(ValueError, match=f"is {before.value} cannot become {after.value}"):
        _moved(an_endpoint_in(before), after)


@pytest.mark.parametrize(("state", "key"), [(S.JOINED, None), (S.LEFT, SANDBOX)])
def test_a_sandbox_where_there_must_be_one_and_nowhere_else(
    state: EndpointState, key: str | None
) -> None:
    """An endpoint that leaves has none."""
    with pytest.raises(ValueError, match=f"becomes {state.value} joins"):
        an_endpoint_in(S.JOINED).moved(state, sandbox_key=key)


def test_that_a_sandbox_had_its_link_is_remembered() -> None:
    """Also when it is deleted: connections of such a one are ended."""
    assert an_endpoint_in(S.DELETING).attached
    assert not an_endpoint_in(S.CREATED).moved(S.DELETING).attached
