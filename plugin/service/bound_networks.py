"""Networks of the state with their options read: once for each change of a record."""

from dataclasses import replace
from typing import Final

from plugin.drivers.base import BoundNetwork
from plugin.drivers.registry import bind, bind_nothing
from plugin.errors import InvalidOptionError, PynetError
from plugin.model.ids import NetworkID
from plugin.model.network import Network
from plugin.model.plan import Plan


class BoundNetworks:
    """The bound networks of a store; there is one of these for each store.

    What is bound depends on its record alone, so calls that run at once may each bind one.
    """

    def __init__(self) -> None:
        self._bound: Final[dict[NetworkID, BoundNetwork]] = {}

    def of(self, network: Network) -> BoundNetwork:
        """The network, bound.  Raises InvalidOptionError for an unknown mode."""
        found = self._bound.get(network.id)
        if found is not None and found.network == network:
            return found
        if found is not None and _reads_alike(found.network, network):
            bound = found.with_record(network)
        else:
            bound = bind(network)
        self.hold(bound)
        return bound

    def as_readable(self, network: Network) -> BoundNetwork:
        """The network without those options that cannot be read, or without anything.

        An earlier version may have accepted an option that this one refuses, and a later one may
        have a mode that this one lacks.  The network must be removable all the same; objects of such
        an option have no owner then, and are swept.
        """
        try:
            bound = self.of(network)
        except InvalidOptionError:
            return bind_nothing(network)
        options = bound.options.readable()
        return bound if options is bound.options else replace(bound, options=options)

    def plan_of(self, network: Network) -> Plan:
        """What the network alone needs; nothing if its record cannot be read."""
        try:
            return self.of(network).plan
        except PynetError:
            return Plan()

    def hold(self, bound: BoundNetwork) -> None:
        """Remember one that was bound elsewhere."""
        self._bound[bound.network.id] = bound

    def forget(self, network_id: NetworkID) -> None:
        """The network is gone."""
        self._bound.pop(network_id, None)

    def keep(self, networks: tuple[Network, ...]) -> None:
        """Forget all but these: a call may have bound one while it went."""
        for network_id in self._bound.copy().keys() - {network.id for network in networks}:
            self.forget(network_id)

    def __len__(self) -> int:
        return len(self._bound)


def _reads_alike(one: Network, other: Network) -> bool:
    return one.mode == other.mode and one.options == other.options
