"""The loop: look at everything at the start, at every tick, and soon after a change.

A step that fails is reported in the health, and the other steps still run.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from plugin import heap
from plugin.errors import KernelError, PynetError, reasons
from plugin.health import Health
from plugin.kernel.flood_watch import FloodWatch
from plugin.kernel.link_watch import Bridges, LinkWatch, OwnLinks, ParentLinks
from plugin.kernel.watches import AddressWatch, FirewalldWatch, RulesetWatch
from plugin.log import Log
from plugin.model.ids import NetworkID
from plugin.model.tunnels import FloodEntry
from plugin.service.bound_networks import BoundNetworks
from plugin.store.base import Store
from plugin.upkeep.cluster_session import ClusterSession, Shared
from plugin.upkeep.firewalld_sync import FirewalldSync, FirewalldZones
from plugin.upkeep.healing import Healer
from plugin.upkeep.host_addresses import HostAddresses
from plugin.upkeep.idle_timer import INHERITED_SECONDS
from plugin.upkeep.leases import LeaseKeeper
from plugin.upkeep.owners import is_of_several, owner_of
from plugin.upkeep.parents import Parents
from plugin.upkeep.peers import Peers, is_peers

_log: Final = Log("loop")
_GATHER_SECONDS: Final = 0.1  # a restart of Docker or a firewall is many changes
_SECOND_LOOK_SECONDS: Final = INHERITED_SECONDS + 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """The parts that the loop runs.

    ``probe`` raises PynetError if the state cannot be written.  ``recall`` reports to the IPAM
    what it may have missed, and ``collect`` ends expired leases; both raise PynetError.  ``rest`` ends
    processes that have not been needed for long.  ``shared``
    is this host's part of a cluster, if it is in one.
    """

    store: Store
    bound: BoundNetworks
    healer: Healer
    parents: Parents
    host_addresses: HostAddresses
    peers: Peers
    leases: LeaseKeeper
    zones: FirewalldZones
    probe: Callable[[], object]
    recall: Callable[[], object]
    collect: Callable[[], object]
    rest: Callable[[], object]
    shared: Shared | None = None


class Loop:
    """Looks every ``tick`` seconds and after each change.

    One thread waits and looks where it is due; others may ask for a ``look`` meanwhile.
    """

    def __init__(self, upkeep: Upkeep, health: Health, tick: float) -> None:
        self._upkeep = upkeep
        self._health = health
        self._tick = tick
        self._due = 0.0
        self._changed = threading.Event()  # a look is due
        self._everything = False  # not only at the networks below
        self._networks: set[NetworkID] = set()
        self._parents = False
        self._guard = threading.Lock()
        self._zones: FirewalldSync | None = None
        self._session: ClusterSession | None = None

    def start(self, let_in: Callable[[], None]) -> None:
        """Look for the first time; ``let_in`` is called once calls may be served.

        What fails here is no reason not to serve: the next tick tries again.
        """
        # By the names of a tick's steps: what failed is over when the tick's has succeeded.
        self._step("networks", self._upkeep.healer.prepare)
        self._step("announcements", self._watch)
        self._follow()
        self._step("leases", self._upkeep.leases.resume)
        if self._upkeep.shared is not None:
            self._session = ClusterSession(self._upkeep.shared, self._health)
        let_in()
        self._step("networks", self._upkeep.healer.restore)
        self._step("parents", self._upkeep.parents.look_after)
        self._check("address store", self._upkeep.recall)
        # Endpoints that dockerd left while pynet was not running are certain at a second look only.
        self._due = time.monotonic() + min(self._tick, _SECOND_LOOK_SECONDS)

    def look(self) -> None:
        """Look at everything once."""
        self._due = time.monotonic() + self._tick
        self._follow()
        self._step("networks", self._upkeep.healer.heal)
        self._step("leases", self._upkeep.leases.look_after)
        self._step("parents", self._upkeep.parents.look_after)
        self._check("state", self._upkeep.probe)
        self._check("address store", self._look_after_addresses)
        self._upkeep.rest()
        heap.trim()

    def wait(self) -> None:
        """Return when the next look is due."""
        if self._changed.wait(max(0.0, self._due - time.monotonic())):
            time.sleep(_GATHER_SECONDS)

    def look_where_due(self) -> None:
        """Look at the networks whose links changed, or at everything if more did or a tick is over."""
        with self._guard:
            everything = self._everything or time.monotonic() >= self._due
            networks, self._networks, self._everything = self._networks, set(), False
            parents, self._parents = self._parents, False
            self._changed.clear()
        if everything:
            self.look()
            return
        if networks and self._failure(
            "networks", lambda: self._upkeep.healer.heal_networks(networks)
        ):
            self._all_changed()  # a look at everything reports failures in the health
        if parents:
            self._step("parents", self._upkeep.parents.look_after)

    def stop(self) -> None:
        """Let ``wait`` return, and end the threads that look after firewalld and the cluster."""
        self._all_changed()
        if self._session is not None:
            self._session.stop()
        if self._zones is not None:
            self._zones.stop()

    def _follow(self) -> None:
        self._step("host addresses", self._upkeep.host_addresses.follow)
        self._step("peers", self._upkeep.peers.follow)

    def _watch(self) -> None:
        """Before anything is looked at: what happens meanwhile is looked at again."""
        concerns = self._upkeep.parents.concerns
        self._upkeep.parents.report_to(self._parents_changed)
        self._upkeep.peers.report_to(self._all_changed)
        self._zones = zones = FirewalldSync(self._upkeep.zones.look_after, self._tick)
        try:
            for watch in (
                RulesetWatch(self._all_changed),
                LinkWatch(
                    Bridges(self._all_changed),
                    ParentLinks(concerns, self._all_changed),
                    zones.entries,
                    OwnLinks(self._link_changed, self._all_changed),
                ),
                AddressWatch(self._addresses_concern, self._all_changed),
                FloodWatch(self._link_changed, self._entry_added, self._all_changed),
                FirewalldWatch(zones.wake),
            ):
                watch.report_to(self._watch_failed)
        except KernelError as error:
            self._health.degrade(
                "watch", f"{error}; pynet sees changes with the next tick only", "none is needed"
            )
        zones.start()  # after what wakes it

    def _all_changed(self) -> None:
        with self._guard:
            self._everything = True
            self._changed.set()

    def _parents_changed(self) -> None:
        with self._guard:
            self._parents = True
            self._changed.set()

    def _link_changed(self, ifname: str) -> None:
        network_id = owner_of(self._upkeep.store, self._upkeep.bound, ifname)
        if network_id is None:
            return
        if is_of_several(ifname):
            self._all_changed()
            return
        with self._guard:
            self._networks.add(network_id)
            self._changed.set()

    def _addresses_concern(self, ifname: str) -> bool:
        """Whether networks stand on a link, or reach other hosts by it."""
        upkeep = self._upkeep
        return (
            is_of_several(ifname)
            or upkeep.parents.concerns(ifname)
            or upkeep.peers.concerns(ifname)
        )

    def _entry_added(self, entry: FloodEntry) -> None:
        """Look at everything, which removes entries that another program added."""
        network_id = owner_of(self._upkeep.store, self._upkeep.bound, entry.ifname)
        network = None if network_id is None else self._upkeep.store.network(network_id)
        if network is not None and not is_peers(network, entry):
            self._all_changed()

    def _watch_failed(self, reason: str) -> None:
        self._health.degrade(
            "announcements",
            f"{reason}; pynet goes on, and the next tick sees what was missed",
            "report it with the line watch.fault of the log, and restart pynet",
        )

    def _step(self, name: str, act: Callable[[], object]) -> None:
        """Run one step; the health has its failure until it has succeeded."""
        reason = self._failure(name, act)
        what = f"look after {name}"
        if reason is None:
            self._health.recover(what)
        else:
            self._health.degrade(what, reason, "see the log; pynet tries again with every tick")

    def _check(self, store: str, act: Callable[[], object]) -> None:
        """Report in the health what a store cannot do."""
        reason = self._failure(store, act)
        if reason is None:
            self._health.recover(store)
        else:
            self._health.degrade(
                store,
                f"{reason}; nothing new can be made",
                "make room, or repair the state directory",
            )

    def _look_after_addresses(self) -> None:
        self._upkeep.recall()
        self._upkeep.collect()

    def _failure(self, name: str, act: Callable[[], object]) -> str | None:
        try:
            act()
        except (PynetError, ExceptionGroup) as error:
            reason = reasons(error)
            _log.error("step.failed", step=name, reason=reason)
        except Exception as error:  # noqa: BLE001 - a fault in one look must not be the last look
            reason = f"internal error ({type(error).__name__}: {error})"
            _log.exception("step.fault", step=name)
        else:
            return None
        return reason
