"""Which addresses of a cluster's pool this host may give."""

from ipaddress import ip_address, ip_network

import pytest

from ipam.errors import NotOwnedError
from ipam.lease import Kind
from ipam.pool import LOCAL, NO_TENANT, Pool, pool_id
from ipam.prefixes import Prefix, parse_prefix, parse_range
from ipam.shared import check_given, chosen_here, may_give
from ipam.store.host_facts import MemoryFacts

PREFIX = parse_prefix("10.50.0.0/24")
POOL = Pool(
    id=pool_id(LOCAL, NO_TENANT, PREFIX),
    space=LOCAL,
    tenant=NO_TENANT,
    prefix=PREFIX,
    exclusions=(parse_range("10.50.0.2-10.50.0.9"),),
    cluster="lan",
    requested=0.0,
)


class Owner(MemoryFacts):
    """A host with the first and the last block."""

    def blocks(self, _: Prefix) -> tuple[Prefix, ...]:
        return ip_network("10.50.0.0/26"), ip_network("10.50.0.192/26")


def test_addresses_are_chosen_from_blocks() -> None:
    """Without the gateway, what is excluded, and the broadcast address."""
    assert [str(part) for part in chosen_here(POOL, "host", Owner())] == [
        "10.50.0.10-10.50.0.63",
        "10.50.0.192-10.50.0.254",
    ]


def test_without_a_cluster_none_is_chosen() -> None:
    """As by a command on the file of a pynet that runs."""
    assert chosen_here(POOL, "host", MemoryFacts()) == ()
    assert not may_give(POOL, ip_address("10.50.0.10"), MemoryFacts())


def test_an_address_of_another_block_is_refused() -> None:
    """But not the gateway, which all hosts have."""
    check_given(POOL, ip_address("10.50.0.10"), Kind.ENDPOINT, Owner())
    check_given(POOL, ip_address("10.50.0.100"), Kind.GATEWAY, Owner())
    with pytest.raises(NotOwnedError, match="is in no block of this host"):
        check_given(POOL, ip_address("10.50.0.100"), Kind.ENDPOINT, Owner())
