"""One look for all viewers."""

import threading
from contextlib import ExitStack

import pytest

from plugin.ui.feed import Feed, TooManyViewersError
from tests.unit.ui.conftest import until


class Counting:
    """Sees another number at each look, or the same."""

    def __init__(self) -> None:
        self.looks = 0
        self.news = True

    def __call__(self) -> bytes:
        self.looks += 1
        return b"%d" % (self.looks if self.news else 0)


def test_viewers_share_a_look() -> None:
    """However many there are."""
    looking = Counting()
    looking.news = False
    feed = Feed(looking, every=60, most=50)
    with ExitStack() as stack:
        viewers = [stack.enter_context(feed.viewer()) for _ in range(50)]
        found = {next(each) for each in viewers}

        assert (found, looking.looks, feed.viewers) == ({b"0"}, 1, 50)


def test_every_change_is_told() -> None:
    """And what is there already to a viewer that comes later."""
    feed = Feed(Counting(), every=0.01, most=2)
    with feed.viewer() as one:
        numbers = [int(next(one)) for _ in range(3)]
        with feed.viewer() as other:
            assert int(next(other)) >= numbers[-1]

    assert numbers == sorted(set(numbers))


def test_nothing_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer is told so, and so finds out whether it is still there."""
    monkeypatch.setattr("plugin.ui.feed._LONGEST_SILENCE", 0.01)
    looking = Counting()
    looking.news = False
    with Feed(looking, every=0.01, most=1).viewer() as seen:
        told = (each for each in seen if each)
        assert next(told) == b"0"
        assert next(seen) == b""


def test_too_many() -> None:
    """One that leaves makes room."""
    feed = Feed(Counting(), every=60, most=1)
    with feed.viewer() as seen:
        next(seen)
        with pytest.raises(TooManyViewersError), feed.viewer():
            pass
    with feed.viewer() as seen:
        next(seen)


def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next viewer tries again."""
    feed = Feed(Counting(), every=60, most=1)

    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", full)
        with pytest.raises(RuntimeError), feed.viewer():
            pass
    with feed.viewer() as seen:
        assert next(seen) == b"1"


def test_without_viewers_there_is_no_look() -> None:
    """And the next viewer sees what is there then, not what was."""
    looking = Counting()
    before = set(threading.enumerate())
    feed = Feed(looking, every=0.01, most=1)
    with feed.viewer() as seen:
        next(seen)
    until(lambda: not set(threading.enumerate()) - before)
    looks = looking.looks
    with feed.viewer() as seen:
        assert int(next(seen)) > looks
