"""Keys of etcd that every host follows: what they have after each piece of news, and how seldom to ask for more."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from etcdgw import Changed, EventType, Listed

_Read = TypeVar("_Read")

_QUESTIONS: Final = 200  # a second, of all hosts; docs/scale.md has what an etcd can answer
_LONGEST_PERIOD: Final = 10.0  # seconds; any host may name hosts that there are not


def after(
    known: Mapping[bytes, _Read], news: Listed | Changed, read: Callable[[bytes], _Read | None]
) -> dict[bytes, _Read]:
    """What each key has now; those of which ``read`` answers None have nothing."""
    if isinstance(news, Listed):
        return {each.key: value for each in news.items if (value := read(each.value)) is not None}
    found = dict(known)
    for event in news.events:
        found.pop(event.kv.key, None)
        value = read(event.kv.value) if event.type is not EventType.DELETE else None
        if value is not None:
            found[event.kv.key] = value
    return found


def period(hosts: int, shortest: float) -> float:
    """Seconds between two questions of one host, so that etcd bears those of all hosts."""
    return min(max(shortest, hosts / _QUESTIONS), _LONGEST_PERIOD)
