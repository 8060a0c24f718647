"""What a swarm's manager gives out where DHCP servers of the nodes' own LANs give the addresses.

Managers choose an address for each task before they choose its node, and know no LAN.  So they give a placeholder.
The node that starts the task asks its LAN's server, and what a node answers is the task's address for everybody.
"""

import secrets
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Final

from plugin.errors import RefusedError
from plugin.model.ids import IfName
from plugin.model.network import IPAddress

_PREFIX: Final = "dhcp-of-nodes/"
# RFC 2544: between devices that are measured, so that no LAN has them.
_PLACEHOLDERS: Final = IPv4Network("198.18.0.0/15")


def manager_pool(parent: IfName, subnet: IPv4Network | None) -> str:
    """The id of a manager's pool: the same engine has one as a node.  Raises RefusedError."""
    if subnet:
        raise RefusedError(
            f"--subnet is {subnet}, and in a swarm each node's own LAN has the addresses; leave it out"
        )
    return _PREFIX + parent


def is_managers(pool_id: str) -> bool:
    """Whether a pool is a manager's, with nothing but placeholders."""
    return pool_id.startswith(_PREFIX)


def placeholder(wanted: IPAddress | None) -> IPv4Interface:
    """The address that was asked for, or one that is nobody's; two tasks may have the same."""
    if isinstance(wanted, IPv4Address):
        return IPv4Interface(wanted)
    return IPv4Interface(_PLACEHOLDERS[secrets.randbelow(_PLACEHOLDERS.num_addresses)])


def is_placeholder(address: IPAddress) -> bool:
    """Whether a node is to ask its LAN for an address in place of this."""
    return isinstance(address, IPv4Address) and address in _PLACEHOLDERS
