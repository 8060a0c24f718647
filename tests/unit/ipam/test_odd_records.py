"""What another program wrote among the records of hosts, or a host that means ill."""

import pytest

from ipam.blocks.admission import forget
from ipam.blocks.census import read_hosts, read_pools
from ipam.blocks.keys import pool_key
from ipam.errors import RefusedError
from ipam.prefixes import parse_prefix
from tests.fakes.registry import FakeRegistry, Fate
from tests.unit.ipam.clustered import POOL, ClusterHost

ODD = (
    "blocks/odd",
    "blocks/odd/10.50.0.0-26",
    "blocks/10.50.0.0-16/odd",
    "blocks/10.50.0.0-16/10.50.0.0-99",
    "blocks/10.50.0.0-16/a/b",
    "members/odd/one",
    "members//",
    "pools/odd",
    "pools/10.50.0.0-99",
    "kept/odd/10.50.0.9",
    "kept/10.50.0.0-16/odd",
    "places/odd/one",
    "hosts/",
)


@pytest.mark.parametrize("key", ODD)
@pytest.mark.parametrize("value", ["", "odd", "\ufffd" * 100_000])
def test_a_key_that_no_host_writes(
    one: ClusterHost, two: ClusterHost, key: str, value: str
) -> None:
    """Is nobody's: pools come and go, hosts attend, are listed and forgotten."""
    one.state.keys[key] = value
    pool = one.pool()
    assert one.take(pool) != two.take(two.pool())
    one.start()
    for host in (one, two):
        host.allocator.attend()
    registry = FakeRegistry(one.state, "operator", lambda: Fate.DONE)
    assert [each.prefix for each in read_pools(registry)] == [pool.prefix]
    assert {"one", "two"} <= {each.host for each in read_hosts(registry)}
    two.state.lapse(lambda _: True)
    assert forget(registry, "two") == 1
    one.allocator.release_pool(pool.id)
    one.allocator.attend()
    assert one.blocks(pool) == 0


@pytest.mark.parametrize("text", ["", "odd", "a b c d e f", "a b 1 odd e f", "\x1b" * 100_000])
def test_a_record_that_cannot_be_read(one: ClusterHost, two: ClusterHost, text: str) -> None:
    """Says so, in few words; containers start from what the host has."""
    pool = one.pool()
    one.state.keys[pool_key(parse_prefix("10.60.0.0/16"))] = text
    with pytest.raises(RefusedError, match=r"record of a pool is .* which no host of this") as said:
        one.pool("10.61.0.0/16")
    assert len(str(said.value)) < 500
    assert str(said.value).isprintable()
    one.allocator.attend()

    assert one.take(pool) != two.take(two.pool(POOL))
