"""Where firewalld filters, it is told of the links by which our containers come in.

It refuses what comes in by others, whatever we have accepted, and forgets them whenever it is
reloaded.  Bridges that networks share with somebody are left to him: with the whole of a LAN
behind them, nobody but the user can say what to accept there.
"""

import threading
from collections.abc import Iterator
from typing import Final

from plugin.drivers.registry import driver_for
from plugin.errors import FirewallError, PynetError
from plugin.firewall.base import Zones
from plugin.health import Health
from plugin.kernel.base import Kernel
from plugin.log import Log
from plugin.model.ids import IfName
from plugin.model.network import NetworkState
from plugin.model.resources import Bridge, Shim
from plugin.store.base import Store

_log: Final = Log("zones")
_FIREWALLD: Final = "firewalld"


class Firewalled:
    """The links of our networks and the zones they are in."""

    def __init__(self, store: Store, kernel: Kernel, health: Health, zones: Zones) -> None:
        self._store = store
        self._kernel = kernel
        self._health = health
        self._zones = zones
        self._admitted: set[IfName] = set()
        self._looking = threading.Lock()

    def look_after(self) -> bool:
        """Have every link of ours in a zone; whether that is so, or nobody filters.

        May take seconds, and is not for a call.
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
            return  # what is left over in a zone hurts nobody
        lines = " ".join(f"--add-interface={name}" for name in missing)
        self._health.degrade(
            _FIREWALLD,
            f"firewalld refuses what comes in by {', '.join(missing)}, and pynet cannot tell it "
            f"otherwise ({error}): containers there reach neither the outside nor this host; ports "
            "that are published are reached",
            f"firewall-cmd --permanent --zone=trusted {lines} && firewall-cmd --reload; or let "
            "pynet reach the system bus (/run/dbus/system_bus_socket)",
        )

    def _links(self) -> Iterator[IfName]:
        for network in self._store.networks():
            if network.state is not NetworkState.ACTIVE:
                continue
            for each in driver_for(network.mode).network_plan(network).resources:
                if isinstance(each, Shim) or (isinstance(each, Bridge) and self._is_own(each)):
                    yield each.ifname

    def _is_own(self, bridge: Bridge) -> bool:
        if not bridge.adoptable:
            return True
        there = self._kernel.host_links([bridge.ifname]).get(bridge.ifname)
        return there is not None and there.ours
