"""Asks the engine which networks it knows: for commands, never for the daemon, which it waits for."""

import http.client
import json
import os
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final

from plugin.cli import place
from plugin.cli.client import UnixConnection

_SOCKET: Final = "/var/run/docker.sock"
_PREFIX: Final = "unix://"
_PATIENT_SECONDS: Final = 20.0
_REST_SECONDS: Final = 10.0
_CREDENTIALS: Final = struct.Struct("3i")  # unix(7), SO_PEERCRED


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Ids and subnets of an engine's networks, of all drivers.

    ``leased`` are the subnets that the engine has of IPAM plugins; ``drivers`` are the drivers
    that each network has, by its name.
    """

    networks: frozenset[str]
    drivers: Mapping[str, frozenset[str]]
    subnets: frozenset[IPv4Network | IPv6Network]
    leased: frozenset[IPv4Network | IPv6Network]

    def is_served(self, networks: Iterable[str], prefixes: Iterable[str]) -> bool:
        """Whether the engine has any of these networks, or a subnet of an IPAM plugin of these."""
        return not self.networks.isdisjoint(networks) or not self.leased.isdisjoint(
            map(ip_network, prefixes)
        )

    def uses(self, prefix: str) -> bool:
        """Whether a subnet overlaps, or is shown as it was asked for, as any of a size."""
        mine = ip_network(prefix)
        return any(
            each.network_address.is_unspecified
            or (each.version == mine.version and each.overlaps(mine))
            for each in self.subnets
        )


def host() -> str:
    """Where the engine is asked (DOCKER_HOST)."""
    return os.environ.get("DOCKER_HOST", _PREFIX + _SOCKET)


def absence() -> str:
    """Why no engine answers, as far as it is known."""
    if place.is_inside_plugin():
        return "the managed plugin sees no engine; run the command with the host's own `pynet`"
    return f"no engine answers at {host()}"


def known() -> Known | None:
    """Everything the engine knows; None if none answers on a Unix socket (DOCKER_HOST)."""
    networks = listed("/networks")
    if networks is None:
        return None
    try:
        return Known(
            networks=frozenset(network["Id"] for network in networks),
            drivers={network.get("Name", network["Id"]): _drivers(network) for network in networks},
            subnets=frozenset(_subnets(networks)),
            leased=frozenset(_subnets(filter(_has_ipam_plugin, networks))),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def listed(path: str, seconds: float = _PATIENT_SECONDS) -> list[Any] | None:
    """What the engine lists there; None if it does not answer, or not within ``seconds``."""
    found = answered(path, seconds)
    return found if isinstance(found, list) else None


def answered(path: str, seconds: float = _PATIENT_SECONDS) -> Any:
    """What the engine answers there; None if it does not answer, or not within ``seconds``."""
    address = host()
    if not address.startswith(_PREFIX):
        return None
    connection = UnixConnection(Path(address.removeprefix(_PREFIX)), seconds)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return answer if response.status == http.client.OK else None


class Remembered:
    """What the engine answers, for a command that asks again and again.

    An engine that does not answer is left alone for some seconds, and what it told last stands.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: dict[str, Any] = {}
        self._rests_until = 0.0

    def __call__(self, path: str) -> Any:
        """What the engine answers there; None if it never did."""
        if time.monotonic() >= self._rests_until:
            found = answered(path, self._seconds)
            if found is not None:
                self._last[path] = found
                return found
            self._rests_until = time.monotonic() + _REST_SECONDS
        return self._last.get(path)


def process(seconds: float = _PATIENT_SECONDS) -> Path | None:
    """The engine's process, or systemd's if that holds the socket; None if there is none here."""
    address = host()
    if address.startswith(_PREFIX):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, suppress(OSError):
            sock.settimeout(seconds)
            sock.connect(address.removeprefix(_PREFIX))
            there = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            pid, _, _ = _CREDENTIALS.unpack(there)
            if pid:
                return Path(f"/proc/{pid}")
    return None


def root() -> Path:
    """Where the engine's file system is, whose /proc has the processes by the engine's numbers.

    The engine may be in other namespaces than this command.
    """
    found = process()
    return found / "root" if found else Path("/")


def _drivers(network: dict[str, Any]) -> frozenset[str]:
    return frozenset((network.get("Driver", ""), network.get("IPAM", {}).get("Driver") or ""))


def _has_ipam_plugin(network: dict[str, Any]) -> bool:
    return network.get("IPAM", {}).get("Driver") not in (None, "", "default", "null")


def _subnets(networks: Iterable[dict[str, Any]]) -> Iterator[IPv4Network | IPv6Network]:
    for network in networks:
        for each in network.get("IPAM", {}).get("Config") or ():
            if each.get("Subnet"):
                yield ip_network(each["Subnet"], strict=False)
