"""A new connection takes the place of the one, of those it shares with, that is silent longest."""

from dataclasses import dataclass, field

import pytest

from plugin.kernel.proxy.places import Bounds, Places, client_of

BOUNDS = Bounds(total=6, per_port=4, per_client=2, idle_seconds=60)


@dataclass(eq=False)
class Guest:
    """A connection that has a place."""

    places: Places
    port: int
    client: bytes
    ended: list["Guest"] = field(default_factory=list)

    def close(self) -> None:
        self.places.leave(self)
        self.ended.append(self)


class Inn:
    """Places, and who lost one."""

    def __init__(self) -> None:
        self.places = Places(BOUNDS)
        self.ended: list[Guest] = []

    def enter(self, port: int, client: bytes, now: float = 0) -> Guest:
        guest = Guest(self.places, port, client, self.ended)
        self.places.enter(guest, now)
        return guest


@pytest.fixture
def inn() -> Inn:
    return Inn()


def test_a_client_displaces_itself(inn: Inn) -> None:
    """On whatever ports it is."""
    other = inn.enter(1, b"other")
    first = inn.enter(1, b"greedy")
    inn.enter(2, b"greedy")

    inn.enter(3, b"greedy")

    assert inn.ended == [first]
    assert other not in inn.ended


def test_a_port_displaces_its_own(inn: Inn) -> None:
    """However many clients flood it, other ports keep their connections."""
    inn.enter(2, b"neighbour")
    crowd = [inn.enter(1, b"%d" % number) for number in range(4)]

    inn.enter(1, b"one more")

    assert inn.ended == crowd[:1]


def test_all_together_displace_who_was_silent(inn: Inn) -> None:
    """On any port."""
    guests = [inn.enter(number, b"%d" % number) for number in range(6)]

    inn.enter(7, b"one more")

    assert inn.ended == guests[:1]


def test_who_speaks_keeps_the_place(inn: Inn) -> None:
    """The other of the client's two goes."""
    first, second = inn.enter(1, b"x", now=0), inn.enter(1, b"x", now=1)
    inn.places.note_use(first, 5)

    inn.enter(1, b"x", now=6)

    assert inn.ended == [second]


def test_who_is_silent_for_too_long_goes(inn: Inn) -> None:
    """And it is said when to look again."""
    first = inn.enter(1, b"x", now=0)
    second = inn.enter(1, b"y", now=20)
    inn.places.note_use(first, 30)

    assert inn.places.expire(79) == 80
    assert inn.ended == []
    assert inn.places.expire(80) == 90
    assert inn.ended == [second]


def test_who_left_takes_no_place(inn: Inn) -> None:
    """Of any kind."""
    for number in range(20):
        inn.places.leave(inn.enter(1, b"x", now=number))

    assert inn.ended == []
    assert inn.places.expire(1000) == 1060


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%lo", "fe80::2%lo", True),
    ],
)
def test_who_counts_as_one_client(one: str, other: str, same: bool) -> None:
    """An IPv6 host may take any address of its link."""
    assert (client_of(one) == client_of(other)) is same
