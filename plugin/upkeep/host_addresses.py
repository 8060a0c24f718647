"""The host's own addresses, which its containers know it by: they may be leased, and change.

So may the parent's MAC address, which ipvlan containers have too: Wi-Fi may choose one at every
connection.
"""

from dataclasses import replace
from typing import Final

from plugin.errors import PynetError
from plugin.kernel.base import Kernel
from plugin.log import Log
from plugin.model.diff import diff
from plugin.model.ids import short
from plugin.model.network import Network, NetworkState
from plugin.model.plan import Plan
from plugin.service.bound_networks import BoundNetworks
from plugin.service.locks import Locks
from plugin.service.reconcile import Reconciler
from plugin.store.base import Store

_log: Final = Log("host")


class HostAddresses:
    """Networks that name addresses of the host's, kept to those it has."""

    def __init__(
        self, store: Store, reconciler: Reconciler, bound: BoundNetworks, locks: Locks
    ) -> None:
        self._store = store
        self._reconciler = reconciler
        self._kernel: Kernel = reconciler.kernel
        self._bound = bound
        self._locks = locks

    def follow(self) -> None:
        """Bring every network up to date; what fails is healed as anything else is."""
        for network in self._store.networks():
            found = self._found(network)
            if found == network:
                continue
            try:
                self._move(network, found)
            except (PynetError, ExceptionGroup) as error:
                _log.error("host.not_followed", network=short(network.id), reason=error)

    def _found(self, network: Network) -> Network:
        """With what the host has now; of a family of which it has none, what it had."""
        use = self._bound.of(network).parent_use()
        if use is None or not use.addressed or network.state is not NetworkState.ACTIVE:
            return network
        link = self._kernel.host_links([use.parent]).get(use.parent)
        if link is None:
            return network
        versions = {each.version for each in link.addresses}
        kept = tuple(each for each in network.host_addresses if each.version not in versions)
        addresses = tuple(sorted((*link.addresses, *kept), key=lambda each: each.version))
        mac_address = link.mac_address or network.parent_mac
        if use.first_mac and network.parent_mac:
            mac_address = network.parent_mac
        return replace(network, host_addresses=addresses, parent_mac=mac_address)

    def _move(self, listed: Network, found: Network) -> None:
        with self._locks.hold(listed.id):
            network = self._store.network(listed.id)
            if network is None or network.state is not NetworkState.ACTIVE:
                return
            moved = replace(
                network, host_addresses=found.host_addresses, parent_mac=found.parent_mac
            )
            joined = tuple(each for each in self._store.endpoints(network.id) if each.joined)
            before = self._bound.of(network)
            after = before.with_record(moved)
            delta = diff(after.whole_plan(joined).resources, before.whole_plan(joined).resources)
            self._store.save_network(moved)
            if not delta:
                return
            _log.info("host.moved", network=short(network.id), things=len(delta.missing))
            self._reconciler.remove(Plan(resources=delta.surplus))
            self._reconciler.mend(delta.missing | delta.changed)
