"""Identifiers, each with a separate type, so that one cannot be passed for another.

Interface names are derived from a hash of an id: the kernel allows 15 bytes, and
a prefix of the id itself would collide for ids that a user or a test chose.
"""

import hashlib
import re
from collections.abc import Hashable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NewType

NetworkID = NewType("NetworkID", str)
EndpointID = NewType("EndpointID", str)
IfName = NewType("IfName", str)
MacAddress = NewType("MacAddress", str)
Key = tuple[Hashable, ...]  # which thing on the host: its kind, and its name

IFNAMSIZ: Final = 15  # linux/if.h: 16 bytes, less the NUL
# Names that bridge_name and shim_name give.
ENTRY_PATTERN: Final = "pn[bh]-[0-9a-f]{11}"
LINK_NAME: Final = "a link name of 1 to 15 bytes without '/', ':' or spaces"
# The kernel's own, those of its templates (eth%d), and what has a meaning inside quotes to nft.
_NOT_IN_IFNAMES: Final = '/:%"*\\'
WIREGUARD_PREFIX: Final = "pnw-"
HANDOFF_PREFIX: Final = "pnc-"
_HASH_DIGITS: Final = 11
_ENTRY: Final = re.compile(ENTRY_PATTERN)
# swarmkit, identity/randomid.go: 25 digits to the base of 36.  Other networks have 64 digits.
_SWARM_ID: Final = re.compile(r"[0-9a-z]{25}")
_MAC: Final = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_CLOUDS: Final = (169, 170)  # 169.254.169.0/24 and 169.254.170.0/24
_LINK_LOCAL: Final = 0xFE80 << 112  # RFC 4291 section 2.5.6


def bridge_name(network: NetworkID) -> IfName:
    """The bridge of a network, where the user has not chosen a name."""
    return _ifname("pnb-", network)


def dummy_name(network: NetworkID) -> IfName:
    """The parent of a network for which the user named none."""
    return _ifname("pnd-", network)


def vlan_name(parent: IfName, number: int) -> IfName:
    """A VLAN of a link, as everybody names it, if the kernel takes so long a name."""
    name = IfName(f"{parent}.{number}")
    return name if len(name.encode()) <= IFNAMSIZ else _ifname("pns-", name)


def shim_name(network: NetworkID) -> IfName:
    """The host's own link among a network's containers."""
    return _ifname("pnh-", network)


def vxlan_name(network: NetworkID) -> IfName:
    """The bridge port that leads to a network's other hosts."""
    return _ifname("pnx-", network)


def wireguard_name(local: IPv4Address | IPv6Address, port: int) -> IfName:
    """The link that encrypts what the host sends from an address to a port of other hosts."""
    return _ifname(WIREGUARD_PREFIX, f"{local}/{port}")


def is_entry(ifname: str) -> bool:
    """Whether containers come in by a link of that name, as `bridge_name` and `shim_name` give it."""
    return _ENTRY.fullmatch(ifname) is not None


def port_name(endpoint: EndpointID) -> IfName:
    """The host's end of an endpoint's veth pair."""
    return _ifname("pnv-", endpoint)


def is_handoff(ifname: str) -> bool:
    """Whether `handoff_name` gives names like that."""
    return ifname.startswith(HANDOFF_PREFIX)


def handoff_name(endpoint: EndpointID) -> IfName:
    """The end of the pair that dockerd moves into the sandbox and renames there."""
    return _ifname(HANDOFF_PREFIX, endpoint)


def redirect_name(endpoint: EndpointID) -> IfName:
    """The link that bounds what an endpoint sends."""
    return _ifname("pni-", endpoint)


def derived_mac(*parts: str) -> MacAddress:
    """A locally administered unicast address that depends on ``parts`` alone."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    first = (digest[0] & 0xFC) | 0x02  # RFC 7042 section 2.1: local bit set, group bit clear
    return MacAddress(":".join(f"{octet:02x}" for octet in (first, *digest[1:6])))


def link_name(text: str) -> IfName:
    """A name the kernel takes for a link (net/core/dev.c, dev_valid_name), and nft for one.

    Raises ValueError.
    """
    bad = not text or len(text.encode()) > IFNAMSIZ or text in {".", ".."}
    if bad or any(c in _NOT_IN_IFNAMES or c.isspace() or not c.isprintable() for c in text):
        raise ValueError(text)
    return IfName(text)


def unscoped(text: str) -> str:
    """The text of an address without a zone (RFC 4007 section 11), which could be any text.

    ipaddress takes ``fe80::1%eth0``, and no address of a network's has one.

    Raises ValueError.
    """
    if "%" in text:
        raise ValueError(text)
    return text


def unicast_mac(text: str) -> MacAddress:
    """The address of one host, in either notation, given out in lower case with colons.

    Raises ValueError for a group's (IEEE 802: the lowest bit of the first octet), and for zero,
    which no link takes (linux/etherdevice.h, is_valid_ether_addr).
    """
    octets = text.lower().replace("-", ":")
    if not _MAC.fullmatch(octets) or int(octets[:2], 16) & 1 or not octets.strip("0:"):
        raise ValueError(text)
    return MacAddress(octets)


def own_address(network: NetworkID, version: int) -> IPv4Address | IPv6Address:
    """An address for the host on a network, that no LAN uses: link-local, or unique and local.

    It avoids the first and last 256 addresses, which are reserved (RFC 3927 section 2.1), and
    those that clouds use for services (169.254.169.254 is the best known).
    """
    digest = hashlib.sha256(f"{network}/host".encode()).digest()
    if version == 6:
        return IPv6Address(b"\xfd" + digest[:5] + bytes(9) + b"\x01")  # RFC 4193 section 3.1
    third = [each for each in range(1, 255) if each not in _CLOUDS]
    return IPv4Address(bytes((169, 254, third[digest[5] % len(third)], 1 + digest[6] % 254)))


def link_local(mac_address: MacAddress) -> IPv6Address:
    """The address that a link gives itself (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac_address.replace(":", ""))
    identifier = bytes((octets[0] ^ 2,)) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return IPv6Address(_LINK_LOCAL | int.from_bytes(identifier, "big"))


def is_of_swarm(network: NetworkID) -> bool:
    """Whether a swarm made the network, and not the engine of one host.

    ``ipam.pool`` has the same rule, because ipam stands alone; a test holds the two together.
    """
    return _SWARM_ID.fullmatch(network) is not None


def short(identifier: str) -> str:
    """The twelve digits people know an id by."""
    return identifier[:12]


@lru_cache(maxsize=4096)
def _ifname(prefix: str, identifier: str) -> IfName:
    digest = hashlib.sha256(identifier.encode()).hexdigest()
    return IfName(prefix + digest[:_HASH_DIGITS])
