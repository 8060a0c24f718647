"""Put pynet's links into the zone of firewalld that Docker uses for its bridges.

firewalld rejects traffic of a link that is in no zone, even if pynet's table has accepted it.
Docker makes a zone ``docker`` that accepts everything, and puts its bridges there.  Without that
zone, ``trusted`` accepts the same and always exists.  The links stay in the zone until firewalld
is reloaded, as Docker's do.
"""

from collections.abc import Iterable
from contextlib import closing
from typing import Final

from plugin.errors import FirewallError
from plugin.firewall.dbus import SystemBus
from plugin.model.ids import IfName

_SERVICE: Final = "org.fedoraproject.FirewallD1"
_PATH: Final = "/org/fedoraproject/FirewallD1"
_ZONE: Final = f"{_SERVICE}.zone."
_DOCKERS: Final = "docker"
_TRUSTED: Final = "trusted"
_SECONDS: Final = 10.0  # it takes some tenths of a second for each link, one after the other


class Firewalld:
    """Spoken to by D-Bus, and only where its table is there."""

    def admit(self, links: Iterable[IfName]) -> None:
        """Put those of ``links`` into a zone that accepts them which are in none."""
        with closing(SystemBus(_SECONDS)) as bus:
            zones = _call(bus, "getZones")
            zone = _DOCKERS if _DOCKERS in zones else _TRUSTED
            for link in links:
                if _call(bus, "getZoneOfInterface", link) in ((), ("",)):
                    _call(bus, "addInterface", zone, link)

    def dismiss(self, links: Iterable[IfName]) -> None:
        """Take links that are gone out of their zones."""
        with closing(SystemBus(_SECONDS)) as bus:
            for link in links:
                zone = "".join(_call(bus, "getZoneOfInterface", link))
                if zone:
                    _call(bus, "removeInterface", zone, link)


def _call(bus: SystemBus, method: str, *texts: str) -> tuple[str, ...]:
    try:
        return bus.call(_SERVICE, _PATH, _ZONE + method, *texts)
    except FirewallError as error:
        raise FirewallError(f"firewalld: {error}") from error
