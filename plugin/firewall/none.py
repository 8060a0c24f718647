"""No firewall: elements are remembered and do nothing.

For networks whose packets the host does not filter, and for tests.
"""

from collections.abc import Sequence

from plugin.model.resources import Element, Key
from plugin.model.rules import Prepared


class NoFirewall:
    """Holds elements, stops nothing."""

    name: str = "none"

    def __init__(self) -> None:
        self._elements: dict[Key, Element] = {}

    def prepare(self) -> Prepared:
        """There is no skeleton to make."""
        return Prepared()

    def ensure(self, elements: Sequence[Element]) -> None:
        for element in elements:
            self._elements[element.key] = element

    def remove(self, elements: Sequence[Element]) -> None:
        for element in elements:
            if self._elements.get(element.key) == element:
                del self._elements[element.key]

    def read(self) -> frozenset[Element]:
        return frozenset(self._elements.values())

    def close(self) -> None:
        """There is nothing to let go of."""
