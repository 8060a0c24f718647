"""What a watch promises: everything that happens, once and in order, or that it is lost."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Thread

import pytest

from etcdgw import Changed, Client, Event, EventType, Found, Listed, Lost, News, Put, Watch
from tests.contract.etcdgw.clusters import Cluster, Reach
from tests.fakes.relay import Mode
from tests.kernel.netns import wait_until

Watched = Callable[..., AbstractContextManager["Follower"]]


class Follower:
    """Has a watch told, in a thread, and keeps what it was told."""

    def __init__(self, etcd: Client, prefix: bytes, period: float) -> None:
        self.watch = etcd.watch(prefix, period=period)
        self.told: list[News] = []
        self._thread = Thread(target=self._follow, daemon=True)
        self._thread.start()

    @property
    def events(self) -> list[Event]:
        """What happened: a change may have several, and etcd joins what comes close together."""
        changes = [each for each in self.told if isinstance(each, Changed)]
        return [event for each in changes for event in each.events]

    @property
    def values(self) -> list[bytes]:
        """What was written; empty for what was deleted."""
        return [event.kv.value for event in self.events]

    def has(self, kind: type[News]) -> bool:
        return any(isinstance(each, kind) for each in self.told)

    def close(self) -> None:
        self.watch.close()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _follow(self) -> None:
        for each in self.watch.news():
            self.told.append(each)


@pytest.fixture
def followed(reach: Reach, key: bytes) -> Watched:
    """Watches the test's prefix at some members until the block ends."""

    @contextmanager
    def begun(*numbers: int, period: float = 0.2) -> Iterator[Follower]:
        follower = Follower(reach(*numbers, timeout=2.0), key, period)
        wait_until(lambda: follower.has(Listed), "not listed")
        yield follower
        follower.close()

    return begun


def test_what_is_there_is_told_first(etcd: Client, followed: Watched, key: bytes) -> None:
    """And then what becomes of it, in order."""
    etcd.put(key + b"a", b"1")
    with followed() as follower:
        etcd.put(key + b"b", b"2")
        etcd.put(key[:-1], b"beside")
        etcd.delete(key + b"a")
        wait_until(lambda: len(follower.values) == 2, "not told")

    listed = follower.told[0]
    assert isinstance(listed, Listed)
    assert [kv.value for kv in listed.items] == [b"1"]
    assert [(event.type, event.kv.key[-1:]) for event in follower.events] == [
        (EventType.PUT, b"b"),
        (EventType.DELETE, b"a"),
    ]


def test_a_large_transaction_is_told_whole(etcd: Client, followed: Watched, key: bytes) -> None:
    """However the answer is cut into pieces."""
    with followed() as follower:
        etcd.txn([], [Put(key=key + b"%03d" % number, value=b"x" * 2000) for number in range(100)])
        etcd.put(key, b"last")
        wait_until(lambda: b"last" in follower.values, "not told")

    assert len(follower.values) == 101


def test_a_watch_that_is_quiet_is_left_alone(etcd: Client, followed: Watched, key: bytes) -> None:
    """Writes elsewhere, and none at all, are no sign that something is missed."""
    with followed(period=0.05) as follower:
        for number in range(10):
            etcd.put(key[:-1] + b"beside", b"%d" % number)
        etcd.put(key, b"")
        wait_until(lambda: follower.values, "not told")

    assert [type(each) for each in follower.told] == [Listed, Changed]


def test_a_member_is_asked_as_often_as_is_said(
    etcd: Client, followed: Watched, key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once after the first period in any case, and then by what was said since."""
    asked: list[None] = []

    def misses(*_: object) -> bool:
        asked.append(None)
        return False

    monkeypatch.setattr(Watch, "_misses", misses)
    with followed(0, period=0.02) as follower:
        follower.watch.ask_every(600.0)
        wait_until(lambda: asked, "not asked")
        for number in range(30):
            etcd.put(key, b"%d" % number)
            wait_until(lambda: follower.values[-1:] == [b"%d" % number], "not told")  # noqa: B023

        assert follower.watch.period == 600.0
        assert len(asked) <= 2


@pytest.mark.parametrize("trouble", ["stopped", "gone"])
def test_a_member_that_is(
    trouble: str, cluster: Cluster, etcd: Client, followed: Watched, key: bytes
) -> None:
    """Silent or away is left for another one, and nothing is missed or told twice."""
    with followed(0, 1) as follower:
        etcd.put(key, b"before")
        wait_until(lambda: follower.values, "not told")
        for number in range(2):
            told = len(follower.values)
            if trouble == "stopped":
                cluster.stop(number)
            else:
                cluster.relays[number].refuse()
            try:
                etcd.put(key, b"%d" % number, repeatable=True)
                wait_until(lambda told=told: len(follower.values) > told, "not told")
            finally:
                if trouble == "stopped":
                    cluster.go_on(number)
                else:
                    cluster.relays[number].listen()

    assert list(dict.fromkeys(follower.values)) == [b"before", b"0", b"1"]


def test_a_watch_that_hears_nothing_any_more_is_made_anew(
    cluster: Cluster, reach: Reach, followed: Watched, key: bytes
) -> None:
    """Its member is well, and says that something happened which the watch did not tell."""
    etcd = reach(1)
    with followed(0) as follower:
        etcd.put(key, b"before")
        wait_until(lambda: follower.values, "not told")
        cluster.relays[0].deafen()
        etcd.delete(key)
        wait_until(lambda: len(follower.values) == 2, "not told")

    assert not follower.has(Lost)


def test_nobody_to_watch_is_said_once_and_missed_nothing(
    cluster: Cluster, etcd: Client, followed: Watched, key: bytes
) -> None:
    """What happened meanwhile is told when a member is there again."""
    with followed(0) as follower:
        cluster.relays[0].refuse()
        try:
            wait_until(lambda: follower.has(Lost), "not lost")
            etcd.put(key, b"meanwhile")
        finally:
            cluster.relays[0].listen()
        wait_until(lambda: follower.values, "not told")

    assert [type(each) for each in follower.told] == [Listed, Lost, Found, Changed]


def test_without_a_leader_a_watch_is_lost(
    cluster: Cluster, etcd: Client, followed: Watched, key: bytes
) -> None:
    """The member is there and answers, and would tell nothing for ever."""
    with followed(0) as follower:
        cluster.lose_leader()
        try:
            wait_until(lambda: follower.has(Lost), "not lost")
        finally:
            cluster.find_leader()
        wait_until(lambda: follower.has(Found), "not found")
        etcd.put(key, b"after", repeatable=True)
        wait_until(lambda: follower.values, "not told")

    assert set(follower.values) == {b"after"}


def test_after_a_compaction_all_is_listed_again(
    cluster: Cluster, etcd: Client, followed: Watched, key: bytes
) -> None:
    """No event told what was deleted in between; the new listing lacks it."""
    etcd.put(key + b"a", b"1")
    with followed(0) as follower:
        cluster.relays[0].refuse()
        try:
            wait_until(lambda: follower.has(Lost), "not lost")
            etcd.delete(key + b"a")
            etcd.put(key + b"b", b"2")
            cluster.compact(etcd.put(key + b"c", b"3"))
        finally:
            cluster.relays[0].listen()
        wait_until(lambda: len(follower.told) == 3, "not listed again")

    listed = follower.told[-1]
    assert isinstance(listed, Listed)
    assert [kv.value for kv in listed.items] == [b"2", b"3"]


def test_a_listing_that_cannot_be_had_is_asked_for_again(
    cluster: Cluster, reach: Reach, etcd: Client, key: bytes
) -> None:
    """A watch may begin while etcd is away."""
    cluster.relays[0].refuse()
    follower = Follower(reach(0), key, 0.2)
    try:
        wait_until(lambda: follower.has(Lost), "not lost")
        etcd.put(key, b"1")
    finally:
        cluster.relays[0].listen()
    wait_until(lambda: follower.has(Listed), "not listed")
    follower.close()

    assert [type(each) for each in follower.told] == [Lost, Listed]


def test_a_watch_can_be_closed_while_it_waits(cluster: Cluster, followed: Watched) -> None:
    """Also at a member that says nothing at all."""
    with followed(0, period=600.0):
        cluster.relays[0].mode = Mode.IS_SILENT
    cluster.relays[0].mode = Mode.PASSES
