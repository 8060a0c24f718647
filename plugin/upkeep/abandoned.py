"""Find endpoints and networks that dockerd has forgotten without deleting them here.

dockerd forgets an endpoint whatever its driver answers, and also while the driver is not running.
The host shows what is left: dockerd moves the link of an ended sandbox back into the host's
namespace, and the file of an ended sandbox is gone.
"""

from typing import Final

from plugin.errors import PynetError
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

    def collect(self, network: Network) -> frozenset[EndpointID]:
        """Free endpoints that have been abandoned for long enough.

        Answers which endpoints have lost link and sandbox and are still being waited for: nothing
        is made for them until then.
        """
        idle = {each.id: each for each in self._inspector.abandoned(network)}
        due = self._timer.due(network.id, {key: self._patience(idle[key]) for key in idle})
        for endpoint_id in due:
            endpoint = idle.pop(EndpointID(endpoint_id))
            self._teardown.collect(network, endpoint, forgotten=True)
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
