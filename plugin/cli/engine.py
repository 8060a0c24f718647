"""Asks the engine which networks it knows: for commands, never for the daemon, which it waits for."""

import http.client
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final

from plugin.cli.client import UnixConnection

_SOCKET: Final = "/var/run/docker.sock"
_PREFIX: Final = "unix://"


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


def known() -> Known | None:
    """Everything the engine knows; None if none answers on a Unix socket (DOCKER_HOST)."""
    address = host()
    if not address.startswith(_PREFIX):
        return None
    connection = UnixConnection(Path(address.removeprefix(_PREFIX)))
    try:
        connection.request("GET", "/networks")
        response = connection.getresponse()
        networks = json.loads(response.read())
        if response.status != http.client.OK:
            return None
        return Known(
            networks=frozenset(network["Id"] for network in networks),
            drivers={network.get("Name", network["Id"]): _drivers(network) for network in networks},
            subnets=frozenset(_subnets(networks)),
            leased=frozenset(_subnets(filter(_has_ipam_plugin, networks))),
        )
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _drivers(network: dict[str, Any]) -> frozenset[str]:
    return frozenset((network.get("Driver", ""), network.get("IPAM", {}).get("Driver") or ""))


def _has_ipam_plugin(network: dict[str, Any]) -> bool:
    return network.get("IPAM", {}).get("Driver") not in (None, "", "default", "null")


def _subnets(networks: Iterable[dict[str, Any]]) -> Iterator[IPv4Network | IPv6Network]:
    for network in networks:
        for each in network.get("IPAM", {}).get("Config") or ():
            if each.get("Subnet"):
                yield ip_network(each["Subnet"], strict=False)
