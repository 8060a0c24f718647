"""Find endpoints and networks that dockerd has forgotten without deleting them here.

dockerd forgets an endpoint whatever its driver answers, and also while the driver is not running.
The host shows what is left: dockerd moves the link of an ended sandbox back into the host's
namespace, and the file of an ended sandbox is gone.
"""

from typing import Final

from plugin.errors import PynetError, gathering
from plugin.log import Log
from plugin.model.ids import EndpointID, NetworkID, short
from plugin.model.network import Endpoint, Network
from plugin.service.teardown import Teardown
from plugin.store.base import Store
from plugin.upkeep.drift import Inspector
from plugin.upkeep.idle_timer import (
    ENDPOINT_SECONDS,
    INHERITED_SECONDS,
    LEFT_SECONDS,
    NETWORK_SECONDS,
    IdleTimer,
)

_log: Final = Log("abandoned")


class Abandoned:
    """What is about one network is called with its lock held."""

    def __init__(
        self, store: Store, teardown: Teardown, inspector: Inspector, timer: IdleTimer
    ) -> None:
        self._store = store
        self._teardown = teardown
        self._inspector = inspector
        self._timer = timer
        # Joined before this process began: dockerd may have left them while no plugin ran.
        self._inherited = frozenset(
            endpoint.id
            for network in store.networks()
            for endpoint in store.endpoints(network.id)
            if endpoint.joined
        )

    def collect(self, network: Network, failures: list[Exception]) -> frozenset[EndpointID]:
        """Free endpoints that dockerd has deleted, and those abandoned for long enough.

        One that cannot be freed adds to the failures, and keeps no other from being freed.

        Answers for which endpoints nothing is made: those, and those that have lost link and sandbox
        and are still being waited for.
        """
        left: set[EndpointID] = set()
        for endpoint in self._store.endpoints(network.id):
            if endpoint.deleting or self._teardown.is_forgotten(network, endpoint):
                # dockerd knows it no more: what could not be removed then is removed now.
                left.add(endpoint.id)
                with gathering(failures):
                    self._teardown.collect(network, endpoint)
                    left.remove(endpoint.id)
                    _log.warning("endpoint.undone", endpoint=short(endpoint.id))
        waiting = self._collect_abandoned(network, left, failures)
        return frozenset(left) | waiting

    def _collect_abandoned(
        self, network: Network, left: set[EndpointID], failures: list[Exception]
    ) -> frozenset[EndpointID]:
        found = self._inspector.abandoned(network)
        idle = {each.id: each for each in found if each.id not in left}
        due = self._timer.due(network.id, {key: self._patience(idle[key]) for key in idle})
        for endpoint_id in due:
            endpoint = idle.pop(EndpointID(endpoint_id))
            left.add(endpoint.id)
            with gathering(failures):
                self._teardown.collect(network, endpoint, forgotten=True)
                left.remove(endpoint.id)
                _log.warning(
                    "endpoint.collected", endpoint=short(endpoint_id), reason="no sandbox uses it"
                )
        waiting = [each for each in idle.values() if self._is_inherited(each)]
        return frozenset(each.id for each in self._inspector.unlinked(network, waiting))

    def collect_networks(self) -> None:
        """Begin to remove networks whose pools dockerd gave back: their deletion never came, or its answer.

        A pool is released when its network is removed, or could not be made; after that
        dockerd does not know it any more.
        """
        try:
            forgotten = self._teardown.forgotten()
            for network_id in self._timer.due("", dict.fromkeys(forgotten, NETWORK_SECONDS)):
                self._store.mark_network_deleting(NetworkID(network_id))
                _log.warning("network.collected", network=short(network_id), why="pools are free")
        except PynetError as error:
            _log.error("networks.not_collected", reason=error)

    def _patience(self, endpoint: Endpoint) -> float:
        if self._is_inherited(endpoint):
            return INHERITED_SECONDS
        return LEFT_SECONDS if endpoint.attached else ENDPOINT_SECONDS

    def _is_inherited(self, endpoint: Endpoint) -> bool:
        return endpoint.joined and endpoint.id in self._inherited
