"""What the firewall holds, compared with what networks want of it: once for the same two sets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakSet

from plugin.firewall.base import Firewall
from plugin.model.diff import Delta, diff
from plugin.model.facts import Fact
from plugin.model.ids import Key

_Facts = frozenset[Fact]


@dataclass(slots=True)
class _Compared:
    """What is known of one reading: which sets it has whole, and what is in none of the last ones."""

    there: _Facts = frozenset()
    whole: WeakSet[_Facts] = field(default_factory=WeakSet)
    last: tuple[tuple[_Facts, ...], _Facts] | None = None


class Comparisons:
    """The comparisons with the last reading; the firewall answers the same set while nothing changes.

    Two sets of thousands of equal facts that are not the same objects take milliseconds to compare.
    """

    def __init__(self) -> None:
        self._compared = _Compared()

    def has(self, there: _Facts, wanted: _Facts) -> bool:
        """Whether all that is wanted is there."""
        known = self._of(there)
        if wanted in known.whole:
            return True
        if not wanted <= there:
            return False
        known.whole.add(wanted)
        return True

    def others(self, there: _Facts, wanted: Sequence[_Facts]) -> _Facts:
        """What is there and in none of ``wanted``."""
        known, asked = self._of(there), tuple(wanted)
        if known.last is not None and known.last[0] == asked:
            return known.last[1]
        found = there.difference(*asked)
        known.last = (asked, found)
        return found

    def _of(self, there: _Facts) -> _Compared:
        known = self._compared  # another thread may ask about another reading
        if known.there is not there:
            known = self._compared = _Compared(there)
        return known


class KnownFacts:
    """What the firewall holds, read once for all networks that are looked at in turn.

    A call may have added what is missing since the reading.  So the first difference is read again.
    Once a second reading has confirmed a difference, later ones are believed at once.
    """

    def __init__(self, firewall: Firewall, comparisons: Comparisons) -> None:
        self._firewall = firewall
        self._comparisons = comparisons
        self._confirmed = False
        self._read()

    def has(self, wanted: _Facts) -> bool:
        """Whether the firewall holds all that is wanted."""
        return self._comparisons.has(self.there, wanted)

    def confirm(self, differs: Callable[[_Facts], bool]) -> None:
        """Read again, unless an earlier difference was confirmed already."""
        if not self._confirmed:
            self._read()
            self._confirmed = differs(self.there)

    def difference(self, wanted: _Facts) -> Delta:
        """What lacks of ``wanted``, or is otherwise."""
        lacking = wanted - self.there
        if not lacking or not self.there:
            return Delta(missing=lacking)
        found = (self._by_key.get(fact.key) for fact in lacking)
        return diff(lacking, (each for each in found if each is not None))

    @cached_property
    def _by_key(self) -> dict[Key, Fact]:
        return {fact.key: fact for fact in self.there}

    def _read(self) -> None:
        self.there = self._firewall.read()
        self.__dict__.pop("_by_key", None)
