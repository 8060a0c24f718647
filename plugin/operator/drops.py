"""What the firewall has dropped, by reason, and whose frames the guards dropped lately."""

from dataclasses import dataclass
from typing import Any

from plugin.firewall.base import Firewall
from plugin.firewall.drop_reasons import REASONS
from plugin.model.ids import port_name
from plugin.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Drops:
    """Reads counters, and never resets one."""

    store: Store
    firewall: Firewall

    def view(self) -> dict[str, Any]:
        """Every reason with its ``packets``, and each container whose frames were ``guarded``.

        Raises FirewallError.
        """
        dropped, refused = self.firewall.dropped(), self.firewall.refused()
        return {
            "reasons": [
                {
                    "reason": name,
                    "packets": dropped[name],
                    "what": REASONS[name].what,
                    "remedy": REASONS[name].remedy,
                }
                for name in dropped
            ],
            "guarded": [
                {
                    "network": network.id,
                    "endpoint": endpoint.id,
                    "addresses": [str(each.ip) for each in endpoint.interfaces],
                    "packets": refused[port_name(endpoint.id)],
                }
                for network in self.store.networks()
                for endpoint in self.store.endpoints(network.id)
                if port_name(endpoint.id) in refused
            ],
        }
