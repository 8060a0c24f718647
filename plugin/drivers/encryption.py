"""What a network between hosts needs to be encrypted: its options, its size, and the host's links."""

from typing import Final

from plugin.drivers.options import MAX_PORT, Option, Values, boolean, number_between
from plugin.errors import RefusedError
from plugin.model.network import IPAddress, Network
from plugin.model.resources import Resource
from plugin.model.tunnels import Underlay, WireGuardPeer, inner_address, wireguard

WIREGUARD_PORT_DEFAULT: Final = (
    51840  # unassigned (IANA), and not 51820, which VPNs of the host have
)
# VXLAN in IPv6 (RFC 7348 section 5), the hosts' addresses inside.
_INNER_OVERHEAD: Final = 70
# UDP and IP headers, and WireGuard's header and authenticator (https://www.wireguard.com/protocol).
_OUTER_OVERHEAD: Final = {4: 60, 6: 80}
_BLOCK: Final = 16  # bytes to whose multiple WireGuard fills packets up


def _flag(text: str) -> bool:
    """Docker's users give it without a value."""
    return boolean(text or "true")


ENCRYPTED: Final = Option(
    name="encrypted",
    parse=_flag,
    default=False,
    expected="true or false",
    meaning="Encrypt what hosts send to each other, with WireGuard. Needs `PYNET_SECRET_FILE` or "
    "`PYNET_SECRET`, the same on every host, unless hosts tell each other their keys by etcd.",
)
WIREGUARD_PORT: Final = Option(
    name="wireguard_port",
    parse=number_between(1, MAX_PORT),
    default=WIREGUARD_PORT_DEFAULT,
    expected=f"a port from 1 to {MAX_PORT}",
    meaning="UDP port that hosts send to each other on with `encrypted`, the same on every host. "
    "Encrypted networks may have the same one.",
)


def check_encryption(options: Values) -> None:
    """Refuse a port for what is not encrypted.  Raises RefusedError."""
    if WIREGUARD_PORT.name in options.texts and not options[ENCRYPTED]:
        raise RefusedError(
            f"option {WIREGUARD_PORT.name} is for networks that are encrypted; give {ENCRYPTED.name}=true "
            "too, or leave it out"
        )


def largest_encrypted(underlay: Underlay) -> int:
    """The largest packet of a container's: the host fills up what it encrypts."""
    room = underlay.mtu - _OUTER_OVERHEAD[underlay.local.version]
    return room - room % _BLOCK - _INNER_OVERHEAD


def inside(host: IPAddress | None, options: Values) -> IPAddress | None:
    """Where datagrams for a host are sent: to its address, or that inside the encrypted tunnel."""
    if host is None or not options[ENCRYPTED]:
        return host
    return inner_address(host, options[WIREGUARD_PORT])


def encrypting_resources(network: Network, local: IPAddress, options: Values) -> set[Resource]:
    """The link that encrypts, and its peers; none of a network that is not encrypted."""
    if not options[ENCRYPTED]:
        return set()
    port = options[WIREGUARD_PORT]
    link = wireguard(local, port)
    keys = dict(zip(network.peers, network.peer_keys, strict=False))
    peers = {
        WireGuardPeer(
            ifname=link.ifname,
            inner=inner_address(peer, port),
            endpoint=peer,
            port=port,
            public_key=keys.get(peer, ""),
        )
        for peer in network.peers
    }
    return {link, *peers}
