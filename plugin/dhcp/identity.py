"""As whom a container asks, derived from a text that stays the same when the container does.

Hardware type and address (01 and the MAC) are the client identifier where each container has an
address of its own, because that is what administrators type into routers.  On ipvlan all have
the parent's, and an identifier of RFC 4361 tells them apart.
"""

import hashlib
import re
from dataclasses import replace
from ipaddress import IPv6Network
from typing import Final

from plugin.model.ids import MacAddress, derived_mac
from plugin.model.leases import Identity

_ETHERNET: Final = b"\1"  # RFC 1700: hardware type 1
_RFC_4361: Final = b"\xff"  # RFC 4361 section 6.1: IAID and DUID follow
_DUID_UUID: Final = b"\0\4"  # RFC 6355 section 4
# RFC 1123 section 2.1.  No underscore, no dot: the name of a container is its user's choice.
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def identity_of_mac(mac: MacAddress, name: str | None = None) -> Identity:
    """Who has a hardware address of its own."""
    return Identity(
        mac=mac,
        client_id=_ETHERNET + bytes.fromhex(mac.replace(":", "")),
        host_name=host_name(name),
    )


def identity_of_text(*text: str, name: str | None = None) -> Identity:
    """Who is known by a text alone; the hardware address is derived from the text."""
    return identity_of_mac(derived_mac(*text), name)


def identity_beside_others(parent: MacAddress, *text: str, name: str | None = None) -> Identity:
    """One of several that share the hardware address of their parent."""
    duid, iaid = duid_of(*text), iaid_of(*text)
    return Identity(mac=parent, client_id=_RFC_4361 + iaid + duid, host_name=host_name(name))


def identity6_of(identity: Identity) -> Identity:
    """The same container's for IPv6: an IAID and a DUID, those of IPv4 where it has them (RFC 4361)."""
    known = identity.client_id
    iaid_and_duid = (
        known[1:] if known[:1] == _RFC_4361 else iaid_of(known.hex()) + duid_of(known.hex())
    )
    return replace(identity, client_id=iaid_and_duid, version=6)


def duid_of(*text: str) -> bytes:
    """A DUID that depends on a text alone, not on any link."""
    digest = bytearray(_digest("duid", *text)[:16])
    digest[6] = (digest[6] & 0x0F) | 0x80  # RFC 9562 section 5.8: version 8, made as we like
    digest[8] = (digest[8] & 0x3F) | 0x80  # section 4.1: the variant
    return _DUID_UUID + bytes(digest)


def iaid_of(*text: str) -> bytes:
    """The four bytes that tell the associations of one DUID apart."""
    return _digest("iaid", *text)[:4]


def interface_identifier(prefix: IPv6Network, identity: Identity) -> int:
    """What a client has of a prefix: the same in that prefix, another in any other (RFC 7217 section 5)."""
    return int.from_bytes(_digest("address", str(prefix), identity.client_id.hex())[:8], "big")


def host_name(name: str | None) -> str | None:
    """The first label of a name, if servers and their DNS may be told it."""
    label = (name or "").partition(".")[0]
    return label if _LABEL.fullmatch(label) else None


def _digest(*text: str) -> bytes:
    return hashlib.sha256("/".join(text).encode()).digest()
