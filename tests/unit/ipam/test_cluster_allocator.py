"""Pools that this host shares with others, through the allocator that the engine asks."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from ipam.blocks.base import UnavailableError
from ipam.blocks.membership import PoolDiffersError
from ipam.errors import InvalidOptionError, InvalidRequestError, PoolFullError
from ipam.lease import Kind
from ipam.pool import GLOBAL, LOCAL, PoolRequest
from tests.unit.ipam.clustered import POOL, SMALL, ClusterHost
from tests.unit.ipam.conftest import World


def test_two_hosts_give_each_address_once(one: ClusterHost, two: ClusterHost) -> None:
    """And both have the first address as their gateway."""
    pools = [(host, host.pool(SMALL)) for host in (one, two)]
    gateways = [host.take(pool, kind=Kind.GATEWAY) for host, pool in pools]
    given = [host.take(pool) for _ in range(4) for host, pool in pools]

    assert gateways == ["10.51.0.1", "10.51.0.1"]
    assert len(set(given)) == 8
    assert not {"10.51.0.0", "10.51.0.1", "10.51.0.15"} & set(given)


def test_a_start_within_a_block_asks_nobody(one: ClusterHost) -> None:
    """Nor does what the engine repeats when it starts."""
    pool = one.pool()
    one.take(pool, kind=Kind.GATEWAY)
    one.allocator.restarted()
    one.fate = None
    asked = one.asked

    addresses = {one.take(pool) for _ in range(20)}
    one.allocator.release_address(pool.id, ip_address(addresses.pop()))
    assert one.take(pool, kind=Kind.GATEWAY) == "10.50.0.1"

    assert one.asked == asked


def test_an_address_is_one_look_at_the_store(
    one: ClusterHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another, for the pool alone, costs as much as the address."""
    pool = one.pool()
    one.take(pool)
    run, runs = one.store.run, []

    def counted(*asked: Any, **named: Any) -> Any:
        runs.append(asked)
        return run(*asked, **named)

    monkeypatch.setattr(one.store, "run", counted)
    address = one.take(pool)
    one.allocator.release_address(pool.id, ip_address(address))

    assert len(runs) == 2


def test_a_full_host_claims_one_more_block(one: ClusterHost, two: ClusterHost) -> None:
    """Until others have all of them."""
    pools = [(host, host.pool(SMALL)) for host in (one, two)]
    for host, pool in pools:
        host.take(pool, kind=Kind.GATEWAY)
    given = [two.take(pools[1][1])]
    with pytest.raises(PoolFullError, match="every block of"):
        given += (one.take(pools[0][1]) for _ in range(14))

    assert two.take(pools[1][1])
    assert one.blocks(pools[0][1]) == 3


def test_what_is_excluded_is_no_hosts(one: ClusterHost, two: ClusterHost) -> None:
    """A LAN's DHCP server has most of it: each host owns a block of the rest, from which it gives at once."""
    pools = [(host, host.pool(SMALL, exclude="10.51.0.1-10.51.0.7")) for host in (one, two)]
    given = [host.take(pool) for host, pool in pools for _ in range(3)]

    assert len(set(given)) == 6
    assert all(int(each.rpartition(".")[2]) >= 8 for each in given)
    assert [host.blocks(pool) for host, pool in pools] == [1, 1]


def test_a_block_without_an_address_for_containers(one: ClusterHost) -> None:
    """The network's own and the gateway are one block of a tiny subnet; the next is claimed at once."""
    for number in range(4):
        pool = one.pool(f"10.52.{number}.0/29")
        gateway = one.take(pool, kind=Kind.GATEWAY)

        assert {one.take(pool) for _ in range(5)} == {
            f"10.52.{number}.{last}" for last in range(1, 7)
        } - {gateway}


def test_what_is_excluded_does_not_count_as_free(one: ClusterHost) -> None:
    """A block is claimed before it is needed, whatever of the first one cannot be given."""
    excluded = ",".join(f"10.53.0.{start}-10.53.0.{start + 55}" for start in range(0, 256, 64))
    pool = one.pool("10.53.0.0/24", exclude=excluded)
    for _ in range(7):
        one.take(pool)
    before = one.blocks(pool)
    one.allocator.attend()

    assert (before, one.blocks(pool)) == (1, 2)


def test_a_block_is_claimed_before_it_is_needed(one: ClusterHost) -> None:
    """In the background, so that no start waits for it."""
    pool = one.pool()
    for _ in range(40):
        one.take(pool)
    one.allocator.attend()
    before = one.blocks(pool)
    for _ in range(10):
        one.take(pool)

    one.allocator.attend()

    assert (before, one.blocks(pool)) == (1, 2)


def test_an_address_that_is_asked_for_comes_with_its_block(
    one: ClusterHost, two: ClusterHost
) -> None:
    """The host that has the block already keeps it."""
    mine, its = one.pool(), two.pool()

    assert one.take(mine, "10.50.77.7") == "10.50.77.7"
    with pytest.raises(PoolFullError, match="of host one"):
        two.take(its, "10.50.77.8")


def test_a_pool_that_others_have_with_other_options_is_refused(
    one: ClusterHost, two: ClusterHost
) -> None:
    """And is not held then."""
    one.pool("192.168.7.0/24", cluster="lan", exclude="192.168.7.9")

    with pytest.raises(PoolDiffersError, match=r"exclude of .* is '192\.168\.7\.9' in the cluster"):
        two.pool("192.168.7.0/24", cluster="lan")

    assert two.allocator.pools() == []


def test_pools_of_others_are_as_before(one: ClusterHost) -> None:
    """No other host is asked for them."""
    one.fate = None
    pool = one.allocator.request_pool(PoolRequest())

    assert pool.cluster is None
    assert one.take(pool, kind=Kind.GATEWAY)
    assert one.take(pool)
    assert one.asked == 0


def test_without_the_registry_a_new_pool_is_refused(one: ClusterHost) -> None:
    """Nothing is held then."""
    one.fate = None

    with pytest.raises(UnavailableError):
        one.pool()

    assert one.allocator.pools() == []


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (PoolRequest(options={"cluster": "lan"}), "give a subnet as well"),
        (PoolRequest(prefix=ip_network("10.0.0.0/8")), "over the edge of the cluster's"),
        (PoolRequest(prefix=ip_network(POOL), options={"tenant": "a"}), "cannot have tenant"),
        (PoolRequest(prefix=ip_network(POOL), options={"group": "a"}), "cannot have group"),
        (PoolRequest(prefix=ip_network(POOL), options={"range": POOL}), "cannot have range"),
        (PoolRequest(prefix=ip_network(POOL), subpool=ip_network(POOL)), "cannot have --ip-range"),
        (PoolRequest(prefix=ip_network(POOL), space=GLOBAL), "cannot have swarm's scope"),
        (PoolRequest(prefix=ip_network(POOL), options={"cluster": "a b"}), "cluster is 'a b'"),
    ],
)
def test_what_a_cluster_s_pool_cannot_be(
    one: ClusterHost, request_: PoolRequest, said: str
) -> None:
    """A sentence, and nothing is asked of other hosts."""
    with pytest.raises(InvalidRequestError, match=said):
        one.allocator.request_pool(request_)

    assert one.asked == 0


@pytest.mark.parametrize(
    ("address", "kind", "said"),
    [
        ("10.50.0.1", Kind.ENDPOINT, "is the gateway of pool"),
        ("10.50.0.2", Kind.GATEWAY, "give the option exclude=10.50.0.2"),
        ("10.50.0.2", Kind.AUXILIARY, "use the option exclude=10.50.0.2"),
    ],
)
def test_addresses_that_are_nobody_s(one: ClusterHost, address: str, kind: Kind, said: str) -> None:
    """Another host would not know of them."""
    pool = one.pool()

    with pytest.raises(InvalidRequestError, match=said):
        one.take(pool, address, kind)


def test_a_gateway_that_is_excluded_is_agreed_on(one: ClusterHost, two: ClusterHost) -> None:
    """A router of the LAN has any address."""
    pools = [(host, host.pool(cluster="lan", exclude="10.50.0.254")) for host in (one, two)]

    for host, pool in pools:
        assert host.take(pool, "10.50.0.254", Kind.GATEWAY) == "10.50.0.254"


def test_without_a_cluster_the_option_is_refused(world: World) -> None:
    """A pool whose addresses nobody agrees on would be worse than none."""
    with pytest.raises(InvalidOptionError, match="this host is in no cluster"):
        world.pool("10.7.0.0/24", cluster="lan")

    assert world.everything() == []


def test_a_network_is_the_cluster_s_as_a_whole(one: ClusterHost) -> None:
    """Of a second family that is not, each host would give the same addresses."""
    shared, own = one.pool(), one.pool("fd00:50::/64")
    both = [pool.prefix for pool in (shared, own)]

    with pytest.raises(PoolDiffersError, match="fd00:50::/64 is this host's own"):
        one.allocator.group("app", LOCAL, both)
    assert [pool.network for pool in one.allocator.pools()] == [None, None]
    one.allocator.group("app", LOCAL, [shared.prefix])


def test_a_new_host_that_lost_nothing_asks_for_nothing(one: ClusterHost) -> None:
    """What it has is in its blocks: however many containers run, a round asks as much as the next one."""
    pool = one.pool()
    for _ in range(20):
        one.take(pool)
    rounds = []
    for _ in range(2):
        before = one.asked
        one.allocator.attend()
        rounds.append(one.asked - before)

    assert rounds[0] == rounds[1]
