"""What etcdgw promises, of etcd itself and of the one in memory."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from etcdgw import (
    Client,
    Delete,
    Get,
    Put,
    RefusedError,
    UnavailableError,
    UnknownOutcomeError,
    absent,
    has_value,
    unchanged,
)
from tests.contract.etcdgw.clusters import Cluster, Reach
from tests.fakes.relay import Mode
from tests.kernel.netns import wait_until


class TestKeys:
    def test_a_key_is_read_as_it_was_written(self, etcd: Client, key: bytes) -> None:
        """Any bytes, with the revisions that conditions ask for."""
        revision = etcd.put(key, b"\x00\xff one")

        found = etcd.get(key)

        assert found is not None
        assert found.value == b"\x00\xff one"
        assert (found.create_revision, found.mod_revision, found.version) == (revision, revision, 1)

    def test_a_key_that_is_not_there(self, etcd: Client, key: bytes) -> None:
        """Is None, and its deletion deletes nothing."""
        assert etcd.get(key) is None
        assert etcd.delete(key) == 0

    def test_a_deleted_key_begins_anew(self, etcd: Client, key: bytes) -> None:
        """Its version counts from 1 again."""
        etcd.put(key, b"one")
        deleted = etcd.delete(key)
        etcd.put(key, b"two")

        found = etcd.get(key)

        assert deleted == 1
        assert found is not None
        assert found.version == 1

    def test_a_listing_has_the_prefix_and_nothing_else(self, etcd: Client, key: bytes) -> None:
        """By key, whatever stands beside."""
        for name in (b"b", b"a", b"\xff"):
            etcd.put(key + name, name)
        etcd.put(key[:-1] + b"0", b"the first key behind")

        listing = etcd.list(key)

        assert [kv.value for kv in listing.items] == [b"a", b"b", b"\xff"]

    def test_a_listing_of_many_pages_is_of_one_moment(
        self, etcd: Client, key: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is written between two pages is in none of them."""
        monkeypatch.setattr("etcdgw.client._PAGE", 2)
        for number in range(5):
            etcd.put(key + b"%d" % number, b"")

        listing = etcd.list(key)

        assert [kv.key[-1:] for kv in listing.items] == [b"0", b"1", b"2", b"3", b"4"]
        assert listing.revision == listing.items[-1].mod_revision


class TestTransactions:
    def test_what_is_absent_is_created_once(self, etcd: Client, key: bytes) -> None:
        """The second one is told what the first has written."""
        create = ([absent(key)], [Put(key=key, value=b"one")], [Get(key=key)])

        first = etcd.txn(*create)
        second = etcd.txn(*create)

        assert first.succeeded
        assert not second.succeeded
        assert second.found[0][0].value == b"one"

    def test_all_is_done_or_nothing(self, etcd: Client, key: bytes) -> None:
        """Conditions of several keys, writes of several keys."""
        etcd.put(key + b"a", b"1")

        done = etcd.txn(
            [has_value(key + b"a", b"1"), absent(key + b"b")],
            [Delete(key=key + b"a"), Put(key=key + b"b", value=b"2")],
        )
        not_done = etcd.txn([has_value(key + b"b", b"1")], [Delete(key=key + b"b")])

        assert done.succeeded
        assert not not_done.succeeded
        assert [kv.value for kv in etcd.list(key).items] == [b"2"]

    def test_what_changed_meanwhile_is_seen(self, etcd: Client, key: bytes) -> None:
        """A write upon what was read fails if it was written since."""
        etcd.put(key, b"one")
        found = etcd.get(key)
        assert found is not None
        etcd.put(key, b"two")

        assert not etcd.txn([unchanged(found)], [Put(key=key, value=b"three")]).succeeded

    def test_what_etcd_refuses_is_said_in_its_words(self, etcd: Client, key: bytes) -> None:
        """128 operations are the most that a transaction may have."""
        with pytest.raises(RefusedError, match="too many operations"):
            etcd.txn([], [Get(key=key)] * 129)

    def test_of_many_threads_one_creates(self, etcd: Client, key: bytes) -> None:
        """One client serves all threads."""

        def create(number: int) -> bool:
            return etcd.txn([absent(key)], [Put(key=key, value=b"%d" % number)]).succeeded

        with ThreadPoolExecutor(8) as threads:
            created = list(threads.map(create, range(16)))

        assert created.count(True) == 1


class TestLeases:
    def test_keys_end_with_their_lease(self, etcd: Client, key: bytes) -> None:
        """When it is revoked; once more does no harm."""
        lease = etcd.grant(60)
        etcd.put(key, b"", lease=lease)

        etcd.revoke(lease)
        etcd.revoke(lease)

        assert etcd.get(key) is None

    def test_a_lease_that_is_kept_alive_has_its_seconds(self, etcd: Client, key: bytes) -> None:
        """And 0 once it has ended."""
        lease = etcd.grant(60)

        seconds = etcd.keep_alive(lease)
        etcd.revoke(lease)

        assert seconds == 60
        assert etcd.keep_alive(lease) == 0

    def test_a_lease_that_has_ended_carries_nothing(self, etcd: Client, key: bytes) -> None:
        """A write with it is refused."""
        lease = etcd.grant(60)
        etcd.revoke(lease)

        with pytest.raises(RefusedError, match="lease not found"):
            etcd.put(key, b"", lease=lease)


class TestTrouble:
    def test_a_silent_member_is_passed_over(
        self, cluster: Cluster, reach: Reach, key: bytes
    ) -> None:
        """A call that may be repeated goes to another member, whichever is asked first."""
        etcd = reach(timeout=4.5)

        def is_written(value: bytes) -> bool:
            try:
                etcd.put(key, value, repeatable=True)
            except UnavailableError:
                return False  # the others choose a leader, in seconds on a slow machine
            return True

        for number in range(3):
            cluster.stop(number)
            try:
                wait_until(partial(is_written, b"%d" % number), "not written")
                found = etcd.get(key)
            finally:
                cluster.go_on(number)

            assert found is not None
            assert found.value == b"%d" % number

    def test_a_member_that_is_gone_is_passed_over(
        self, cluster: Cluster, etcd: Client, key: bytes
    ) -> None:
        """A write, too: a connection that is refused carries nothing."""
        etcd.put(key, b"before")
        for number in range(3):
            cluster.relays[number].refuse()
            try:
                etcd.put(key, b"%d" % number)
            finally:
                cluster.relays[number].listen()

    def test_a_lost_answer_of_a_write_is_said_to_be_one(
        self, cluster: Cluster, reach: Reach, key: bytes
    ) -> None:
        """It was done, and the caller is not told that it was not."""
        impatient = reach(0, timeout=1.0)
        cluster.relays[0].mode = Mode.LOSES_ANSWERS
        try:
            with pytest.raises(UnknownOutcomeError, match="may or may not"):
                impatient.txn([absent(key)], [Put(key=key, value=b"mine")])
        finally:
            cluster.relays[0].mode = Mode.PASSES

        found = reach(0).get(key)
        assert found is not None
        assert found.value == b"mine"

    def test_a_lost_answer_is_found_again_by_a_repetition(
        self, cluster: Cluster, reach: Reach, key: bytes
    ) -> None:
        """The same transaction at the next member reads what the first one wrote."""
        etcd = reach(0, 1, timeout=6.0)
        first = etcd._transport.members.in_order()[0].port  # noqa: SLF001 - which is asked first is chance
        relay = next(relay for relay in cluster.relays if relay.port == first)
        relay.mode = Mode.LOSES_ANSWERS
        try:
            outcome = etcd.txn(
                [absent(key)], [Put(key=key, value=b"mine")], [Get(key=key)], repeatable=True
            )
        finally:
            relay.mode = Mode.PASSES

        assert not outcome.succeeded
        assert outcome.found[0][0].value == b"mine"

    def test_all_members_gone_is_said_at_once(
        self, cluster: Cluster, reach: Reach, key: bytes
    ) -> None:
        """The caller does not wait for an answer that cannot come."""
        etcd = reach(timeout=600.0)
        for relay in cluster.relays:
            relay.refuse()
        try:
            with pytest.raises(UnavailableError, match="etcd is not available") as refused:
                etcd.put(key, b"")
        finally:
            for relay in cluster.relays:
                relay.listen()

        assert all(str(relay.port) in str(refused.value) for relay in cluster.relays)

    def test_without_a_quorum(self, cluster: Cluster, reach: Reach, key: bytes) -> None:
        """Nothing is written, a serializable read has what the member has, and then all is well."""
        etcd, impatient = reach(0), reach(0, timeout=0.5)
        etcd.put(key, b"before")
        cluster.lose_leader()
        try:
            wait_until(lambda: "no leader" in _complaint(impatient, key), "still a leader")
            with pytest.raises(UnavailableError, match="no leader"):
                impatient.put(key, b"after")
            found = etcd.get(key, serializable=True)
        finally:
            cluster.find_leader()

        assert found is not None
        assert found.value == b"before"
        wait_until(lambda: not _complaint(etcd, key), "no leader again")

    def test_a_child_of_a_fork_has_its_own_connections(self, etcd: Client, key: bytes) -> None:
        """Two processes on one socket would take each other's answers."""
        etcd.put(key + b"parent", b"parent")
        child = os.fork()
        if not child:
            mine = all(etcd.get(key + b"child") is None for _ in range(20))
            os._exit(0 if mine else 1)
        own = [etcd.get(key + b"parent") for _ in range(20)]
        _, status = os.waitpid(child, 0)

        assert status == 0
        assert all(found is not None and found.value == b"parent" for found in own)


def _complaint(etcd: Client, key: bytes) -> str:
    """What is wrong with reading; empty if nothing."""
    try:
        etcd.get(key)
    except UnavailableError as error:
        return str(error)
    return ""
