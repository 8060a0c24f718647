"""The host's own addresses, which its containers know it by: they may be leased, and change.

So may the parent's MAC address, which ipvlan containers have too: Wi-Fi may choose one at every
connection.
"""

from dataclasses import replace
from functools import partial
from typing import Final

from plugin.errors import PynetError
from plugin.log import Log
from plugin.model.ids import short
from plugin.model.network import Network, NetworkState
from plugin.upkeep.moves import Moves

_log: Final = Log("host")


class HostAddresses:
    """Networks that name addresses of the host's, kept to those it has."""

    def __init__(self, moves: Moves) -> None:
        self._moves = moves

    def follow(self) -> None:
        """Bring every network up to date; what fails is healed as anything else is."""
        for network in self._moves.store.networks():
            try:
                found = self._found(network)
                if found == network:
                    continue
                self._moves.move(network.id, partial(_with_addresses, found))
            except (PynetError, ExceptionGroup) as error:
                _log.error("host.not_followed", network=short(network.id), reason=error)

    def _found(self, network: Network) -> Network:
        """With what the host has now; of a family of which it has none, what it had."""
        use = self._moves.bound.of(network).parent_use()
        if use is None or not use.addressed or network.state is not NetworkState.ACTIVE:
            return network
        link = self._moves.kernel.host_links([use.parent]).get(use.parent)
        if link is None:
            return network
        versions = {each.version for each in link.addresses}
        kept = tuple(each for each in network.host_addresses if each.version not in versions)
        addresses = tuple(sorted((*link.addresses, *kept), key=lambda each: each.version))
        mac_address = link.mac_address or network.parent_mac
        if use.first_mac and network.parent_mac:
            mac_address = network.parent_mac
        return replace(network, host_addresses=addresses, parent_mac=mac_address)


def _with_addresses(found: Network, network: Network) -> Network:
    return replace(network, host_addresses=found.host_addresses, parent_mac=found.parent_mac)
