"""Put the links by which containers reach the host into a zone of firewalld, where it filters.

firewalld rejects traffic of links that are in no zone, even if pynet's rules accept it.  A reload
of firewalld forgets the links.  An adopted bridge is left to the user: a whole LAN may be
behind it, and only the user knows what to accept from there.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Final

from plugin.errors import FirewallError, PynetError
from plugin.firewall.base import Zones
from plugin.health import Health
from plugin.kernel.base import Kernel
from plugin.kernel.link_watch import ParentLinks
from plugin.log import Log
from plugin.model.ids import IfName, is_entry
from plugin.model.links import Bridge, Shim
from plugin.model.network import NetworkState
from plugin.service.bound_networks import BoundNetworks
from plugin.store.base import Store

_log: Final = Log("zones")
_FIREWALLD: Final = "firewalld"
_RETRY_SECONDS: Final = 2.0  # firewalld has its table before it answers
_GATHER_SECONDS: Final = 0.1  # a reload is many changes
# An engine that meets firewalld again may have it reloaded once more.
_SECOND_LOOKS: Final = (1.0, 2.0, 5.0)
_END_SECONDS: Final = 5.0


class FirewalldZones:
    """The links by which containers come in, and the zones of firewalld that they are in."""

    def __init__(
        self, store: Store, kernel: Kernel, bound: BoundNetworks, health: Health, zones: Zones
    ) -> None:
        self._store = store
        self._kernel = kernel
        self._bound = bound
        self._health = health
        self._zones = zones
        self._admitted: set[IfName] = set()
        self._looking = threading.Lock()

    def look_after(self) -> bool:
        """Put every link of pynet into a zone; answers whether all are, or firewalld is not there.

        May take seconds, so no call of dockerd may wait for it.
        """
        with self._looking:
            try:
                return self._look_after()
            except PynetError as error:
                _log.error("zones.not_read", reason=error)
                return False

    def _look_after(self) -> bool:
        if self._kernel.firewalld_links(()) is None:
            self._health.recover(_FIREWALLD)
            return True
        links = frozenset(self._links())
        zoned = self._kernel.firewalld_links(links | self._admitted) or frozenset()
        missing = sorted(links - zoned - self._kernel.missing_links(links))
        gone = sorted(self._kernel.missing_links(zoned - links))
        try:
            if missing:
                self._zones.admit(missing)
                self._admitted.update(missing)
                _log.info("links.admitted", links=" ".join(missing))
            if gone:
                self._zones.dismiss(gone)
                self._admitted.difference_update(gone)
        except FirewallError as error:
            self._tell(error, missing)
            return False
        self._health.recover(_FIREWALLD)
        return True

    def _tell(self, error: FirewallError, missing: list[IfName]) -> None:
        if not missing:
            return  # a link that is left over in a zone does no harm
        lines = " ".join(f"--add-interface={name}" for name in missing)
        self._health.degrade(
            _FIREWALLD,
            f"firewalld rejects traffic that enters by {', '.join(missing)}, and pynet could not add "
            f"it to a zone ({error}): containers there reach neither the outside nor this host; "
            "published ports work",
            f"firewall-cmd --permanent --zone=trusted {lines} && firewall-cmd --reload; or let "
            "pynet reach the system bus (/run/dbus/system_bus_socket)",
        )

    def _links(self) -> Iterator[IfName]:
        for network in self._store.networks():
            if network.state is not NetworkState.ACTIVE:
                continue
            for each in self._bound.plan_of(network).resources:
                if isinstance(each, Shim) or (isinstance(each, Bridge) and self._is_own(each)):
                    yield each.ifname

    def _is_own(self, bridge: Bridge) -> bool:
        if not bridge.adoptable:
            return True
        there = self._kernel.host_links([bridge.ifname]).get(bridge.ifname)
        return there is not None and there.ours


class FirewalldSync:
    """A thread that looks after the zones: firewalld may take seconds to answer.

    It looks every ``tick`` seconds, and when it is woken: firewalld's table came or went, or a link by
    which containers come in, of which ``entries`` must be told.
    """

    def __init__(self, look_after: Callable[[], bool], tick: float) -> None:
        self._look_after = look_after
        self._tick = tick
        self._due = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="firewalld", daemon=True)
        self.entries = ParentLinks(is_entry, self.wake)

    def start(self) -> None:
        """Begin with a look."""
        self._thread.start()

    def wake(self) -> None:
        """Look soon."""
        self._due.set()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._due.set()
        self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        looks = list(_SECOND_LOOKS)
        while not self._stopped.is_set():
            try:
                done = self._look_after()
            except Exception:  # noqa: BLE001 - a fault in one look must not be the last look
                _log.exception("zones.fault")
                done = True
            patience = _RETRY_SECONDS if not done else looks.pop(0) if looks else self._tick
            if self._due.wait(min(self._tick, patience)):
                self._stopped.wait(_GATHER_SECONDS)
                self._due.clear()
                looks = list(_SECOND_LOOKS)
