"""Networks whose record cannot be read: damaged, or written by another version.

What the host holds for such a network is left as it is, and so is the record.  All other networks
are looked after, and swept, as ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from plugin.health import Health
from plugin.model.facts import Fact, Remnant
from plugin.model.ids import (
    bridge_name,
    dummy_name,
    handoff_name,
    port_name,
    redirect_name,
    shim_name,
    short,
    vxlan_name,
)
from plugin.model.network import Endpoint, Network
from plugin.model.resources import Resource, is_shared

_RECORD: Final = "record of "


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A network that no driver can plan, and why."""

    network: Network
    endpoints: tuple[Endpoint, ...]
    reason: str

    def owns(self, resource: Resource) -> bool:
        """Whether the resource may be the network's; in doubt it is."""
        owner = getattr(resource, "owner", "")
        if owner:
            return is_shared(resource) or owner.partition("/")[0] == self.network.id
        if isinstance(resource, Remnant):
            if resource.fact is not None:
                return self.owns(resource.fact)
            values = map(_value, (*resource.match, *resource.data))
            return any(map(self._names, (*resource.links, *values)))
        if isinstance(resource, Fact) and not self.network.pools:
            return True  # its addresses are unknown
        return any(self._names(getattr(resource, each.name)) for each in fields(resource))

    def _names(self, value: object) -> bool:
        """Whether it is a link, an address, a subnet or a published port of the network's."""
        prefixes = [pool.prefix for pool in self.network.pools]
        match value:
            case str():
                return value in self._links()
            case IPv4Address() | IPv6Address():
                return any(value in prefix for prefix in prefixes)
            case IPv4Network() | IPv6Network():
                return any(value.version == p.version and value.overlaps(p) for p in prefixes)
            case int():
                published = (port for each in self.endpoints for port in each.published)
                return value in {port.host_port for port in published}
        return False

    def _links(self) -> set[str]:
        own = (bridge_name, dummy_name, shim_name, vxlan_name)
        ends = (port_name, redirect_name, handoff_name)
        return {
            *(name(self.network.id) for name in own),
            *(name(endpoint.id) for endpoint in self.endpoints for name in ends),
            *self.network.options.values(),  # the user may have named a bridge, or a parent
        }


def tell_unreadable(found: Iterable[Unreadable], health: Health) -> None:
    """Say each in the health until its record can be read, or is no more."""
    said = set()
    for each in found:
        what = f"{_RECORD}{short(each.network.id)}"
        said.add(what)
        health.degrade(
            what,
            f"{each.reason}; what the network has on this host is left as it is",
            "run the version of pynet that created it, or restore a backup (pynet restore), or "
            "remove the network (docker network rm) and create it again",
        )
    for condition in health.conditions:
        if condition.what.startswith(_RECORD) and condition.what not in said:
            health.recover(condition.what)


def _value(text: str) -> object:
    """The address or the prefix that a part of an element is, or else its text."""
    for read in (ip_address, ip_network):
        try:
            return read(text)
        except ValueError:
            continue
    return text
