"""Timers for the layers of a program: a layer has the time that no layer below it has."""

import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class _Thread(threading.local):
    """The layers that this thread is in, the innermost last, and the seconds of each so far."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.since = 0.0
        self.seconds: dict[str, float] = {}


_thread = _Thread()


def at(owner: Any, name: str, layer: str) -> None:
    """Count a function of a module, or a method of a class, as the layer's."""
    setattr(owner, name, timed(layer, getattr(owner, name)))


def timed(layer: str, call: Callable[P, R]) -> Callable[P, R]:
    """The function, whose time is the layer's wherever a recording is under way."""

    @wraps(call)
    def within(*args: P.args, **kwargs: P.kwargs) -> R:
        if not _thread.inside:
            return call(*args, **kwargs)
        _count()
        _thread.inside.append(layer)
        try:
            return call(*args, **kwargs)
        finally:
            _count()
            _thread.inside.pop()

    return within


def recorded(layer: str, call: Callable[[], R]) -> tuple[R, dict[str, float]]:
    """Run the call; return its answer, and the seconds of each layer in it."""
    _thread.seconds, _thread.inside, _thread.since = {}, [layer], time.perf_counter()
    try:
        answer = call()
        _count()
    finally:
        _thread.inside = []
    return answer, _thread.seconds


def _count() -> None:
    now, layer = time.perf_counter(), _thread.inside[-1]
    _thread.seconds[layer] = _thread.seconds.get(layer, 0.0) + now - _thread.since
    _thread.since = now
