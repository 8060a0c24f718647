"""Named sets and maps: thousands of elements are looked up by their value, and not one by one.

Where they are, as ranges and prefixes, their number is told to ``spend`` first, which may raise.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from plugin.trace.expressions import ABSENT, UNKNOWN, Special, is_same, plain

Spend = Callable[[int], None]

_TRUE: Final = True
_ORDERS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "<": int.__lt__,
    ">": int.__gt__,
    "<=": int.__le__,
    ">=": int.__ge__,
}


class NamedSet:
    """What a set holds, or a map with the data of each element."""

    def __init__(self, elements: Sequence[Any], *, is_map: bool = False) -> None:
        self._elements = elements
        self._is_map = is_map
        self._exact: dict[Any, Any] | None = None
        self._spans: list[tuple[Any, Any]] = []

    def find(self, value: Any, spend: Spend) -> Any:
        """The element's data, or True in a set; None if there is none, and maybe UNKNOWN."""
        exact = self._sorted()
        if isinstance(value, frozenset):
            return UNKNOWN
        parts = value if isinstance(value, tuple) else (value,)
        if ABSENT in parts:
            return ABSENT
        unknown = UNKNOWN in parts
        if not unknown and value in exact:
            return exact[value]
        several = (*self._spans, *exact.items()) if unknown else self._spans
        spend(len(several))
        answer: Any = None
        for literal, data in several:
            same = is_same(value, literal)
            if same is True:
                return data
            if same is UNKNOWN:
                answer = UNKNOWN
        return answer

    def _sorted(self) -> Mapping[Any, Any]:
        if self._exact is None:
            self._exact = {}
            for literal, data in self._pairs():
                if _is_exact(literal):
                    self._exact[literal] = data
                else:
                    self._spans.append((literal, data))
        return self._exact

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        for each in self._elements:
            if self._is_map and isinstance(each, list):
                yield plain(each[0]), plain(each[1])
            else:
                yield plain(each), _TRUE


def _is_exact(literal: Any) -> bool:
    parts = literal if isinstance(literal, tuple) else (literal,)
    return all(
        isinstance(part, int) or (isinstance(part, str) and not part.endswith("*"))
        for part in parts
    )


def holds(
    value: Any, operator: str, right: Any, sets: Mapping[str, NamedSet], spend: Spend
) -> bool | Special:
    """Whether a comparison of a rule is true; a field that is absent compares with nothing."""
    if value is ABSENT or (isinstance(value, tuple) and ABSENT in value):
        return False
    if operator in _ORDERS:
        return _is_ordered(value, operator, right)
    found = _is_in(value, right, sets, operator, spend)
    if isinstance(found, Special):
        return found
    return not found if operator == "!=" else found


def _is_in(
    value: Any, right: Any, sets: Mapping[str, NamedSet], operator: str, spend: Spend
) -> bool | Special:
    if isinstance(right, str) and right.startswith("@"):
        named = sets.get(right[1:])
        element = UNKNOWN if named is None else named.find(value, spend)
        return Special.UNKNOWN if element is UNKNOWN else element is not None
    if value is UNKNOWN:
        return Special.UNKNOWN
    several = right["set"] if isinstance(right, dict) and "set" in right else right
    literals = several if isinstance(several, list) else [several]
    spend(len(literals))
    if isinstance(value, frozenset):
        return _has_flags(value, right, operator)
    found = [is_same(value, plain(each)) for each in literals]
    if True in found:
        return True
    return UNKNOWN if UNKNOWN in found else False


def _has_flags(value: frozenset[Any], right: Any, operator: str) -> bool:
    if isinstance(right, dict) and "set" in right:
        return not value.isdisjoint(right["set"])
    wanted = right if isinstance(right, list) else _flags(right)
    if operator == "==":
        return value == frozenset(wanted)
    return not value.isdisjoint(wanted)


def _flags(right: Any) -> list[Any]:
    if isinstance(right, dict) and "|" in right:
        return [flag for each in right["|"] for flag in _flags(each)]
    return [right]


def _is_ordered(value: Any, operator: str, right: Any) -> bool | Special:
    if not isinstance(value, int) or not isinstance(right, int):
        return UNKNOWN
    return _ORDERS[operator](value, right)
