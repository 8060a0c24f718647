"""However a pool was asked for: told what its network knows, a new store holds the same."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from ipam.allocator import Allocator
from ipam.errors import InvalidRequestError
from ipam.pool import LOCAL, PoolRequest
from ipam.replay import LostPool
from ipam.store.memory import MemoryStore

PREFIX = IPv4Network("10.1.2.0/28")
# From one address before the prefix to one behind it.
addresses = st.integers(-1, 16).map(lambda number: IPv4Address("10.1.2.0") + number)
ranges = st.lists(
    st.lists(addresses, min_size=2, max_size=2).map(sorted).map(lambda p: f"{p[0]}-{p[1]}"),
    max_size=3,
).map(",".join)
options = st.fixed_dictionaries(
    {},
    optional={
        "tenant": st.sampled_from(["red", "a-B_c.9"]),
        "group": st.just("lan"),
        "range": ranges,
        "exclude": ranges,
    },
)
subpools = st.none() | st.integers(26, 32).map(
    lambda length: IPv4Network((int(IPv4Address("10.1.2.8")), length), strict=False)
)


@given(given_options=options, subpool=subpools)
def test_the_pool_is_the_same(given_options: dict[str, str], subpool: IPv4Network | None) -> None:
    """With its tenant, ranges, exclusions and group; the options are those of a request."""
    allocator = Allocator(MemoryStore(), clock=lambda: 1.0)
    wanted = PoolRequest(prefix=PREFIX, subpool=subpool, options=given_options)
    try:
        pool = allocator.request_pool(wanted)
    except InvalidRequestError:
        return
    allocator.group("net1", LOCAL, [PREFIX])
    remembered = allocator.options("net1", LOCAL, PREFIX)
    rebuilt = Allocator(MemoryStore(), clock=lambda: 1.0)
    assert remembered is not None
    request = PoolRequest(prefix=PREFIX, options=remembered)
    rebuilt.restore_pool(LostPool(network="net1", request=request))

    assert rebuilt.pools() == allocator.pools() == [replace(pool, network="net1")]
    assert rebuilt.pools()[0].automatic == pool.automatic
