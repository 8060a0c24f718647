"""Ports that records list and the process does not hold, when another endpoint asks for them.

What a record lists is held, but after a start: a network may be restored later than others, another
program may have a port meanwhile, and an endpoint that is over is not given its ports again.  A port that
is given to another endpoint is listed by that one alone.  Else the end of either would release it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from plugin.drivers.base import BoundNetwork
from plugin.errors import PortTakenError, RefusedError
from plugin.log import Log
from plugin.model.ids import NetworkID, short
from plugin.model.network import Endpoint, Protocol, PublishedPort
from plugin.model.plan import Plan
from plugin.service import ports
from plugin.service.reconcile import Reconciler
from plugin.service.teardown import Teardown
from plugin.store.base import Store

_log: Final = Log("ports")
_Number = tuple[Protocol, int]


class ListedPorts:
    """Called with no lock held: ports belong to the whole host."""

    def __init__(self, store: Store, reconciler: Reconciler, teardown: Teardown) -> None:
        self._store = store
        self._reconciler = reconciler
        self._kernel = reconciler.kernel
        self._teardown = teardown
        self._locks = teardown.locks

    def publish(
        self, bound: BoundNetwork, endpoint: Endpoint, beside: Sequence[PublishedPort]
    ) -> tuple[PublishedPort, ...]:
        """Hold what the endpoint lacks, as `ports.publish` does.  Raises RefusedError, BusyError."""
        if endpoint.sandbox_key is None:
            raise RefusedError(
                f"endpoint {short(endpoint.id)} is in no sandbox that its ports could lead to; disconnect the "
                "container and connect it again"
            )
        with ports.naming_holders(self._store, endpoint.bindings):
            self._await(self._restored_later(ports.asked(endpoint.bindings)))
            while True:
                new = ports.publish(self._kernel, bound, endpoint, beside)
                later = self._restored_later((each.protocol, each.host_port) for each in new)
                if not later:
                    break
                ports.release(self._kernel, new)  # the kernel chose it
                self._await(later)
            try:
                for port in new:
                    self._take_over(endpoint, port)
            except Exception:
                ports.release(self._kernel, new)
                raise
        return new

    def _restored_later(self, numbers: Iterable[_Number]) -> set[NetworkID]:
        """Networks that had one of these ports, and are still to hold it again."""
        found = {e.network_id for key in numbers for e in self._store.endpoints_publishing(*key)}
        return {each for each in found if self._locks.is_shut(each)}

    def _await(self, network_ids: Iterable[NetworkID]) -> None:
        for network_id in network_ids:
            with self._locks.hold(network_id):
                continue

    def _take_over(self, endpoint: Endpoint, port: PublishedPort) -> None:
        """Have no other record list what is held for the endpoint.  Raises PortTakenError."""
        if port.host_ip is None:
            return
        for other in self._store.endpoints_publishing(port.protocol, port.host_port):
            if other.id == endpoint.id or not _listed(other, port):
                continue
            if other.sandbox_key and not self._kernel.ended_sandboxes([other.sandbox_key]):
                raise PortTakenError(port.host_ip, port.host_port)
            self._strike(other, port)

    def _strike(self, listing: Endpoint, port: PublishedPort) -> None:
        with self._locks.hold(listing.network_id):
            network = self._store.network(listing.network_id)
            endpoint = self._store.endpoint(listing.id)
            if network is None or endpoint is None:
                return
            struck = _listed(endpoint, port)
            rest = tuple(each for each in endpoint.published if each not in struck)
            kept = replace(endpoint, published=rest)
            bound = self._teardown.bound.as_readable(network)
            surplus = bound.ports_plan(endpoint).resources - bound.ports_plan(kept).resources
            # The ports themselves stay: it is another that holds them.
            self._reconciler.remove(self._teardown.own(bound, kept, Plan(resources=surplus)))
            self._store.save_endpoint(kept)
        _log.warning("ports.lost", endpoint=short(endpoint.id), port=port.host_port)


def _listed(endpoint: Endpoint, port: PublishedPort) -> list[PublishedPort]:
    return [each for each in endpoint.published if ports.collide(each, port)]
