"""Subnets, MTUs, name servers and pools."""

import json
import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final

from plugin.operator.doctor.base import Finding
from plugin.operator.doctor.host import Host

_STUB: Final = "127.0.0.53"  # systemd-resolved(8); dockerd then reads the other file
_RESOLVED: Final = "/run/systemd/resolve/resolv.conf"
_NO_FALLBACK: Final = 28  # moby 28 uses no 8.8.8.8 where no name server is known
_HALVES: Final = frozenset({"default", "0.0.0.0/1", "128.0.0.0/1"})  # as VPNs set them
_DNS: Final = 53


def overlap(host: Host) -> Iterator[Finding]:
    """A subnet is also routed by another link, or holds the host's name server."""
    for network in host.networks:
        if not network.bridged:
            continue
        for route in host.routes:
            prefix = _prefix(route)
            link = route.get("dev", "")
            if (
                prefix is None
                or not link
                or link == network.bridge
                or link in ("lo", "docker_gwbridge")
            ):
                continue
            for subnet in network.subnets:
                if (
                    prefix.version == subnet.version
                    and prefix.prefixlen
                    and prefix.overlaps(subnet)
                ):
                    yield Finding(
                        cause=f"subnet {subnet} of network {network.label} is also reached by {link} "
                        f"(route {prefix}): this host mistakes one for the other",
                        remedy="recreate the network with another --subnet, or set PYNET_POOLS to "
                        "ranges that your LAN and VPN do not use",
                        about=(network.label,),
                    )
        for server in _servers(host):
            if any(server in subnet for subnet in network.subnets) and not _is_own(host, server):
                yield Finding(
                    cause=f"name server {server} lies in subnet "
                    f"{', '.join(map(str, network.subnets))} of network {network.label}",
                    remedy="recreate the network with another --subnet",
                    about=(network.label,),
                )


def path_mtu(host: Host) -> Iterator[Finding]:
    """What containers send is larger than the link that leads out carries."""
    ways = {each["dev"] for each in host.routes if each.get("dst") in _HALVES and each.get("dev")}
    for network in host.networks:
        link = host.links.get(network.bridge) if network.bridged else None
        if link is None or network.internal:
            continue
        for name in sorted(ways):
            carried = host.links.get(name, {}).get("mtu", 0)
            if 0 < carried < link["mtu"]:
                yield Finding(
                    cause=f"network {network.label} has MTU {link['mtu']}, and {name}, which leads out, "
                    f"{carried}: large packets, as of TLS, are lost where ICMP is filtered",
                    remedy=f"recreate the network with -o mtu={carried}",
                    about=(network.label,),
                )


def name_servers(host: Host) -> Iterator[Finding]:
    """Docker's server in containers has one to ask."""
    if _of_daemon(host):
        return
    servers = _servers(host)
    version = str(host.ask_engine("/version").get("Version", "0"))
    first = int((re.findall(r"\d+", version) or ["0"])[0])
    if servers or (first < _NO_FALLBACK and host.read("/etc/resolv.conf") is not None):
        return
    yield Finding(
        cause="/etc/resolv.conf names no name server, so containers resolve no name of the outside",
        remedy='set "dns": ["192.0.2.53"] with your server in /etc/docker/daemon.json, and restart '
        "Docker",
    )


def closed_name_server(host: Host) -> Iterator[Finding]:
    """The name server is the host itself, whose port 53 a network's containers may not reach."""
    own = [each for each in (*_of_daemon(host), *_servers(host)) if _is_own(host, each)]
    for network in host.networks:
        services = network.options.get("host_services", "allow")
        if own and services != "allow" and not _opens_dns(services):
            yield Finding(
                cause=f"name server {own[0]} is this host, and network {network.label} has "
                f"host_services={services}, which closes port 53",
                remedy="recreate the network with -o host_services="
                + (f"{services},53/udp,53/tcp" if services != "deny" else "53/udp,53/tcp"),
                about=(network.label,),
            )


def full_pools(host: Host) -> Iterator[Finding]:
    """A pool has few addresses left."""
    status = host.ask("/v1/status")
    resting = {
        each["prefix"]: each["addresses"].get("resting", 0) for each in host.ask("/v1/pools")
    }
    names = {each.id: each.label for each in host.networks}
    for each in (status.get("pools") or {}).get("nearly_full", ()):
        rest = resting.get(each["prefix"], 0)
        waits = f"; {rest} rest for a while after their containers ended" if rest else ""
        yield Finding(
            cause=f"pool {each['prefix']} has {each['free']} of {each['size']} addresses left{waits}",
            remedy="remove containers, or create a network with a larger --subnet"
            + ("; PYNET_QUARANTINE says how long addresses rest" if rest else ""),
            about=tuple(filter(None, [names.get(each["network"] or "", "")])),
        )


def _prefix(route: dict[str, Any]) -> Any:
    destination = route.get("dst", "")
    if destination == "default" or route.get("type") in (
        "local",
        "broadcast",
        "anycast",
        "multicast",
    ):
        return None
    try:
        prefix = ip_network(destination, strict=False)
    except ValueError:
        return None
    return None if prefix.is_link_local or prefix.is_multicast else prefix


def _servers(host: Host) -> list[IPv4Address | IPv6Address]:
    """Name servers as dockerd reads them (moby, daemon/config: ResolvConfPath)."""
    found = _nameservers(host.read("/etc/resolv.conf") or "")
    if [str(each) for each in found] == [_STUB]:
        found = _nameservers(host.read(_RESOLVED) or "")
    return found


def _nameservers(text: str) -> list[IPv4Address | IPv6Address]:
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            try:
                found.append(ip_address(words[1].partition("%")[0]))
            except ValueError:
                continue
    return found


def _of_daemon(host: Host) -> list[IPv4Address | IPv6Address]:
    """Name servers that dockerd was started with: in daemon.json, or as --dns."""
    try:
        given = json.loads(host.read("/etc/docker/daemon.json") or "{}").get("dns", [])
    except (ValueError, AttributeError):
        given = []
    return _nameservers(
        "\n".join(f"nameserver {each}" for each in [*given, *host.setup.dns_options])
    )


def _is_own(host: Host, address: IPv4Address | IPv6Address) -> bool:
    return any(
        each.get("local") == str(address)
        for link in host.links.values()
        for each in link.get("addr_info", ())
    )


def _opens_dns(services: str) -> bool:
    ports = (each.strip() for each in services.split(","))
    return any(each.partition("/")[0] == str(_DNS) for each in ports)
