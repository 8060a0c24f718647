"""Report whose frames the guards drop: else a router or VPN in a container fails without a reason."""

from typing import Final

from plugin.errors import FirewallError
from plugin.firewall.base import Firewall
from plugin.health import Health
from plugin.log import Log
from plugin.model.ids import port_name, short
from plugin.store.base import Store

_log: Final = Log("refusals")
_ABOUT: Final = "guards"


class RefusedFrames:
    """Looked at with every tick; the firewall forgets a port an hour after the last frame."""

    def __init__(self, store: Store, firewall: Firewall, health: Health) -> None:
        self._store = store
        self._firewall = firewall
        self._health = health

    def tell(self) -> None:
        """One hint for each container that is there."""
        try:
            counts = self._firewall.refused()
        except FirewallError as error:
            _log.error("refusals.not_read", reason=error)
            return
        if not counts:
            self._health.advise((), about=_ABOUT)
            return
        self._health.advise(
            (
                f"the guards dropped {counts[port]} frames of the container with "
                f"{' and '.join(str(each.ip) for each in endpoint.interfaces)} (endpoint "
                f"{short(endpoint.id)}, network {short(network.id)}) that were not from its own "
                "addresses, or not a container's to send; if it is a router, a VPN or has a second "
                f"address, give it 'docker run --network name={short(network.id)},"
                "driver-opt=spoof_guard=false'"
                for network in self._store.networks()
                for endpoint in self._store.endpoints(network.id)
                if (port := port_name(endpoint.id)) in counts
            ),
            about=_ABOUT,
        )
