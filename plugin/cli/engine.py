"""Asks the engine which networks it knows: for commands, never for the daemon, which it waits for."""

import http.client
import json
import os
from pathlib import Path
from typing import Final

from plugin.cli.client import UnixConnection

_SOCKET: Final = "/var/run/docker.sock"
_PREFIX: Final = "unix://"


def known_networks() -> frozenset[str] | None:
    """Ids of all networks; None if no engine answers on a Unix socket (DOCKER_HOST)."""
    address = os.environ.get("DOCKER_HOST", _PREFIX + _SOCKET)
    if not address.startswith(_PREFIX):
        return None
    connection = UnixConnection(Path(address.removeprefix(_PREFIX)))
    try:
        connection.request("GET", "/networks")
        response = connection.getresponse()
        networks = json.loads(response.read())
        if response.status != http.client.OK:
            return None
        return frozenset(network["Id"] for network in networks)
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return None
    finally:
        connection.close()
