"""Hosts join and leave a pool while answers are lost and writes come late: who has left is a member no more."""

import random
from typing import Final

import pytest

from ipam.blocks.admission import admit
from ipam.blocks.base import Identity, UnknownOutcomeError
from ipam.blocks.keys import MEMBERS, POOLS, member_key, pool_key
from ipam.blocks.membership import Agreed, join, leave
from ipam.errors import RefusedError
from ipam.prefixes import parse_prefix
from tests.fakes.faults import CrashError
from tests.fakes.registry import FakeLedger, FakeRegistry, Fate, RegistryState, at_random

POOL: Final = parse_prefix("10.50.0.0/24")
TROUBLE: Final = 0.3
STEPS: Final = 60


def _step(chance: random.Random, rough: FakeRegistry, host: Identity) -> None:
    try:
        if chance.random() < 0.5:
            join(rough, host, POOL, Agreed(cluster="lan"))
        else:
            leave(rough, host.host, POOL)
    except (CrashError, RefusedError):
        return  # as if it had not been asked for


@pytest.mark.parametrize("seed", range(50))
def test_who_has_left_is_no_member(seed: int) -> None:
    """And a pool with a member has a record, which the last member removes."""
    chance = random.Random(seed)
    state = RegistryState()
    calm = FakeRegistry(state, "host", lambda: Fate.DONE)
    rough = FakeRegistry(state, "host", lambda: at_random(chance, TROUBLE))
    hosts = [
        admit(calm, FakeLedger(), host=name, boot="boot", instance=f"of-{name}")
        for name in ("one", "two", "three")
    ]
    for _ in range(STEPS):
        _step(chance, rough, chance.choice(hosts))
        if state.late and chance.random() < 0.3:
            state.late.pop(chance.randrange(len(state.late)))()
        if any(key.startswith(MEMBERS) for key in state.keys):
            assert pool_key(POOL) in state.keys

    for host in hosts:
        fates = iter((Fate.DONE, Fate.DONE, Fate.LATE, Fate.DONE))
        with pytest.raises(UnknownOutcomeError):
            join(FakeRegistry(state, "host", fates.__next__), host, POOL, Agreed(cluster="lan"))
        leave(calm, host.host, POOL)
        while state.late:
            state.late.pop()()
        assert member_key(POOL, host.host) not in state.keys

    assert [key for key in state.keys if key.startswith((MEMBERS, POOLS))] == []
