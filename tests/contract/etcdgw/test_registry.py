"""ipam's registry of blocks in etcd: its transactions, its sessions, and what it says in trouble."""

import pytest

from etcdgw import Client
from ipam.blocks.admission import admit, attend, describe, forget
from ipam.blocks.base import NotAdmittedError, UnavailableError, UnknownOutcomeError
from ipam.blocks.census import read_hosts, read_pools
from ipam.blocks.membership import Agreed, join
from ipam.blocks.ownership import Blocks
from ipam.errors import PoolFullError
from ipam.prefixes import parse_prefix
from plugin.addressing.etcd_registry import EtcdRegistry
from tests.contract.etcdgw.clusters import Cluster, Reach
from tests.fakes.registry import FakeLedger
from tests.fakes.relay import Mode
from tests.kernel.netns import wait_until

POOL = parse_prefix("10.50.0.0/25")


@pytest.fixture
def registry(etcd: Client, key: bytes) -> EtcdRegistry:
    """A registry of the test's own."""
    return EtcdRegistry(etcd, prefix=key.decode())


def a_host(registry: EtcdRegistry, name: str, boot: str = "boot1") -> Blocks:
    ledger = FakeLedger()
    identity = admit(registry, ledger, host=name, boot=boot, instance=f"of-{name}")
    return Blocks(registry, ledger, identity)


def test_a_transaction_is_done_whole_or_not_at_all(registry: EtcdRegistry) -> None:
    """With what must be absent, what must have its value, writes and deletions."""
    assert registry.commit({"a": None, "b": None}, {"a": "1", "b": "2"})
    assert not registry.commit({"a": "1", "b": None}, {"a": None})
    assert registry.commit({"a": "1", "b": "2"}, {"a": None, "b": "3", "c/d": "4"})

    assert registry.read("") == {"b": "3", "c/d": "4"}
    assert registry.read("c/") == {"c/d": "4"}


def test_two_hosts_own_blocks_of_their_own(registry: EtcdRegistry) -> None:
    """An address in a block of the other's is refused, and says whose the block is."""
    one, two = a_host(registry, "one"), a_host(registry, "two")

    blocks = [owner.claim(POOL) for owner in (one, two, one, two)]

    assert len(set(blocks)) == 4
    with pytest.raises(PoolFullError, match=f"block {blocks[1]} of host two"):
        one.claim(POOL, blocks[1][5])
    with pytest.raises(PoolFullError, match="every block"):
        one.claim(POOL)
    two.give_back(POOL, blocks[1])
    assert one.claim(POOL, blocks[1][5]) == blocks[1]


def test_a_session_ends_when_nobody_is_heard(etcd: Client, key: bytes) -> None:
    """A copy of a machine is refused until then; a dead host's blocks come back by forgetting."""
    registry = EtcdRegistry(etcd, prefix=key.decode(), session=2)
    owner = a_host(registry, "one")
    owner.claim(POOL)
    with pytest.raises(NotAdmittedError, match="half a minute"):
        forget(registry, "one")

    wait_until(lambda: not registry.read("nodes/"), "the session does not end")

    assert forget(registry, "one") == 1
    assert registry.read("") == {}
    with pytest.raises(NotAdmittedError, match="was forgotten"):
        owner.claim(POOL)


def test_what_all_hosts_have_is_seen(registry: EtcdRegistry) -> None:
    """Hosts with what they say about themselves, and their blocks."""
    ledger = FakeLedger()
    identity = admit(registry, ledger, host="one", boot="boot1", instance="of-one")
    describe(registry, identity, "web3 10.0.0.1")
    join(registry, identity, POOL, Agreed(cluster="lan"))
    for _ in range(2):
        Blocks(registry, ledger, identity).claim(POOL)

    (host,), (pool,) = read_hosts(registry), read_pools(registry)
    assert (host.host, host.about, host.is_heard) == ("one", "web3 10.0.0.1", True)
    assert host.blocks == {POOL: 2}
    assert (pool.prefix, pool.agreed.cluster, pool.hosts) == (POOL, "lan", ("one",))


def test_a_host_that_is_heard_keeps_its_session(registry: EtcdRegistry) -> None:
    """Also over a restart of its process, which has another lease."""
    ledger = FakeLedger()
    identity = admit(registry, ledger, host="one", boot="boot1", instance="of-one")

    attend(registry, identity)
    attend(registry, admit(registry, ledger, host="one", boot="boot1", instance="other"))

    assert registry.read("nodes/") == {"nodes/one": str(identity)}


def test_a_copy_is_refused_while_the_original_runs(registry: EtcdRegistry) -> None:
    """It has the same machine-id and state, and another boot."""
    ledger = FakeLedger()
    admit(registry, ledger, host="one", boot="boot1", instance="of-one")
    copy = ledger.copied(lambda: 0)

    with pytest.raises(NotAdmittedError, match="another machine has its machine-id"):
        admit(registry, copy, host="one", boot="boot2", instance="other")


def test_a_lost_state_is_refused(registry: EtcdRegistry) -> None:
    """Its blocks may have containers that nobody knows of any more."""
    a_host(registry, "one")

    with pytest.raises(NotAdmittedError, match="state was lost"):
        admit(registry, FakeLedger(), host="one", boot="boot2", instance="other")


def test_trouble_is_told_in_ipams_words(cluster: Cluster, reach: Reach, key: bytes) -> None:
    """Whether something may have been written is what a host must know."""
    registry = EtcdRegistry(reach(0, timeout=1.0), prefix=key.decode())
    cluster.relays[0].mode = Mode.LOSES_ANSWERS
    try:
        with pytest.raises(UnknownOutcomeError):
            registry.commit({"a": None}, {"a": "1"})
    finally:
        cluster.relays[0].mode = Mode.PASSES
    cluster.relays[0].refuse()
    try:
        with pytest.raises(UnavailableError):
            registry.commit({"a": None}, {"a": "1"})
    finally:
        cluster.relays[0].listen()

    patient = EtcdRegistry(reach(0), prefix=key.decode())
    assert patient.read("") == {"a": "1"}
