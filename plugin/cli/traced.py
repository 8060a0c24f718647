"""What a trace is asked about: SOURCE and DEST as people give them, made a packet."""

import difflib
import re
from dataclasses import replace
from ipaddress import ip_address
from typing import Final, NamedTuple

from plugin.cli.containers import Containers
from plugin.errors import RefusedError
from plugin.trace.packet import EPHEMERAL, ICMP, IPAddress, Packet
from plugin.trace.places import Node, Places

HOST: Final = "host"
_INTERNET: Final = "internet"
_NAMED: Final = 3  # containers of a network that was named for one of them
# Addresses that are never a host's own (RFC 5737, RFC 3849), for where any will do.
_ANYWHERE: Final = {4: "198.51.100.1", 6: "2001:db8::1"}
_NOWHERE: Final = {4: "0.0.0.0", 6: "::"}  # noqa: S104 - no address yet
_TARGET: Final = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]]+?))(?::(?P<port>\d+)(?:/(?P<protocol>\w+))?)?"
)
_PROTOCOLS: Final = ("tcp", "udp", "sctp")
_MOST: Final = 65535


class Target(NamedTuple):
    """What DEST says."""

    name: str
    port: int | None
    protocol: str


def target_of(text: str) -> Target:
    """DEST, read.  Raises RefusedError."""
    if _as_address(text) is not None:
        return Target(text, None, "")
    found = _TARGET.fullmatch(text)
    if found is None or not (found["six"] or found["name"]):
        raise RefusedError(f"{text!r} is not DEST[:PORT[/PROTO]], as in web:80, [fd00::2]:53/udp")
    port = None if found["port"] is None else int(found["port"])
    protocol = (found["protocol"] or "tcp").lower()
    if port is not None and not 0 < port <= _MOST:
        raise RefusedError(f"{port} is no port; expected 1 to {_MOST}")
    if protocol not in _PROTOCOLS:
        raise RefusedError(f"{protocol!r} is no protocol; expected {', '.join(_PROTOCOLS)}")
    return Target(found["six"] or found["name"], port, protocol if port is not None else "")


def packet_of(
    places: Places,
    containers: Containers,
    target: Target,
    source: str,
    network: str | None,
    *,
    six: bool,
) -> tuple[Packet, Node | None]:
    """The packet, and which node sends it; none if it comes from outside.  Raises RefusedError."""
    if network is not None and not _is_container(target.name):
        raise RefusedError(
            f"--network is {network!r}, and DEST is {target.name}; name a container, which has an "
            f"address on each of its networks"
        )
    for given in (target.name, source):
        address = _as_address(given)
        if six and address is not None and address.version == 4:
            raise RefusedError(f"-6 asks for IPv6, and {given} is an address of IPv4; leave out -6")
    there = _node(places, containers, target.name)
    here = _node(places, containers, source)
    near = _addresses(containers, here)
    version = _version(target.name, source, there, here, containers, six=six)
    destination = _destination(containers, target.name, there, here, network, version)
    outside = None
    if here is None:
        outside = _as_address(source) or ip_address(_ANYWHERE[version])
        if outside.version != destination.version:
            raise RefusedError(f"{source} and {destination} are not of one family of addresses")
        near = []
    own = outside or ip_address(_NOWHERE[destination.version])
    if here is not None and near and all(a.version != destination.version for a in near):
        raise RefusedError(f"{source} has no address of IPv{destination.version}")
    protocol = target.protocol or ICMP[destination.version]
    return (
        Packet(
            source=own,
            destination=destination,
            protocol=protocol,
            sport=EPHEMERAL if target.port else None,
            dport=target.port,
        ),
        here,
    )


def real_packet(packet: Packet) -> Packet:
    """The same for packets that are to come: the internet is any address."""
    anywhere, nowhere = (ip_address(each[packet.version]) for each in (_ANYWHERE, _NOWHERE))
    return replace(
        packet,
        source=nowhere if packet.source == anywhere else packet.source,
        destination=nowhere if packet.destination == anywhere else packet.destination,
    )


def _node(places: Places, containers: Containers, name: str) -> Node | None:
    """The node of that name, or with that address; None for what is outside.  Raises RefusedError."""
    if name == HOST:
        return places.host
    address = _as_address(name)
    if address is not None:
        found = containers.get(address)
        if found:
            return found[0]
        local = places.host.namespace.kind_of(address) == "local"
        return places.host if local else None
    if name == _INTERNET:
        return None
    node = containers.named(name)
    if node is None:
        known = [*containers.names(), HOST, _INTERNET]
        near = difflib.get_close_matches(name, known, n=1)
        inside = containers.on_network(name)
        if inside:
            raise RefusedError(
                f"{name!r} is a network; name a container of it ({', '.join(inside[:_NAMED])}), "
                f"{HOST}, {_INTERNET} or an address"
            )
        hint = f"; did you mean {near[0]}?" if near else "; 'docker ps' lists them"
        raise RefusedError(f"no container that runs is named {name!r}{hint}")
    return node


def _is_container(name: str) -> bool:
    return name not in (HOST, _INTERNET) and _as_address(name) is None


def _addresses(containers: Containers, node: Node | None) -> list[IPAddress]:
    return [] if node is None else containers.addresses_of(node)


def _version(
    target: str,
    source: str,
    there: Node | None,
    here: Node | None,
    containers: Containers,
    *,
    six: bool,
) -> int:
    """The family of an address that is given; else IPv4 where both have it, unless IPv6 is asked for."""
    for each in (target, source):
        address = _as_address(each)
        if address is not None:
            return address.version
    versions = {4, 6}
    for node in (there, here):
        own = {address.version for address in _addresses(containers, node)}
        versions &= own or versions
    if six:
        return 6
    return min(versions, default=4)


def _destination(
    containers: Containers,
    name: str,
    there: Node | None,
    here: Node | None,
    network: str | None,
    version: int,
) -> IPAddress:
    given = _as_address(name)
    if given is not None:
        return given
    if there is None:
        return ip_address(_ANYWHERE[version])
    if name == HOST:
        return _host_address(there, version)
    shared = [
        n for n in containers.networks_of(there) if here and n in containers.networks_of(here)
    ]
    chosen = network or (shared[0] if shared else None)
    if network is not None and network not in containers.networks_of(there):
        known = ", ".join(containers.networks_of(there)) or "none"
        raise RefusedError(f"{name} is not on the network {network!r}; it is on: {known}")
    own = containers.addresses_of(there, chosen) or [
        each for several in there.namespace.addresses.values() for each in several
    ]
    found = next((each for each in own if each.version == version and not each.is_loopback), None)
    if found is None:
        raise RefusedError(f"{name} has no address of IPv{version}")
    return found


def _host_address(host: Node, version: int) -> IPAddress:
    """The address that the host has towards outside."""
    found = host.namespace.route(ip_address(_ANYWHERE[version])).source
    if found is None:
        raise RefusedError(
            f"the host has no way outside by IPv{version}; give the address of the host that is meant"
        )
    return found


def _as_address(text: str) -> IPAddress | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
