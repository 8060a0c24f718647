"""Name the containers that run without their link, because its parent was removed."""

from typing import Final

from plugin.health import Health
from plugin.model.ids import short
from plugin.model.network import Endpoint
from plugin.store.base import Store

_CONTAINERS: Final = "containers of "


def tell_unplugged(store: Store, health: Health) -> None:
    """Report them in the health, until the engine disconnects or stops them.

    They do not get their link back when the parent is back.
    """
    said = set()
    for network in store.networks():
        endpoints = store.endpoints(network.id)
        lost = [each for each in endpoints if each.unplugged and not each.deleting]
        if lost:
            what = f"{_CONTAINERS}{short(network.id)}"
            said.add(what)
            names = ", ".join(map(_name, lost))
            health.degrade(
                what,
                f"{names} lost the link with the parent of the network, and run without",
                "restart the containers when the parent is back (docker restart)",
            )
    for condition in health.conditions:
        if condition.what.startswith(_CONTAINERS) and condition.what not in said:
            health.recover(condition.what)


def _name(endpoint: Endpoint) -> str:
    """What people may know it by."""
    addresses = " ".join(str(each.ip) for each in endpoint.interfaces)
    return f"{short(endpoint.id)} ({addresses})" if addresses else short(endpoint.id)
