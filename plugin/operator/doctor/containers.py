"""Published ports, and what a network's options mean for its containers."""

import os
from collections.abc import Container, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final

from plugin.drivers.options import FALSE
from plugin.operator.doctor.base import Finding
from plugin.operator.doctor.host import Host, UnseenError
from plugin.operator.doctor.seen import SeenPort

_LISTENS: Final = "0A"  # include/net/tcp_states.h, TCP_LISTEN
_UDP_OPEN: Final = "07"  # TCP_CLOSE: a socket of UDP that is bound
_OURS: Final = "pynet"  # the name of the process
_TRAEFIK: Final = "traefik.enable"
_TRAEFIK_PORT: Final = ".loadbalancer.server.port"
_MEANT: Final = (
    (
        "icc",
        FALSE,
        "containers do not reach each other",
        "icc_allow, or publish the port",
    ),
    ("isolation", ("strict",), "other networks reach nothing of it", "connect both to one network"),
    (
        "userland_proxy",
        FALSE,
        "[::1] does not reach its published ports",
        "ask 127.0.0.1",
    ),
)


def loopback_only(host: Host) -> Iterator[Finding]:
    """Published for this host alone."""
    for port in host.ports:
        if port.host and ip_address(port.host).is_loopback:
            name = _name(host, port)
            yield Finding(
                cause=f"{port.text} of {name} is published on the loopback: other machines do not reach it",
                remedy=f"if they should, publish it with -p {port.host_port}:{port.container_port}",
                about=(name, _network(host, port)),
                hint=True,
            )


def not_listening(host: Host) -> Iterator[Finding]:
    """Nothing in the container answers at a published port."""
    unseen = None
    for port in _once(host):
        try:
            found = list(_listening(host.process_of(port.endpoint), port))
        except UnseenError as error:
            unseen = error
            continue
        name = _name(host, port)
        what = f"{port.container_port}/{port.protocol}"
        if not found:
            yield Finding(
                cause=f"{port.text} is published, and nothing in container {name} listens on port {what}",
                remedy="start the program, or publish the port that it listens on "
                f"(docker exec {name} ss -tuln shows it)",
                about=(name, _network(host, port)),
            )
        elif not any(_is_reached(each, port) for each in found):
            at = ", ".join(sorted({str(each) for each in found}))
            yield Finding(
                cause=f"{port.text} is published, and the program in container {name} listens on {at} "
                f"alone, port {what}",
                remedy="have it listen on 0.0.0.0 (or ::)",
                about=(name, _network(host, port)),
            )
    if unseen is not None:
        raise unseen


def port_taken(host: Host) -> Iterator[Finding]:
    """Another program has a port that should be published."""
    for port in host.ports:
        if port.served:
            continue
        holder = holder_of(port)
        name = _name(host, port)
        yield Finding(
            cause=f"{port.text} of {name} is not served"
            + (f": {holder} has the port" if holder else ""),
            remedy="stop that program, or publish another port" if holder else "see: pynet status",
            about=(name, _network(host, port)),
        )


def by_design(host: Host) -> Iterator[Finding]:
    """What does not arrive because the network was created so."""
    for network in host.networks:
        if network.internal:
            yield Finding(
                cause=f"network {network.label} is internal: its containers reach nothing outside it",
                remedy="connect the container to a second network that is not internal",
                about=(network.label,),
                hint=True,
            )
        for option, values, effect, remedy in _MEANT:
            if network.options.get(option, "").lower() in values:
                yield Finding(
                    cause=f"network {network.label} has {option}={network.options[option]}: {effect}",
                    remedy=f"if that is not meant, recreate the network without it, or use: {remedy}",
                    about=(network.label,),
                    hint=True,
                )


def traefik(host: Host) -> Iterator[Finding]:
    """Traefik reads a container's port from the engine, which shows none of a plugin's."""
    own = {endpoint.id for network in host.networks for endpoint in network.endpoints}
    for each in host.containers:
        if each.labels.get(_TRAEFIK, "").lower() != "true" or not own & each.endpoints:
            continue
        if not any(_TRAEFIK_PORT in label for label in each.labels):
            yield Finding(
                cause=f"container {each.name} is for Traefik, which finds no port of it: Docker shows none "
                "of a network of a plugin",
                remedy="add the label traefik.http.services.NAME.loadbalancer.server.port=PORT",
                about=(each.name, *each.networks),
            )


def holder_of(port: SeenPort) -> str:
    """The other program that has a port of the host, by name and process; empty if none is seen."""
    by_inode = {
        row[9]: place
        for family in ("", "6")
        for row in _sockets(Path("/proc/thread-self"), f"{port.protocol}{family}")
        if (place := _in_the_way(row[1], port)) is not None
    }
    found = [
        (by_inode[inode], f"{name} (pid {process.name})")
        for process in Path("/proc").glob("[0-9]*")
        for name, inode in _held(process, by_inode)
        if name != _OURS
    ]
    return min(found, default=(0, ""))[1]


def _in_the_way(local: str, port: SeenPort) -> int | None:
    """Whether a socket's local address keeps others from a port: 0 surely, 1 perhaps, None not.

    A socket of :: has the IPv4 port too unless it is for IPv6 alone, which the kernel's table does not
    show. Such a one may be pynet's own for the same port by IPv6.
    """
    digits, _, number = local.rpartition(":")
    if int(number, 16) != port.host_port:
        return None
    address = _address(digits)
    wanted = ip_address(port.host) if port.host else IPv4Address(0)
    if address.version == wanted.version:
        overlaps = address == wanted or address.is_unspecified or wanted.is_unspecified
        return 0 if overlaps else None
    return 1 if address.is_unspecified and address.version == 6 else None


def _held(process: Path, inodes: Container[str]) -> Iterator[tuple[str, str]]:
    """A process's name and the inode of each of those sockets that it has."""
    with suppress(OSError):
        for each in (process / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                target = os.readlink(each)  # noqa: PTH115 - it is no path
                if target.startswith("socket:[") and target[8:-1] in inodes:
                    name = (process / "comm").read_text(errors="replace").strip()
                    yield name, target[8:-1]


def _once(host: Host) -> Iterator[SeenPort]:
    """Each container's port once, however many addresses of the host it has."""
    seen: set[tuple[str, str, int]] = set()
    for port in host.ports:
        key = (port.endpoint, port.protocol, port.container_port)
        if key not in seen and port.protocol in ("tcp", "udp"):
            seen.add(key)
            yield port


def _listening(process: Path, port: SeenPort) -> Iterator[IPv4Address | IPv6Address]:
    """Where a container listens on a port."""
    wanted = _LISTENS if port.protocol == "tcp" else _UDP_OPEN
    for family in ("", "6"):
        for row in _sockets(process, f"{port.protocol}{family}"):
            address, _, number = row[1].rpartition(":")
            if row[3] == wanted and int(number, 16) == port.container_port:
                yield _address(address)


def _sockets(process: Path, table: str) -> Iterator[list[str]]:
    """Rows of /proc/net/tcp and its kin (proc(5)); none if the kernel has no such protocol."""
    with suppress(OSError), (process / "net" / table).open() as rows:
        next(rows, None)
        for line in rows:  # one at a time: a container may have a million
            yield line.split()


def _address(digits: str) -> IPv4Address | IPv6Address:
    """An address as the kernel prints it: words of 32 bits in the order of this machine."""
    words = [bytes.fromhex(digits[i : i + 8])[::-1] for i in range(0, len(digits), 8)]
    packed = b"".join(words)
    return IPv4Address(packed) if len(words) == 1 else IPv6Address(packed)


def _is_reached(listens: IPv4Address | IPv6Address, port: SeenPort) -> bool:
    """Whether that socket gets what is translated to the container's address."""
    wanted = ip_address(port.container)
    if listens.is_unspecified:
        return listens.version == wanted.version or isinstance(listens, IPv6Address)
    mapped = listens.ipv4_mapped if isinstance(listens, IPv6Address) else None
    return wanted in (listens, mapped)


def _name(host: Host, port: SeenPort) -> str:
    return host.names.containers.get(port.endpoint) or port.endpoint[:12]


def _network(host: Host, port: SeenPort) -> str:
    return host.names.networks.get(port.network) or port.network[:12]
