"""What keys have after news, and how seldom to ask."""

import pytest

from etcdgw import Changed, Event, EventType, KeyValue, Listed
from plugin.cluster import followed


def _number(value: bytes) -> int | None:
    return int(value) if value.isdigit() else None


def _kv(key: bytes, value: bytes = b"") -> KeyValue:
    return KeyValue(key=key, value=value)


def test_what_is_listed_is_all_there_is() -> None:
    """What is not understood is left out."""
    news = Listed(revision=7, items=(_kv(b"a", b"1"), _kv(b"b", b"odd")))

    assert followed.after({b"c": 3}, news, _number) == {b"a": 1}


def test_changes_come_in_their_order() -> None:
    """What was understood before and is not any more has nothing; what was known stays as it was."""
    known = {b"a": 1, b"b": 2, b"c": 3}
    events = (
        Event(type=EventType.DELETE, kv=_kv(b"a")),
        Event(kv=_kv(b"a", b"4")),
        Event(kv=_kv(b"b", b"odd")),
        Event(type=EventType.DELETE, kv=_kv(b"c")),
        Event(type=EventType.DELETE, kv=_kv(b"never")),
        Event(kv=_kv(b"d", b"5")),
    )

    assert followed.after(known, Changed(revision=8, events=events), _number) == {b"a": 4, b"d": 5}
    assert known == {b"a": 1, b"b": 2, b"c": 3}


@pytest.mark.parametrize(("hosts", "seconds"), [(0, 1.0), (200, 1.0), (600, 3.0), (10**6, 10.0)])
def test_many_ask_seldom(hosts: int, seconds: float) -> None:
    """All together 200 times a second, and nobody more seldom than every ten seconds."""
    assert followed.period(hosts, 1.0) == seconds
