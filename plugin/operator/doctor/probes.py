"""Checks that send packets: ARP by a parent and in containers, and connections to published ports."""

import fcntl
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ctypes import CDLL, get_errno
from functools import partial
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any, Final, TypeVar

from plugin.operator.doctor.base import Finding
from plugin.operator.doctor.host import Host, UnseenError
from plugin.operator.doctor.seen import SeenNetwork

T = TypeVar("T")

_CLONE_NEWNET: Final = 0x40000000  # linux/sched.h
_ETH_P_ARP: Final = 0x0806  # linux/if_ether.h
_ARP: Final = "!6s6sH HHBBH 6s4s6s4s"  # Ethernet, and RFC 826 for Ethernet and IPv4
_REQUEST: Final = 1
_REPLY: Final = 2
_BROADCAST: Final = b"\xff" * 6
_TRIES: Final = 2
_MOST: Final = 8  # machines that answer for one address: a LAN can send any number
_SECONDS: Final = 0.5  # a LAN answers within some milliseconds
_CONNECT_SECONDS: Final = 2.0
_ON_PARENTS: Final = ("macvlan", "ipvlan")


def address_twice(host: Host) -> Iterator[Finding]:
    """Another machine of the LAN has a container's address.

    Frames of a parent do not reach the links on it, so the container itself does not answer.
    """
    for network in _on_parents(host):
        for endpoint in network.joined:
            for address in endpoint.addresses:
                if not isinstance(address, IPv4Address):
                    continue
                for other in ask_neighbour(network.parent, address):
                    if other != endpoint.mac_address:
                        name = endpoint.container or endpoint.id[:12]
                        yield Finding(
                            cause=f"{address} of container {name} is also that of another machine of the "
                            f"LAN, {other}",
                            remedy="change one of them; keep the LAN's DHCP range apart with --ip-range, or "
                            f"the address with --aux-address other={address}",
                            about=(network.label, name),
                        )


def unheard_vlan(host: Host) -> Iterator[Finding]:
    """A VLAN that the switch does not carry to this host: its router is silent, as is everything else."""
    for network in _on_parents(host):
        silent = [each for each in _lan_gateways(host, network) if not _answers(network, each)]
        if not silent or not _is_unheard(host, network.parent):
            continue
        base, number = _vlan_of(host, network.parent)
        yield Finding(
            cause=f"gateway {silent[0]} of network {network.label} does not answer, and no frame of VLAN "
            f"{number} has ever come in by {base}, on which other frames do",
            remedy=f"have the switch's port carry VLAN {number} tagged (as a trunk), or recreate the network "
            f"on a VLAN that it carries: -o parent={base}.NUMBER",
            about=(network.label,),
        )


def silent_gateway(host: Host) -> Iterator[Finding]:
    """The router of a LAN does not answer by the parent, where anything is heard."""
    for network in _on_parents(host):
        for gateway in _lan_gateways(host, network):
            if not _answers(network, gateway) and not _is_unheard(host, network.parent):
                yield Finding(
                    cause=f"gateway {gateway} of network {network.label} does not answer on {network.parent}",
                    remedy="recreate the network with the LAN's router as --gateway, or look at the cable, the "
                    "VLAN and the switch",
                    about=(network.label,),
                )


def no_gateway(host: Host) -> Iterator[Finding]:
    """A container's gateway, which is this host, does not answer it."""
    for network in host.networks:
        if not network.bridged:
            continue
        gateways = [
            IPv4Address(each["local"])
            for each in host.links.get(network.bridge, {}).get("addr_info", ())
            if each.get("family") == "inet"
        ]
        for endpoint in network.joined:
            own = [each for each in endpoint.addresses if isinstance(each, IPv4Address)]
            if not gateways or not own:
                continue
            process = host.process_of(endpoint.id)
            found = within(process, partial(_ask_as, own[0], gateways[0]))
            if not found:
                name = endpoint.container or endpoint.id[:12]
                yield Finding(
                    cause=f"container {name} does not reach its gateway {gateways[0]} on network "
                    f"{network.label}",
                    remedy="run: pynet repair, then: pynet drops",
                    about=(network.label, name),
                )


def silent_port(host: Host) -> Iterator[Finding]:
    """A published TCP port that refuses or does not answer, asked from this host."""
    for port in host.ports:
        if port.protocol != "tcp" or not port.host or not port.served:
            continue
        at = ip_address(port.host)
        asked = ("127.0.0.1" if at.version == 4 else "::1") if at.is_unspecified else port.host
        try:
            socket.create_connection((asked, port.host_port), _CONNECT_SECONDS).close()
        except OSError as error:
            name = host.names.containers.get(port.endpoint) or port.endpoint[:12]
            yield Finding(
                cause=f"published port {port.text} of {name} does not answer: {error.strerror or error}",
                remedy=f"see that the program listens: docker exec {name} ss -tln; then: pynet drops",
                about=(name, host.names.networks.get(port.network, port.network[:12])),
            )


def ask_neighbour(ifname: str, address: IPv4Address) -> Iterator[str]:
    """MAC addresses that answer for an address by ARP, asked as RFC 5227 does: for no address."""
    yield from _asked(ifname, IPv4Address(0), address)


def within(process: Path, do: Callable[[], T]) -> T:
    """Run something in a process' network namespace, by a thread that ends there.

    Raises UnseenError, and what ``do`` raises.
    """

    def enter() -> T:
        descriptor = os.open(process / "ns" / "net", os.O_RDONLY)
        try:
            if CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
                raise OSError(get_errno(), os.strerror(get_errno()))
        finally:
            os.close(descriptor)
        return do()

    with ThreadPoolExecutor(max_workers=1) as thread:
        try:
            return thread.submit(enter).result()
        except OSError as error:
            raise UnseenError(f"the network of {process} cannot be used: {error}") from error


def _ask_as(own: IPv4Address, other: IPv4Address) -> list[str]:
    """What answers a container that asks by the link that has its address."""
    ifname = next((name for _, name in socket.if_nameindex() if _has(name, own)), None)
    return list(_asked(ifname, own, other)) if ifname else []


def _asked(ifname: str, own: IPv4Address, other: IPv4Address) -> Iterator[str]:
    try:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ARP))
        wire.bind((ifname, _ETH_P_ARP))
    except OSError as error:
        raise UnseenError(f"{ifname} cannot be asked by: {error}") from error
    with wire:
        mac = wire.getsockname()[4]
        fields: tuple[Any, ...] = (_BROADCAST, mac, _ETH_P_ARP, 1, 0x0800, 6, 4, _REQUEST)
        frame = struct.pack(_ARP, *fields, mac, own.packed, bytes(6), other.packed)
        seen: set[str] = set()
        for _ in range(_TRIES):
            with suppress(OSError):
                wire.send(frame)
            end = time.monotonic() + _SECONDS
            while (left := end - time.monotonic()) > 0:
                wire.settimeout(left)
                try:
                    data = wire.recv(64)
                except OSError:
                    break
                if len(data) < struct.calcsize(_ARP):
                    continue
                *_, operation, sender, source, _target, _for = struct.unpack_from(_ARP, data)
                if operation == _REPLY and source == other.packed and sender.hex(":") not in seen:
                    seen.add(sender.hex(":"))
                    yield sender.hex(":")
                if len(seen) == _MOST:
                    return
            if seen:
                return


def _answers(network: SeenNetwork, address: IPv4Address) -> bool:
    return bool(list(ask_neighbour(network.parent, address)))


def _is_unheard(host: Host, ifname: str) -> bool:
    """Whether a VLAN has never received anything, by a link that has."""
    base, _ = _vlan_of(host, ifname)
    return bool(base) and not host.received(ifname) and bool(host.received(base))


def _vlan_of(host: Host, ifname: str) -> tuple[str, int]:
    """The link under a VLAN, and its number; no name if it is none."""
    link = host.links.get(ifname, {})
    about = link.get("linkinfo", {})
    if about.get("info_kind") != "vlan":
        return "", 0
    return link.get("link", ""), about["info_data"]["id"]


def _has(ifname: str, address: IPv4Address) -> bool:
    """Whether a link of this thread's namespace has an address (netdevice(7), SIOCGIFADDR)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        request = struct.pack("256s", os.fsencode(ifname))
        with suppress(OSError):
            return fcntl.ioctl(asker, 0x8915, request)[20:24] == address.packed
    return False


def _on_parents(host: Host) -> Iterator[SeenNetwork]:
    return (each for each in host.networks if each.mode in _ON_PARENTS and each.parent)


def _lan_gateways(host: Host, network: SeenNetwork) -> Iterator[IPv4Address]:
    """Gateways of a network as the engine has them: pynet makes none on a LAN."""
    for each in host.ask_engine("/networks"):
        if each["Id"] == network.id:
            for config in (each.get("IPAM") or {}).get("Config") or ():
                with suppress(ValueError):
                    yield IPv4Address(config.get("Gateway", "").partition("/")[0])
