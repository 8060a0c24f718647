"""Tear down endpoints and networks: free everything they had, and delete the record last.

dockerd forgets an endpoint regardless of the answer.  So the record stays until everything is
removed, and the tick tries again.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from plugin.addressing.base import AddressUse, all_released, release_all, unbind_all
from plugin.drivers.base import BoundNetwork
from plugin.drivers.registry import as_far_as_readable
from plugin.errors import PynetError, reasons
from plugin.log import Log
from plugin.model.addresses import HostRoute
from plugin.model.facts import Fact
from plugin.model.ids import NetworkID, short
from plugin.model.links import Veth
from plugin.model.network import Endpoint, IPAddress, Network, NetworkState
from plugin.model.plan import Plan
from plugin.model.resources import is_mutual, is_shared
from plugin.service.bound_networks import BoundNetworks
from plugin.service.hosts import Hosts
from plugin.service.leases import Leases
from plugin.service.locks import Locks
from plugin.service.reconcile import Reconciler

_log: Final = Log("teardown")


class Teardown:
    """Everything here is called with the network's lock held."""

    def __init__(
        self,
        reconciler: Reconciler,
        bound: BoundNetworks,
        addresses: AddressUse,
        locks: Locks,
        leases: Leases,
        hosts: Hosts,
    ) -> None:
        self.bound = bound
        self._store = leases.store
        self._reconciler = reconciler
        self._kernel = reconciler.kernel
        self.addresses = addresses
        self.locks = locks
        self.leases = leases
        self.hosts = hosts

    @contextmanager
    def undoing(self) -> Iterator[None]:
        """Leave to the tick what cannot be undone of a failed call; the caller hears why that failed."""
        try:
            yield
        except (PynetError, ExceptionGroup) as error:
            _log.error("call.not_undone", reason=reasons(error))

    def collect(self, network: Network, endpoint: Endpoint, *, forgotten: bool = False) -> None:
        """Free what the endpoint had, and forget it.

        If dockerd has ``forgotten`` the endpoint, it will not release the addresses: this does.

        Raises StoreError, or an ExceptionGroup of what could not be removed.
        """
        if not endpoint.deleting:
            self._store.mark_endpoint_deleting(endpoint.id)
        if forgotten:
            release_all(self.addresses, network, endpoint)
        else:
            unbind_all(self.addresses, network, endpoint)
        bound = self.bound.as_readable(network)
        self.leases.rest(bound, endpoint)
        readable = as_far_as_readable(bound, endpoint)
        plan = bound.held_plan(readable)
        self._reconciler.remove(self.own(bound, endpoint, plan))
        addresses = tracked_addresses(readable, plan) if endpoint.attached else []
        if not addresses:
            self._store.delete_endpoint(endpoint.id)
            self._reconciler.release(plan)
            return
        if endpoint.published:
            # Release a port only when no record lists it; this record stays a little longer.
            self._store.save_endpoint(endpoint.without_ports())
        self._reconciler.release(plan)
        # The record goes last: by it a restart finds what was not ended.
        self._kernel.end_connections(addresses, lambda: self._store.delete_endpoint(endpoint.id))

    def own(self, bound: BoundNetwork, endpoint: Endpoint, plan: Plan) -> Plan:
        """The part of the endpoint's plan that no other endpoint needs."""
        mutual = {each for each in plan.resources if is_mutual(each)}
        if not mutual:
            return plan  # as it is of nearly all
        left = set(mutual)
        for other in self._store.endpoints(bound.network.id):
            if other.id == endpoint.id or not other.joined:
                continue
            if other.published:
                left -= bound.ports_plan(other).resources
            if any(isinstance(each, Fact) for each in left):
                left -= bound.endpoint_plan(other).resources
            if not left:
                break
        return replace(plan, resources=plan.resources - (mutual - left))

    def collect_network(self, network: Network) -> None:
        """Remove everything the host may hold for the network, and delete its record.

        Raises StoreError, or an ExceptionGroup of what could not be removed.
        """
        deleted = network.state is NetworkState.DELETING
        if not deleted:
            self._store.mark_network_deleting(network.id)
        endpoints = self._store.endpoints(network.id)
        for endpoint in endpoints:
            unbind_all(self.addresses, network, endpoint)
        bound = self.bound.as_readable(network)
        self.leases.give_all_back(bound)
        readable = [as_far_as_readable(bound, endpoint) for endpoint in endpoints]
        plan = bound.whole_plan(readable)
        self._reconciler.remove(plan)
        self._end_connections(bound, readable)
        # Before the record is deleted: while it is there, all of this is repeated after a crash.
        self.addresses.ungroup(network.id, deleted=deleted)
        self._store.delete_network(network.id)
        self.bound.forget(network.id)
        self.hosts.leave(bound)
        self._reconciler.release(plan)
        self.release_shared(plan)

    def _end_connections(self, bound: BoundNetwork, endpoints: Iterable[Endpoint]) -> None:
        attached = [each for each in endpoints if each.attached]
        addresses = [
            a for each in attached for a in tracked_addresses(each, bound.endpoint_plan(each))
        ]
        if addresses:
            self._kernel.end_connections(addresses, lambda: None)
            self._kernel.connections_ended(addresses)

    def is_forgotten(self, network: Network, endpoint: Endpoint) -> bool:
        """Whether dockerd has released the addresses of an endpoint that is in no sandbox.

        dockerd does so after it has deleted the endpoint; its call DeleteEndpoint was lost.
        """
        if endpoint.joined:
            return False
        leased = self.leases.is_released(self.bound.as_readable(network).dhcp_use(), endpoint)
        return leased or all_released(self.addresses, network, endpoint)

    def forgotten(self) -> list[NetworkID]:
        """Networks of which dockerd has given back what they cannot be without."""
        return [
            network_id
            for network_id in (*self.addresses.released(), *self._with_released_pools())
            if not any(endpoint.joined for endpoint in self._store.endpoints(network_id))
        ]

    def _with_released_pools(self) -> Iterator[NetworkID]:
        return (each.id for each in self._store.networks() if each.released)

    def release_shared(self, plan: Plan) -> None:
        """Remove what a deleted network shared, unless another network needs it.

        A network created meanwhile is either known by now or finds nothing, and makes it again.
        """
        shared = {each for each in plan.resources if is_shared(each)}
        if not shared:
            return
        with self.locks.admission:
            for network in self._store.networks():
                try:
                    wanted = self.bound.of(network).plan
                except PynetError:
                    return  # the plan of that network cannot be made
                shared -= {each for each in shared if wanted.needs(each)}
            self._reconciler.remove_unwanted(shared)

    def make_way(self, network: Network, wanted: Endpoint) -> None:
        """Tear down earlier endpoints that have the addresses of the new one.

        An address that is assigned again has lost its earlier owner.  A dockerd that was killed
        never reports that if the addresses come from another IPAM.
        """
        # Packets of connections of the earlier endpoint must not reach the new one.
        self._kernel.connections_ended([each.ip for each in wanted.interfaces])
        in_the_way = self._store.endpoints_at(network.id, wanted.interfaces)
        same = self._store.endpoint(wanted.id)
        if same is not None and same not in in_the_way:
            in_the_way += (same,)
        for other in in_the_way:
            _log.warning("endpoint.collected", endpoint=short(other.id))
            self.collect(network, other)
            # Its record has to be gone before another takes its place.
            bound = self.bound.as_readable(network)
            readable = as_far_as_readable(bound, other)
            plan = bound.endpoint_plan(readable)
            self._kernel.connections_ended(tracked_addresses(readable, plan))


def tracked_addresses(endpoint: Endpoint, plan: Plan) -> list[IPAddress]:
    """Addresses of the endpoint, which has this plan, whose connections the host's kernel may track.

    A link on the LAN bypasses the host's connection tracking, unless the host has a route there.
    """
    is_tracked = any(isinstance(each, Veth | HostRoute) for each in plan.resources)
    return [interface.ip for interface in endpoint.interfaces] if is_tracked else []


def host_ways(bound: BoundNetwork, endpoint: Endpoint) -> Plan:
    """How the host goes to the container; it ends with the sandbox."""
    resources = bound.endpoint_plan(endpoint).resources
    return Plan(resources=frozenset(each for each in resources if isinstance(each, HostRoute)))
