"""Networks: created whole or not at all, deleted even if it takes a second try."""

from dataclasses import replace
from typing import Final

from plugin.drivers.base import BoundNetwork
from plugin.drivers.registry import check_network
from plugin.errors import (
    NetworkNotFoundError,
    PynetError,
    RefusedError,
    SubnetOverlapError,
    reasons,
)
from plugin.log import Log
from plugin.model.ids import NetworkID, is_of_swarm, short
from plugin.model.network import GatewayNeeds, Network, NetworkState
from plugin.model.plan import Plan
from plugin.service.hosts import refuse_same_tunnel
from plugin.service.lease_seats import refuse_same_identity
from plugin.service.leased_pools import LeasedPools
from plugin.service.parents import ParentSurvey, refuse_shared_parent
from plugin.service.reconcile import Reconciler
from plugin.service.teardown import Teardown
from plugin.store.base import Store

_log: Final = Log("networks")


class Networks:
    """The network half of NetworkDriver."""

    def __init__(
        self,
        store: Store,
        reconciler: Reconciler,
        teardown: Teardown,
        parents: ParentSurvey,
        leased: LeasedPools,
    ) -> None:
        self._store = store
        self._reconciler = reconciler
        self._kernel = reconciler.kernel
        self._bound = teardown.bound
        self._locks = teardown.locks
        self._addresses = teardown.addresses
        self._teardown = teardown
        self._parents = parents
        self._hosts = teardown.hosts
        self._leased = leased

    def gateway_needs(self, network: Network) -> GatewayNeeds:
        """Which families need no gateway; asked before the network has an id.

        Raises RefusedError.
        """
        return check_network(network).gateway_needs()

    def create(self, wanted: Network) -> None:
        """Make the network, or find it made.

        Raises RefusedError (SubnetOverlapError, MissingLinkError) and HostError (BusyError).
        """
        with self._locks.hold(wanted.id):
            known = self._store.network(wanted.id)
            if known is not None and known.state is NetworkState.ACTIVE:
                return
            if known is not None and known.state is NetworkState.DELETING:
                self._teardown.collect_network(known)
            wanted = self._leased.described(wanted)
            bound = self._parents.found(check_network(wanted))
            self._leased.check(bound)
            self._refuse_dockers_bridge(bound)
            record = replace(
                self._addresses.described(bound.network),
                uplink_mtu=self._kernel.mtu(bound.mtu_link()),
                host_ipv6=self._kernel.has_ipv6(),
                engine=self._engine_of(wanted),
            )
            bound = self._hosts.survey(self._parents.survey(bound.with_record(record)))
            network = bound.network
            plan = bound.whole_plan(())
            self._admit(bound)
            self._make(bound, plan)
            try:
                self._leased.look_for_server(bound)
                self._store.save_network(replace(network, state=NetworkState.ACTIVE))
                self._addresses.group(network)
                self._hosts.enter(bound)
            except Exception:
                with self._teardown.undoing():
                    self._teardown.collect_network(network)
                raise
        self._parents.changed(bound)
        _log.info("network.created", network=short(network.id), mode=network.mode)

    def delete(self, network_id: NetworkID) -> None:
        """Remove the network and what is left of its endpoints; an unknown id is no failure.

        dockerd forgets the network regardless of the answer.  So the record says "deleting" before
        this call waits for anything.  The record stays until all is removed, and the tick tries again.

        Raises HostError (BusyError), or an ExceptionGroup of what could not be removed.
        """
        if not self._store.mark_network_deleting(network_id):
            return
        with self._locks.hold(network_id):
            network = self._store.network(network_id)
            if network is None:
                return
            bound = self._bound.as_readable(network)
            self._teardown.collect_network(network)
        self._parents.changed(bound)
        _log.info("network.deleted", network=short(network_id))

    def forget_ended_engine(self) -> None:
        """Delete networks of a swarm whose dockerd has ended, before another asks for them anew.

        dockerd keeps no record of these, and ends their containers before it asks for anything
        (moby, daemon/network.go: NetworkOptionPersist(false); swarm excludes live-restore).
        """
        running = self._kernel.engine_sockets()
        for network in self._store.networks():
            if not network.engine or running.intersection(network.engine):
                continue
            _log.info("network.outlived", network=short(network.id), mode=network.mode)
            try:
                self.delete(network.id)
            except (PynetError, ExceptionGroup) as error:
                # What is marked as deleted is removed at the next tick.
                _log.warning("network.stays", network=short(network.id), reason=reasons(error))

    def _engine_of(self, network: Network) -> tuple[str, ...]:
        if not is_of_swarm(network.id):
            return ()
        return tuple(sorted(self._kernel.engine_sockets()))

    def _make(self, bound: BoundNetwork, plan: Plan) -> None:
        try:
            self._reconciler.apply(plan)
            try:
                self._parents.rehearse(bound)
            except Exception:
                self._reconciler.undo(plan)
                raise
        except Exception:
            with self._teardown.undoing():
                self._store.delete_network(bound.network.id)
                self._bound.forget(bound.network.id)
                self._teardown.release_shared(plan)
            raise

    def _refuse_dockers_bridge(self, bound: BoundNetwork) -> None:
        """Docker's driver refuses a second network on a bridge, too; each would undo the other's."""
        bridge = bound.adopted_bridge()
        if bridge is not None and bridge in self._kernel.foreign_bridges().docker:
            raise RefusedError(
                f"bridge {bridge} belongs to a network of Docker's own driver; choose another "
                "bridge_name, or connect the containers to that network"
            )

    def _admit(self, bound: BoundNetwork) -> None:
        """Save the intent, unless another network has the addresses or the parent already."""
        with self._locks.admission:
            for network in self._store.networks():
                if network.id != bound.network.id:
                    # Of one whose record cannot be read, what can be read.
                    other = self._bound.as_readable(network)
                    _refuse_overlap(bound, other)
                    _refuse_shared_bridge(bound, other)
                    refuse_shared_parent(bound, other)
                    refuse_same_tunnel(bound, other)
                    refuse_same_identity(bound, other)
            self._store.save_network(bound.network)
            self._bound.hold(bound)


def get_network(store: Store, network_id: NetworkID) -> Network:
    """The network, which must be there.  Raises NetworkNotFoundError."""
    network = store.network(network_id)
    if network is None or network.state is NetworkState.DELETING:
        raise NetworkNotFoundError(
            f"network {short(network_id)} is not known to pynet; remove and create it again"
        )
    return network


def _refuse_shared_bridge(bound: BoundNetwork, other: BoundNetwork) -> None:
    bridge = bound.adopted_bridge()
    if bridge is not None and bridge == other.adopted_bridge():
        raise RefusedError(
            f"bridge {bridge} is used by network {short(other.network.id)} already; choose another "
            "bridge_name, or run `pynet gc` if Docker does not list that network"
        )


def _refuse_overlap(bound: BoundNetwork, other: BoundNetwork) -> None:
    """Refuse a subnet that is another's, where the host would not know whose: it goes to both.

    Networks that the host has no part in may have the same: a LAN that is divided, or two of them.
    """
    for mine in bound.host_subnets():
        for theirs in other.host_subnets():
            if 0 in (mine.prefixlen, theirs.prefixlen):
                continue  # the null IPAM's "no subnet"
            if mine.version == theirs.version and mine.overlaps(theirs):
                raise SubnetOverlapError(
                    f"subnet {mine} overlaps {theirs} of network {short(other.network.id)}, and the host has "
                    "ways to both; choose another with --subnet (Docker's own IPAM offers the same one "
                    "again, --ipam-driver pynet does not), or run `pynet gc` if Docker does not list "
                    "that network (a killed Docker may forget one)"
                )
