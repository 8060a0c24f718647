"""Endpoints: a record from create to delete, a link from join, ports while it is the gateway.

The record of an endpoint lists all that the host may hold for it, because all names derive
from its id.  What a crash leaves behind is found by the record or, without one, by its owner.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from plugin.addressing.base import AddressUse, bind_all
from plugin.drivers.base import BoundNetwork
from plugin.drivers.endpoint_mac import with_requested_mac
from plugin.drivers.registry import check_endpoint
from plugin.errors import BusyError, EndpointNotFoundError, PynetError
from plugin.log import Log
from plugin.model.ids import EndpointID, NetworkID, short
from plugin.model.network import (
    Attachment,
    Endpoint,
    EndpointState,
    Network,
    PortBinding,
    PublishedPort,
)
from plugin.model.plan import Plan
from plugin.service import ports
from plugin.service.listed_ports import ListedPorts
from plugin.service.locks import Locks
from plugin.service.mac_addresses import free_mac, refuse_made_mac
from plugin.service.networks import get_network
from plugin.service.reconcile import Reconciler
from plugin.service.teardown import Teardown, host_ways, tracked_addresses
from plugin.store.base import Store

_log: Final = Log("endpoints")


class Endpoints:
    """The endpoint half of NetworkDriver.  Raises HostError, or a group of failed removals."""

    def __init__(
        self,
        store: Store,
        reconciler: Reconciler,
        locks: Locks,
        addresses: AddressUse,
        teardown: Teardown,
    ) -> None:
        self._store = store
        self._reconciler = reconciler
        self._kernel = reconciler.kernel
        self._bound = teardown.bound
        self._locks = locks
        self._addresses = addresses
        self._teardown = teardown
        self._leases = teardown.leases
        self._listed = ListedPorts(store, reconciler, teardown)

    def create(self, wanted: Endpoint) -> Endpoint:
        """Remember the endpoint; an empty MAC address is filled in.  Raises RefusedError.

        dockerd holds its own lock on the network meanwhile, so the link waits for the join.
        """
        with self._locks.hold(wanted.network_id):
            network = get_network(self._store, wanted.network_id)
            bound = self._bound.of(network)
            known = self._known(network, wanted.id)
            if known:
                return known
            self._leases.claims.refuse_second(wanted.id)
            wanted = with_requested_mac(wanted)
            check_endpoint(bound, wanted)
            self._leases.seats.refuse_taken(wanted)
            self._teardown.make_way(network, wanted)
            wanted, claim = self._leases.claimed(bound, wanted)
            if claim is None:
                return self._remember(bound, wanted)
        with self._leases.addressed(claim, wanted) as leased, self._locks.hold(wanted.network_id):
            network = get_network(self._store, wanted.network_id)
            self._teardown.make_way(network, leased)
            return self._remember(self._bound.of(network), leased)

    def get(self, network_id: NetworkID, endpoint_id: EndpointID) -> Endpoint:
        """The endpoint, which must be there.  Raises EndpointNotFoundError."""
        endpoint = self._store.endpoint(endpoint_id)
        if endpoint is None or endpoint.network_id != network_id or endpoint.deleting:
            raise EndpointNotFoundError(
                f"endpoint {short(endpoint_id)} is not known on network {short(network_id)}; "
                "disconnect the container and connect it again"
            )
        return endpoint

    def join(
        self,
        network_id: NetworkID,
        endpoint_id: EndpointID,
        sandbox_key: str,
        bindings: Sequence[PortBinding] = (),
    ) -> Attachment:
        """Make the link that dockerd moves into the sandbox.

        Ports of the container's own are open from now on, gateway or not.  Raises RefusedError.
        """
        self._confirm(network_id, endpoint_id)
        with self._locks.hold(network_id):
            network = get_network(self._store, network_id)
            endpoint = self.get(network_id, endpoint_id)
            bound = self._bound.of(network)
            if endpoint.sandbox_key != sandbox_key:
                if endpoint.published:  # the record of the join lists what is published since
                    endpoint = self._withdraw(bound, endpoint, endpoint.without_ports())
                before = bound.shared_plan(self._store.endpoints(network_id))
                joined = replace(
                    endpoint.moved(EndpointState.JOINED, sandbox_key=sandbox_key),
                    published=ports.opened(bound, endpoint, bindings),
                )
                plan = bound.endpoint_plan(endpoint)
                # What was meant for an earlier holder of the address shall not come here.
                self._kernel.connections_ended(tracked_addresses(endpoint, plan))
                self._reconciler.apply(plan | bound.ports_plan(joined))
                self._store.save_endpoint(joined)
                self._share_anew(bound, before)
            attachment = bound.attachment(endpoint)
            self._announce(bound, endpoint)
            self._leases.announce(bound, endpoint)
        _log.info("endpoint.joined", endpoint=short(endpoint_id), network=short(network_id))
        return attachment

    def leave(self, network_id: NetworkID, endpoint_id: EndpointID) -> None:
        """Free what only a sandbox needs; the link is still inside, dockerd hands it back later."""
        with self._locks.hold(network_id):
            found = self._find(network_id, endpoint_id)
            if found is not None:
                network, endpoint = found
                bound = self._bound.of(network)
                before = bound.shared_plan(self._store.endpoints(network_id))
                plan = bound.ports_plan(endpoint)
                own = self._teardown.own(bound, endpoint, plan)
                self._reconciler.remove(own | host_ways(bound, endpoint))
                self._store.save_endpoint(endpoint.without_ports().moved(_after_leave(endpoint)))
                self._reconciler.release(plan)
                self._share_anew(bound, before)

    def delete(self, network_id: NetworkID, endpoint_id: EndpointID) -> None:
        """Delete the endpoint and free everything it had; an unknown id is no failure.

        dockerd forgets the endpoint regardless of the answer.  So the record says "deleting"
        before this call waits for anything.
        """
        self._leases.claims.revoke(endpoint_id)
        if self._find(network_id, endpoint_id) is None:
            return
        self._store.mark_endpoint_deleting(endpoint_id)
        with self._locks.hold(network_id):
            found = self._find(network_id, endpoint_id)
            if found is None:
                return
            self._teardown.collect(*found)
        _log.info("endpoint.deleted", endpoint=short(endpoint_id), network=short(network_id))

    def program(
        self,
        network_id: NetworkID,
        endpoint_id: EndpointID,
        bindings: Sequence[PortBinding] | None,
        *,
        no_proxy_6to4: bool = False,
    ) -> None:
        """Publish ports, or those it has: the endpoint is its sandbox's gateway.  Raises RefusedError.

        With ``no_proxy_6to4`` another is so for IPv6, and the proxy carries none of it here.  A repeated
        call hands IPv6 of the host over to that one, or takes it back; what stays is not touched.
        """
        network = get_network(self._store, network_id)
        endpoint = self.get(network_id, endpoint_id)
        bindings = endpoint.bindings if bindings is None else bindings
        if not bindings or (endpoint.bindings and endpoint.no_proxy_6to4 is no_proxy_6to4):
            return
        bound = self._bound.of(network)
        wanted = replace(endpoint, bindings=tuple(bindings), no_proxy_6to4=no_proxy_6to4)
        wanted = replace(wanted, published=ports.kept(bound, wanted))
        # Ports belong to the whole host: no call on this network has to wait until all are held.
        new = self._listed.publish(bound, wanted, self._beside(endpoint))
        try:
            with self._locks.hold(network_id):
                self._check_unchanged(endpoint)
                before = wanted if wanted.published != endpoint.published else endpoint
                if before is wanted:
                    self._withdraw(bound, endpoint, wanted)
                self._add_ports(bound, before, replace(wanted, published=wanted.published + new))
        except Exception:
            ports.release(self._kernel, new)
            raise
        _log.info("ports.published", endpoint=short(endpoint_id), ports=len(new))

    def revoke(self, network_id: NetworkID, endpoint_id: EndpointID) -> None:
        """Withdraw the ports: another endpoint is the gateway, or the sandbox ends."""
        with self._locks.hold(network_id):
            found = self._find(network_id, endpoint_id)
            if found is not None and found[1].bindings:
                network, endpoint = found
                own = tuple(each for each in endpoint.published if each.host_ip is None)
                kept = replace(endpoint.without_ports(), published=own)
                self._withdraw(self._bound.of(network), endpoint, kept)

    def _known(self, network: Network, endpoint_id: EndpointID) -> Endpoint | None:
        """The endpoint of a call that comes again."""
        known = self._store.endpoint(endpoint_id)
        if known is None or known.deleting:
            return None
        # The process may have ended before it had told the IPAM.
        bind_all(self._addresses, network, known)
        return known

    def _remember(self, bound: BoundNetwork, wanted: Endpoint) -> Endpoint:
        """Save the endpoint, which has its addresses."""
        mac = wanted.mac_address or free_mac(self._store, bound, wanted)
        endpoint = replace(wanted, mac_address=mac)
        refuse_made_mac(self._store, endpoint)
        self._store.save_endpoint(endpoint)
        try:
            bind_all(self._addresses, bound.network, endpoint)
            self._leases.claims.check(endpoint.id)  # a deletion that finds no record has revoked it
        except Exception:
            with self._teardown.undoing():
                self._teardown.collect(bound.network, endpoint)
            raise
        return endpoint

    def _check_unchanged(self, endpoint: Endpoint) -> None:
        if self.get(endpoint.network_id, endpoint.id) != endpoint:
            raise BusyError(f"endpoint {short(endpoint.id)} was changed by another call; try again")

    def _beside(self, endpoint: Endpoint) -> list[PublishedPort]:
        """What other endpoints of the sandbox have published."""
        if endpoint.sandbox_key is None:
            return []
        others = self._store.endpoints_in(endpoint.sandbox_key)
        return [port for each in others if each.id != endpoint.id for port in each.published]

    def _withdraw(self, bound: BoundNetwork, endpoint: Endpoint, kept: Endpoint) -> Endpoint:
        """Remove the ports that the endpoint had, except those of ``kept``."""
        plan = bound.ports_plan(endpoint)
        surplus = plan.resources - bound.ports_plan(kept).resources
        self._reconciler.remove(self._teardown.own(bound, endpoint, Plan(resources=surplus)))
        self._store.save_endpoint(kept)
        self._reconciler.release(Plan(resources=surplus))
        return kept

    def _add_ports(self, bound: BoundNetwork, before: Endpoint, gateway: Endpoint) -> None:
        """Lead held ports to the endpoint; if that fails, it is as it was ``before``."""
        there = bound.ports_plan(before).resources
        self._store.save_endpoint(gateway)
        try:
            wanted = Plan(resources=bound.ports_plan(gateway).resources - there)
            # What another has is there, and stays if this fails.
            self._reconciler.apply(self._teardown.own(bound, gateway, wanted))
        except Exception:
            self._store.save_endpoint(before)
            raise

    def _find(
        self, network_id: NetworkID, endpoint_id: EndpointID
    ) -> tuple[Network, Endpoint] | None:
        network = self._store.network(network_id)
        endpoint = self._store.endpoint(endpoint_id)
        if network is None or endpoint is None or endpoint.network_id != network_id:
            return None
        return network, endpoint

    def _confirm(self, network_id: NetworkID, endpoint_id: EndpointID) -> None:
        """Wait, with no lock held, until it is known that no other machine has a leased address."""
        bound = self._bound.of(get_network(self._store, network_id))
        if bound.dhcp_use():
            with self._locks.hold(network_id):  # clients of a restored network are there
                endpoint = self.get(network_id, endpoint_id)
            self._leases.confirm(bound, endpoint)

    def _announce(self, bound: BoundNetwork, endpoint: Endpoint) -> None:
        """Have other hosts look for the container here; without it, they learn when it speaks."""
        announcement = bound.announcement(endpoint)
        if announcement is None:
            return
        try:
            self._kernel.announce(announcement)
        except PynetError as error:
            _log.warning("endpoint.not_announced", endpoint=short(endpoint.id), reason=error)

    def _share_anew(self, bound: BoundNetwork, before: Plan) -> None:
        """Follow up what depends on all endpoints, if it has changed."""
        after = bound.shared_plan(self._store.endpoints(bound.network.id))
        self._reconciler.change(before, after)


def _after_leave(endpoint: Endpoint) -> EndpointState:
    """The state after Leave; dockerd also calls it for endpoints never joined or being deleted."""
    if endpoint.state in {EndpointState.CREATED, EndpointState.DELETING}:
        return endpoint.state
    return EndpointState.LEFT
