"""A firewall that can fail, whole as a transaction does."""

from collections.abc import Sequence

from plugin.errors import FirewallError
from plugin.firewall.none import NoFirewall
from plugin.model.resources import Element
from plugin.model.rules import Prepared
from tests.fakes.faults import Faults


class FaultyFirewall(NoFirewall):
    """What fails has changed nothing."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults
        self.prepared = 0
        self.broken: str | None = None
        self.found = Prepared()

    def prepare(self) -> Prepared:
        if self.broken:
            raise FirewallError(self.broken)
        self.prepared += 1
        found, self.found = self.found, Prepared(unserved=self.found.unserved)
        return found

    def ensure(self, elements: Sequence[Element]) -> None:
        if not elements:
            return
        self._faults.point("ensure elements", FirewallError("nft refused"))
        super().ensure(elements)

    def remove(self, elements: Sequence[Element]) -> None:
        if not elements:
            return
        self._faults.point("remove elements", FirewallError("nft refused"))
        super().remove(elements)
