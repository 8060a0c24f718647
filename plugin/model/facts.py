"""What a firewall is told: facts about traffic.

A driver answers facts; how a firewall keeps them is its own affair.  Each stands for itself: two
facts never need the same thing of a firewall, unless they have the same key.
"""

from dataclasses import dataclass
from typing import ClassVar

from plugin.model.ids import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that holds for traffic while a plan holds; ``words`` say what, given the fact.

    Several networks of one parent may want a ``shared`` fact, two endpoints of a network a
    ``mutual`` one.  A ``surrounding`` fact is about what others have on the host, whichever
    networks there are.
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
        """The fact in words."""
        return self.words.format(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remnant(Fact):
    """What a firewall holds and no fact explains: a part of ``fact`` alone, or a stranger's.

    A firewall answers remnants when it is read, and removes them; nobody else makes one.  The place,
    what it matches and its data are the firewall's own words.
    """

    place: str
    match: tuple[str, ...]
    data: tuple[str, ...] = ()
    fact: Fact | None = None

    @property
    def key(self) -> Key:
        """A part of a fact stands in the fact's place, which so is not as it should be."""
        return ("remnant", self.place, self.match) if self.fact is None else self.fact.key

    @property
    def text(self) -> str:
        return " ".join((self.place, *self.match, *self.data))
