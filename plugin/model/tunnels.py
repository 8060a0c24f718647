"""A network that spans hosts: its tunnel, and the host's part in it, as values."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Interface
from typing import Final

from plugin.model.ids import IfName, Key, MacAddress, wireguard_name
from plugin.model.links import SHARED
from plugin.model.network import IPAddress, IPInterface

# The address at which a device keeps whom it floods (drivers/net/vxlan, all_zeros_mac).
EVERYBODY: Final = MacAddress("00:00:00:00:00:00")
INNER_PREFIX: Final = 64
_KEY_BYTES: Final = 32  # RFC 7748 section 5
# Of unique local addresses (RFC 4193 section 3.1), with "pynet" for the global id.
_INNER: Final = int.from_bytes(b"\xfdpynet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vxlan:
    """A bridge port that carries frames to other hosts in UDP datagrams (RFC 7348), up.

    It learns from what arrives behind which host a container is.
    """

    ifname: IfName
    vni: int
    port: int
    local: IPAddress
    mtu: int
    master: IfName
    owner: str

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodEntry:
    """A host that gets a copy of each frame to all, or to an unknown receiver.

    With another ``mac_address`` it is a lasting entry for one receiver.  pynet makes none of
    these; one of another program keeps the device from learning.
    """

    ifname: IfName
    peer: IPAddress
    mac_address: MacAddress = EVERYBODY

    @property
    def key(self) -> Key:
        return ("flood", self.ifname, self.peer, self.mac_address)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireGuard:
    """A link that encrypts what it sends to the hosts that are its peers, up.

    The key is made from the host's secret and ``local``, so it is in no value.  All encrypted
    networks of that address and UDP port share the link.
    """

    ifname: IfName
    local: IPAddress
    port: int
    owner: str = SHARED

    @property
    def interface(self) -> IPv6Interface:
        """The host's address inside, with the prefix of all hosts."""
        return IPv6Interface((inner_address(self.local, self.port), INNER_PREFIX))

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireGuardPeer:
    """A host that a link encrypts for, and decrypts from: it speaks from ``inner`` and nothing else.

    ``public_key`` is what the host told; it is empty where keys are made from a secret.
    """

    ifname: IfName
    inner: IPAddress
    endpoint: IPAddress | None
    port: int
    public_key: str = ""

    @property
    def key(self) -> Key:
        return ("wireguard peer", self.ifname, self.inner)


def wireguard(local: IPAddress, port: int) -> WireGuard:
    """The link of all encrypted networks at that address and UDP port."""
    return WireGuard(ifname=wireguard_name(local, port), local=local, port=port)


def inner_address(host: IPAddress, port: int) -> IPv6Address:
    """The address that a host has inside the encrypted tunnel, made from the one it has outside.

    IPv6 in any case: it cannot be an address of a container's, or of a LAN.
    """
    if host.version == 4:
        identifier = int(host)
    else:
        digest = hashlib.sha256(host.packed).digest()
        identifier = int.from_bytes(digest[:8]) | 1 << 63  # above those of IPv4
    return IPv6Address(_INNER << 80 | port << 64 | identifier)


def read_public_key(text: str) -> bytes | None:
    """A public key of WireGuard's as hosts tell it, in base64; None if it is none."""
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        return None
    return key if len(key) == _KEY_BYTES and any(key) else None


def is_public_key(text: str) -> bool:
    """Whether it is one, in the one way that it is written."""
    key = read_public_key(text)
    return key is not None and b64encode(key).decode() == text


def is_inner(address: IPAddress) -> bool:
    """Whether an address is one that `inner_address` gives."""
    return address.version == 6 and int(address) >> 80 == _INNER


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """What distinguishes the datagrams of one network from those of others on a host."""

    vni: int
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a network must have alike on all its hosts: options by name, and the number if one was chosen."""

    options: Mapping[str, str] = field(default_factory=dict)
    vni: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Underlay:
    """The host's own address among the hosts of a network, and the MTU of the link that has it."""

    local: IPAddress
    mtu: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """That a container is on this host now; ``tunnel`` leads to hosts that may have known it elsewhere."""

    tunnel: IfName
    mac_address: MacAddress
    interfaces: tuple[IPInterface, ...]
