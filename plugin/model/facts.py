"""Facts about traffic, which drivers answer and a firewall keeps.

How a firewall keeps a fact is hidden from drivers.  Facts are independent: two facts never need
the same element of a firewall, unless they have the same key.
"""

from dataclasses import dataclass
from typing import ClassVar

from plugin.model.ids import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A rule for traffic, valid while a plan holds; ``words`` is the template of its text.

    Several networks of one parent may want a ``shared`` fact, two endpoints of a network a
    ``mutual`` one.  A ``surrounding`` fact is about objects of other programs on the host, and
    depends on no network.
    """

    words: ClassVar[str]
    shared: ClassVar[bool] = False
    mutual: ClassVar[bool] = False
    surrounding: ClassVar[bool] = False

    @property
    def key(self) -> Key:
        """Of several facts with one key only one can hold."""
        return ("fact", self)

    @property
    def text(self) -> str:
        """The fact as a sentence."""
        return self.words.format(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remnant(Fact):
    """An element that no fact explains: a part of ``fact`` alone, or not written by pynet.

    Only a firewall makes remnants: it answers them when it is read, and removes them.  Place, match
    and data have the format of that firewall; ``links`` are the names of links among them.
    """

    place: str
    match: tuple[str, ...]
    data: tuple[str, ...] = ()
    links: frozenset[str] = frozenset()
    fact: Fact | None = None

    @property
    def key(self) -> Key:
        """A part of a fact stands in the fact's place, which so is not as it should be."""
        return ("remnant", self.place, self.match) if self.fact is None else self.fact.key

    @property
    def text(self) -> str:
        return " ".join((self.place, *self.match, *self.data))
