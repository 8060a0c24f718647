"""Change what a network's record has of its surroundings, and change the host with it."""

from collections.abc import Callable
from typing import Final

from plugin.log import Log
from plugin.model.diff import diff
from plugin.model.ids import NetworkID, short
from plugin.model.network import Network, NetworkState
from plugin.model.plan import Plan
from plugin.service.bound_networks import BoundNetworks
from plugin.service.locks import Locks
from plugin.service.reconcile import Reconciler
from plugin.store.base import Store

_log: Final = Log("host")


class Moves:
    """Changes of records, each whole under its network's lock."""

    def __init__(
        self, store: Store, reconciler: Reconciler, bound: BoundNetworks, locks: Locks
    ) -> None:
        self.store = store
        self.bound = bound
        self.kernel = reconciler.kernel
        self._reconciler = reconciler
        self._locks = locks

    def move(self, network_id: NetworkID, change: Callable[[Network], Network]) -> None:
        """Change the record of an active network, and touch what differs on the host."""
        with self._locks.hold(network_id):
            network = self.store.network(network_id)
            if network is None or network.state is not NetworkState.ACTIVE:
                return
            moved = change(network)
            joined = tuple(each for each in self.store.endpoints(network.id) if each.joined)
            before = self.bound.of(network)
            after = before.with_record(moved)
            delta = diff(after.whole_plan(joined).resources, before.whole_plan(joined).resources)
            self.store.save_network(moved)
            if not delta:
                return
            _log.info("host.moved", network=short(network.id), things=len(delta.missing))
            self._reconciler.remove(Plan(resources=delta.surplus))
            self._reconciler.repair(delta.missing | delta.changed)
