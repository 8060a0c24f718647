"""Make the host match the state: at start, at every tick, and after changes from outside.

All three use one function.  For each network, under its lock: finish what was begun, make what
is missing, delete endpoints whose link is gone.  Then, with all calls kept out: remove
objects with pynet as owner that no record lists.
"""

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from plugin.drivers.base import BoundNetwork
from plugin.errors import BusyError, PynetError, gathering, reasons
from plugin.health import Health
from plugin.log import Log
from plugin.model.facts import Fact
from plugin.model.ids import EndpointID, NetworkID, short
from plugin.model.network import Endpoint, EndpointState, Network, NetworkState
from plugin.model.plan import Plan
from plugin.model.resources import Resource
from plugin.model.rules import Rule
from plugin.service.locks import Locks
from plugin.service.teardown import Teardown
from plugin.telemetry import (
    DRIFT,
    LAST_DRIFT,
    LAST_RECONCILE,
    RECONCILE_SECONDS,
    RULES_REPAIRED,
)
from plugin.upkeep.abandoned import Abandoned
from plugin.upkeep.drift import Inspector
from plugin.upkeep.forward_policy import ForwardPolicy
from plugin.upkeep.idle_timer import IdleTimer
from plugin.upkeep.known_facts import KnownFacts
from plugin.upkeep.refused_frames import RefusedFrames
from plugin.upkeep.unplugged import tell_unplugged
from plugin.upkeep.unreadable import tell_unreadable

_log: Final = Log("healing")
_FIREWALL: Final = "firewall"
_NETWORKS: Final = "networks"
_LEFT_OVERS: Final = "left-overs"
_TRIED_AGAIN: Final = "see the log; every tick tries again"


class Healer:
    """Level-triggered: it looks at what is, not at what happened."""

    def __init__(
        self,
        inspector: Inspector,
        teardown: Teardown,
        locks: Locks,
        health: Health,
        timer: IdleTimer,
    ) -> None:
        store, reconciler = inspector.store, inspector.reconciler
        self._store = store
        self._reconciler = reconciler
        self._firewall = reconciler.firewall
        self._bound = teardown.bound
        self._teardown = teardown
        self._locks = locks
        self._health = health
        self._inspector = inspector
        self._refused = RefusedFrames(store, reconciler.firewall, health)
        self._policy = ForwardPolicy(reconciler.kernel, health)
        self._timer = timer
        self._abandoned = Abandoned(store, teardown, self._inspector, self._timer)
        self._healing = threading.Lock()

    def prepare(self) -> None:
        """Install the rules that are the same for all networks, before the watches start.

        An earlier version may have left tables without the elements that these rules look up.
        """
        self._prepare_firewall(drift=False, known=self._inspector.wanted_facts())

    def restore(self) -> None:
        """The pass at start: what is missing then was never drift, a reboot took it."""
        self._heal(drift=False)

    def heal(self) -> None:
        """Heal everything once; what fails is reported in the health and tried again."""
        self._heal(drift=True)

    def heal_networks(self, network_ids: Iterable[NetworkID]) -> None:
        """Compare these networks alone: something happened to a link of each.

        What fails is tried again with the next pass over everything.
        """
        with self._healing, self._reconciler.kernel.one_look():
            try:
                facts = self._inspector.facts()
            except PynetError as error:
                _log.error("firewall.not_read", reason=error)
                return
            known = (self._store.network(each) for each in network_ids)
            failures = self._heal_each((each for each in known if each), facts, drift=True)
        if failures:
            self._health.degrade(_NETWORKS, "; ".join(failures), _TRIED_AGAIN)

    def _heal(self, *, drift: bool) -> None:
        with self._healing, self._reconciler.kernel.one_look():
            with RECONCILE_SECONDS.time():
                self._look_after_everything(drift=drift)
            LAST_RECONCILE.set_to_current_time()

    def _look_after_everything(self, *, drift: bool) -> None:
        obeyed = self._prepare_firewall(drift=drift)
        self._abandoned.collect_networks()
        try:
            facts = self._inspector.facts()
        except PynetError as error:
            # To take what cannot be read for nothing would make everything anew.
            self._health.degrade(_FIREWALL, f"{error}; nothing is healed", _TRIED_AGAIN)
            _log.error("firewall.not_read", reason=error)
            return
        self._know_surroundings(facts.there, obeyed)
        self._refused.tell()
        failures = self._heal_each(self._in_turn(self._store.networks()), facts, drift=drift)
        tell_unplugged(self._store, self._health)
        tell_unreadable(self._inspector.unreadable(), self._health)
        networks = self._store.networks()
        self._timer.keep(["", *(network.id for network in networks)])
        self._bound.keep(networks)
        self._inspector.plans.keep(networks)
        try:
            self._sweep(facts.there)
        except BusyError as error:  # the next tick sweeps
            _log.info("sweep.postponed", reason=error)
        except (PynetError, ExceptionGroup) as error:
            failures.append(reasons(error))
            _log.error("sweep.failed", reason=reasons(error))
        if failures:
            self._health.degrade(_NETWORKS, "; ".join(failures), _TRIED_AGAIN)
        else:
            self._health.recover(_NETWORKS)

    def _heal_each(
        self, networks: Iterable[Network], facts: KnownFacts, *, drift: bool
    ) -> list[str]:
        """Heal one network after the other; answers what failed, as sentences."""
        failures = []
        for network in networks:
            try:
                self._heal_network(network, facts, drift=drift)
            except (PynetError, ExceptionGroup) as error:
                failures.append(f"{short(network.id)}: {reasons(error)}")
                _log.error("network.not_healed", network=short(network.id), reason=reasons(error))
            finally:
                self._locks.open(network.id)
        return failures

    def _in_turn(self, networks: Iterable[Network]) -> Iterator[Network]:
        """One after the other, first those that a call waits for: an engine that starts has many."""
        left = {network.id: network for network in networks}
        while left:
            yield left.pop(self._locks.waited_for(left) or next(iter(left)))

    def _prepare_firewall(self, *, drift: bool, known: Iterable[Fact] = ()) -> tuple[int, ...]:
        """The families in which rules of the user's decide about masquerading."""
        try:
            prepared = self._firewall.prepare(known)
        except PynetError as error:
            self._health.degrade(
                _FIREWALL,
                f"{error}; published ports, masquerading and isolation are not kept up",
                "install nftables, and a kernel with nf_tables",
            )
            return ()
        self._health.recover(_FIREWALL)
        if drift and prepared.restored:
            chains = sorted({f"{each.table} {each.chain}" for each in prepared.restored})
            _report(prepared.restored, network="none", chains=", ".join(chains))
        self._policy.tell(prepared.unserved)
        return prepared.obeyed

    def _know_surroundings(self, known: frozenset[Fact], obeyed: Iterable[int]) -> None:
        """Others' bridges come and go; no traffic is let through to Docker's and unknown ones."""
        there = frozenset(self._inspector.surrounding_facts(obeyed))
        told = frozenset(each for each in known if each.surrounding)
        try:
            self._firewall.ensure(list(there - told))
            self._firewall.remove(list(told - there))
        except PynetError as error:
            _log.error("bridges.not_known", reason=error)

    def _heal_network(self, listed: Network, facts: KnownFacts, *, drift: bool) -> None:
        with self._locks.hold(listed.id):
            network = self._store.network(listed.id)
            if network is None:
                return
            if network.state is NetworkState.ACTIVE and not self._inspector.is_readable(network):
                return
            if network.state is not NetworkState.ACTIVE:
                # Of a pending one dockerd never saw success; of a deleting one it forgot.
                self._teardown.collect_network(network)
                _log.warning("network.undone", network=short(network.id), state=network.state.value)
                return
            self._make_so(network, facts, drift=drift)

    def _make_so(self, network: Network, facts: KnownFacts, *, drift: bool) -> None:
        failures: list[Exception] = []
        undecided = self._abandoned.collect(network, failures)
        joined = [each for each in self._known(network, undecided) if each.joined]
        for endpoint in self._inspector.unlinked(network, joined):
            with gathering(failures):
                self._detach(network, endpoint)
        with gathering(failures):
            self._restore(network, undecided, facts, drift=drift)
        if failures:
            raise ExceptionGroup("not everything could be healed", failures)

    def _restore(
        self, network: Network, undecided: frozenset[EndpointID], facts: KnownFacts, *, drift: bool
    ) -> None:
        delta = self._inspector.wanting(network, self._known(network, undecided), facts)
        wanting = delta.missing | delta.changed
        if not wanting:
            return
        if drift:
            _report(wanting, network=short(network.id))
        else:
            _log.info("network.restored", network=short(network.id), things=len(wanting))
        self._reconciler.repair(wanting)
        if delta.changed:
            # A link that was made anew has nothing of what was on it, and had been looked at.
            delta = self._inspector.wanting(network, self._known(network, undecided), facts)
            self._reconciler.repair(delta.missing | delta.changed)

    def _known(self, network: Network, undecided: frozenset[EndpointID]) -> list[Endpoint]:
        """The endpoints that are surely dockerd's: nothing is made or taken of the others yet."""
        return [each for each in self._store.endpoints(network.id) if each.id not in undecided]

    def _detach(self, network: Network, endpoint: Endpoint) -> None:
        """Its link is gone, and so is the sandbox that held the other end."""
        bound = self._bound.of(network)
        plan = bound.held_plan(endpoint)
        self._reconciler.remove(self._teardown.own(bound, endpoint, plan))
        lacks_parent = self._lacks_parent(bound, plan)
        state = EndpointState.UNPLUGGED if lacks_parent else EndpointState.LEFT
        self._store.save_endpoint(endpoint.moved(state).without_ports())
        self._reconciler.release(plan)
        _log.warning("endpoint.detached", endpoint=short(endpoint.id), reason="its link is gone")

    def _lacks_parent(self, bound: BoundNetwork, plan: Plan) -> bool:
        """Whether a link of others that the network needs is gone, so that its links went with it.

        A VLAN or a dummy that pynet makes does not count: healing makes it again, as after a boot.
        """
        links = (bound.plan | plan).links_of_others
        return bool(self._reconciler.kernel.missing_links(links))

    def _sweep(self, known: frozenset[Fact]) -> None:
        """Look first without keeping calls out: mostly there is nothing to remove.

        What the firewall held when this pass began is recent enough for that look.
        """
        surplus = self._inspector.surplus(known)
        if not surplus:
            self._store.settle()
        elif not self._store.settled():
            # A state that was lost, or whose disk is not there yet: containers may run on these.
            self._health.degrade(_LEFT_OVERS, *self._unlisted(len(surplus)))
            return
        self._health.recover(_LEFT_OVERS)
        if not surplus:
            return
        with self._locks.standstill(), self._reconciler.kernel.one_look():
            surplus = self._inspector.surplus()
            if surplus:
                _report(surplus, network="none")
                self._reconciler.remove_unwanted(surplus)

    def _unlisted(self, number: int) -> tuple[str, str]:
        """What is said of objects that an unsettled state does not list, and the remedy."""
        if not self._store.networks():
            return (
                f"the state is new, and {number} objects of pynet are on this host already",
                "restore a backup (pynet restore), or remove them (pynet gc)",
            )
        return (
            f"the state was restored or copied, and lacks {number} objects of pynet on this host",
            "restart containers and recreate networks that it lacks, then remove the rest (pynet gc)",
        )


def _report(resources: Collection[Resource | Rule], **where: str) -> None:
    """One line and one count per kind, however much there was of it."""
    kinds = Counter(type(resource).__name__ for resource in resources)
    for kind, number in kinds.items():
        DRIFT.labels(kind=kind).inc(number)
    LAST_DRIFT.set_to_current_time()
    if any(isinstance(each, Fact | Rule) for each in resources):
        RULES_REPAIRED.note()
    _log.warning("drift.healed", **where, **kinds)
