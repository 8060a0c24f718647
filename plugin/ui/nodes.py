"""Nodes and lines of the picture, as the page gets them."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any


class Column(IntEnum):
    """From left to right."""

    HOST = 0
    LINK = 1
    NETWORK = 2
    CONTAINER = 3


class State(StrEnum):
    """How a node is drawn."""

    OK = "ok"
    DRIFT = "drift"  # it is not as it should be
    AWAY = "away"  # it does not run, or cannot be seen


@dataclass(slots=True, kw_only=True)
class Node:
    """One thing of the picture; ``facts`` are what a click shows, and ``explain`` is an id for that."""

    id: str
    column: Column
    label: str
    lines: list[str] = field(default_factory=list)
    state: State = State.OK
    faults: list[str] = field(default_factory=list)
    ports: list[dict[str, Any]] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    explain: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A line between two nodes; ``dropped`` are frames of the container that its guard dropped."""

    start: str
    end: str
    text: str = ""
    dropped: int = 0
    state: State = State.OK
