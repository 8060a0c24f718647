"""What of the host itself containers reach."""

from typing import Final

from plugin.drivers.options import Option, port_list
from plugin.model.ids import IfName
from plugin.model.network import Protocol
from plugin.model.traffic import HostService, LinkRole, Role

HOST_SERVICES: Final = Option(
    name="host_services",
    parse=port_list,
    default=None,
    expected="allow, deny, or ports as 53/udp,80 (tcp is the default)",
    meaning="What of the host itself containers reach: everything, nothing but ping, or these ports.",
    of_host=True,
)


def reached_services(
    link: IfName, services: frozenset[tuple[Protocol, int]] | None
) -> list[LinkRole | HostService]:
    """The facts about the host's link to its containers; None allows everything."""
    if services is None:
        return []
    return [
        LinkRole(link=link, role=Role.HOST_CLOSED),
        *(HostService(link=link, protocol=protocol, port=port) for protocol, port in services),
    ]
