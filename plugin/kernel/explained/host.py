"""Settings, addresses, routes and ports of the host."""

from collections.abc import Iterator

from plugin.kernel.explained.wording import if_owned, setting, typed
from plugin.kernel.links.host_routes import PROTOCOL
from plugin.model.addresses import Address, HostRoute
from plugin.model.commands import Command, Step
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.sysctls import RouteLocalnet, Sysctl


def sysctl(value: Sysctl) -> Iterator[Command]:
    """Of a link of another program the setting is its owner's."""
    yield setting(value, if_owned(value.adopted) if value.adopted else "")


def route_localnet(value: RouteLocalnet) -> Iterator[Command]:
    """Packets of 127.0.0.0/8 on a link."""
    text = f"net/ipv4/conf/{value.ifname}/route_localnet=1"
    yield typed(Step.LOOPBACK, value, "sysctl", "-q", "-w", text)


def address(value: Address) -> Iterator[Command]:
    """Without the mark of who added the address: iproute2 before 6.2 cannot set a protocol."""
    added = ("ip", "address", "replace", str(value.interface), "dev", value.ifname)
    yield typed(Step.ADDRESS, value, *added, *(["nodad"] if value.interface.version == 6 else []))


def host_route(value: HostRoute) -> Iterator[Command]:
    """The hardware address first, so that the host never asks for it."""
    link = ("dev", value.ifname)
    neighbour = ("ip", "neighbour", "replace", str(value.address), "lladdr", value.mac_address)
    yield typed(Step.NEIGHBOUR, value, *neighbour, "nud", "permanent", *link)
    route = ("ip", "route", "add", f"{value.address}/{value.address.max_prefixlen}", *link)
    scope = ("scope", "link") if value.address.version == 4 else ()
    source = ("src", str(value.source))
    yield typed(Step.ROUTE, value, *route, "protocol", str(PROTOCOL), *scope, *source)


def host_port(value: HostPort) -> Iterator[Command]:
    """A socket of the plugin's process, which no command holds."""
    yield typed(Step.HOST_PORT, value)


def proxied_port(value: ProxiedPort) -> Iterator[Command]:
    """A process of the plugin."""
    yield typed(Step.PROXIED_PORT, value)
