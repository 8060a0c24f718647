"""The host's own addresses, which its containers know it by: they may be leased, and change."""

from dataclasses import replace
from typing import Final

from plugin.drivers.registry import driver_for
from plugin.errors import PynetError
from plugin.kernel.base import Kernel
from plugin.log import Log
from plugin.model.diff import diff
from plugin.model.ids import short
from plugin.model.network import IPInterface, Network, NetworkState
from plugin.model.plan import Plan
from plugin.service.collecting import whole_plan
from plugin.service.locks import Locks
from plugin.service.reconcile import Reconciler
from plugin.store.base import Store

_log: Final = Log("host")


class HostAddresses:
    """Networks that name addresses of the host's, kept to those it has."""

    def __init__(self, store: Store, reconciler: Reconciler, locks: Locks) -> None:
        self._store = store
        self._reconciler = reconciler
        self._kernel: Kernel = reconciler.kernel
        self._locks = locks

    def follow(self) -> None:
        """Bring every network up to date; what fails is healed as anything else is."""
        for network in self._store.networks():
            found = self._found(network)
            if found == network.host_addresses:
                continue
            try:
                self._move(network, found)
            except (PynetError, ExceptionGroup) as error:
                _log.error("host.not_followed", network=short(network.id), reason=error)

    def _found(self, network: Network) -> tuple[IPInterface, ...]:
        """What the host has now; of a family of which it has none, what it had."""
        use = driver_for(network.mode).parent_use(network)
        if use is None or not use.addressed or network.state is not NetworkState.ACTIVE:
            return network.host_addresses
        link = self._kernel.host_links([use.parent]).get(use.parent)
        there = () if link is None else link.addresses
        versions = {each.version for each in there}
        kept = tuple(each for each in network.host_addresses if each.version not in versions)
        return tuple(sorted((*there, *kept), key=lambda each: each.version))

    def _move(self, listed: Network, found: tuple[IPInterface, ...]) -> None:
        with self._locks.hold(listed.id):
            network = self._store.network(listed.id)
            if network is None or network.state is not NetworkState.ACTIVE:
                return
            moved = replace(network, host_addresses=found)
            joined = tuple(each for each in self._store.endpoints(network.id) if each.joined)
            delta = diff(whole_plan(moved, joined).resources, whole_plan(network, joined).resources)
            self._store.save_network(moved)
            if not delta:
                return
            _log.info("host.moved", network=short(network.id), things=len(delta.missing))
            self._reconciler.remove(Plan(resources=delta.surplus))
            self._reconciler.mend(delta.missing | delta.changed)
