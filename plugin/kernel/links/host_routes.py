"""The host's routes by a shim to the containers on its parent.

The routes carry pynet's protocol number.  pynet also sets the containers' hardware addresses.
Otherwise the kernel would ask the LAN for them, whose machines would learn the shim's MAC address
for the host.
"""

import errno
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import ip_address
from typing import Final

from plugin.errors import AbsentAddressError, RefusedError
from plugin.kernel.handler import OneByOne, Session, name_of
from plugin.kernel.links import ownership
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import route_messages as routes
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.addresses import HostRoute
from plugin.model.ids import MacAddress
from plugin.model.network import IPAddress

# Who made a route (linux/rtnetlink.h, rtm_protocol); the numbers from 5 up are for daemons, and
# this one is not assigned in iproute2's rt_protos.
PROTOCOL: Final = 0x70

_GONE: Final = (errno.ESRCH, errno.ENOENT, errno.ENODEV)


class HostRouteHandler(OneByOne[HostRoute]):
    """Routes to containers, each with its neighbour."""

    def ensure_one(self, session: Session, value: HostRoute) -> None:
        """Set the container's hardware address, and the route to it.

        Raises AbsentAddressError, RefusedError.
        """
        index = ownership.index_of(value.ifname)
        neighbour = routes.neighbour(index, value.address, value.mac_address)
        replacing = raw.NLM_F_ACK | raw.NLM_F_CREATE | raw.NLM_F_REPLACE
        session.rtnl.ask(routes.RTM_NEWNEIGH, replacing, neighbour)
        body = routes.host_route(index, value.address, PROTOCOL, value.source)
        try:
            session.rtnl.ask(routes.RTM_NEWROUTE, raw.NLM_F_ACK | raw.NLM_F_CREATE_EXCLUSIVE, body)
        except RtnlError as error:
            if error.code == errno.EINVAL:
                raise AbsentAddressError(
                    f"this host has lost {value.source}, the address that containers reach it at; add "
                    "it again, or recreate the network with host_address"
                ) from error
            if error.code != errno.EEXIST:
                raise
            if (index, value.address) not in HostRoutes(session.rtnl).sources:
                raise RefusedError(
                    f"a route to {value.address} exists and is not pynet's; remove it: "
                    f"ip route delete {value.address}"
                ) from error
            session.rtnl.ask(routes.RTM_NEWROUTE, replacing, body)

    def remove_one(self, session: Session, value: HostRoute) -> None:
        """Remove both; they may have gone with the link."""
        link = session.rtnl.link(value.ifname)
        if link is None:
            return
        for kind, body in (
            (routes.RTM_DELROUTE, routes.host_route(link.index, value.address, PROTOCOL)),
            (routes.RTM_DELNEIGH, routes.neighbour(link.index, value.address, None)),
        ):
            try:
                session.rtnl.ask(kind, raw.NLM_F_ACK, body)
            except RtnlError as error:
                if error.code not in _GONE:
                    raise

    def read_one(self, session: Session, value: HostRoute) -> HostRoute | None:
        return session.look(HostRoutes).read(value)

    def read_all(self, session: Session) -> Iterable[HostRoute]:
        return session.look(HostRoutes).all()


@dataclass(frozen=True)
class HostRoutes:
    """Our routes, and the hardware addresses beside them; each is read when first needed."""

    rtnl: Rtnl

    def read(self, wanted: HostRoute) -> HostRoute | None:
        """The route as it is; without its hardware address it differs from any plan."""
        link = self.rtnl.link(wanted.ifname)
        source = None if link is None else self.sources.get((link.index, wanted.address))
        if link is None or source is None:
            return None
        mac_address = self._neighbours.get((link.index, wanted.address), MacAddress(""))
        return replace(wanted, source=source, mac_address=mac_address)

    def all(self) -> list[HostRoute]:
        """Every one, with what the routes show."""
        return [
            HostRoute(
                ifname=name_of(index),
                address=address,
                mac_address=MacAddress(""),
                source=source,
            )
            for (index, address), source in self.sources.items()
        ]

    @cached_property
    def sources(self) -> dict[tuple[int, IPAddress], IPAddress]:
        """What the host is there, by link and container; unspecified if it is nothing any more.

        An address that goes takes its IPv4 routes along, and leaves those of IPv6 without a source
        (net/ipv6/route.c, fib6_remove_prefsrc).
        """
        found = {}
        for family in routes.FAMILIES.values():
            request = routes.own_routes(family, PROTOCOL)
            for each in map(routes.route_info, self.rtnl.dump(routes.RTM_GETROUTE, request)):
                ours = each.protocol == PROTOCOL  # old kernels take no filter
                if ours and each.destination is not None and each.ifindex is not None:
                    address = ip_address(each.destination)
                    nothing = ip_address(bytes(len(each.destination)))
                    found[each.ifindex, address] = each.source or nothing
        return found

    @cached_property
    def _neighbours(self) -> dict[tuple[int, IPAddress], MacAddress]:
        found = {}
        for family in routes.FAMILIES.values():
            request = routes.neighbours_of(family)
            for each in map(routes.neighbour_info, self.rtnl.dump(routes.RTM_GETNEIGH, request)):
                if each.permanent and each.address and each.mac_address:
                    found[each.ifindex, ip_address(each.address)] = each.mac_address
        return found
