"""WireGuard devices of this kernel, by generic netlink (linux/wireguard.h, linux/genetlink.h)."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from typing import Final

from plugin import deadline
from plugin.errors import KernelError
from plugin.kernel import open_files
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink.messages import NetlinkError
from plugin.kernel.wireguard.device import DeviceState, Peer
from plugin.model.ids import IfName
from plugin.model.network import IPAddress, IPNetwork

KIND: Final = "wireguard"  # of the link, and of the family
_NETLINK_GENERIC: Final = 16
_GENL: Final = struct.Struct("=BBxx")
_GENL_ID_CTRL: Final = 16
_CTRL_CMD_GETFAMILY: Final = 3
_CTRL_ATTR_FAMILY_ID: Final = 1
_CTRL_ATTR_FAMILY_NAME: Final = 2
_VERSION: Final = 1
_GET_DEVICE: Final = _GENL.pack(0, _VERSION)
_SET_DEVICE: Final = _GENL.pack(1, _VERSION)
_DEVICE_IFNAME: Final = 2
_DEVICE_PRIVATE_KEY: Final = 3
_DEVICE_LISTEN_PORT: Final = 6
_DEVICE_PEERS: Final = 8
_PEER_PUBLIC_KEY: Final = 1
_PEER_FLAGS: Final = 3
_PEER_ENDPOINT: Final = 4
_PEER_ALLOWED_IPS: Final = 9
_PEER_REMOVE_ME: Final = 1
_PEER_REPLACE_ALLOWED_IPS: Final = 2
_ALLOWED_FAMILY: Final = 1
_ALLOWED_ADDRESS: Final = 2
_ALLOWED_MASK: Final = 3
_FAMILY: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
_PORT: Final = struct.Struct("!H")
_SOCKADDR: Final = struct.Struct("=H")
_ADDRESS_AT: Final = {4: slice(4, 8), 6: slice(8, 24)}  # linux/in.h, linux/in6.h
_ROOM: Final = 1 << 16
_TIMEOUT_SECONDS: Final = 10.0


class KernelDevices:
    """Devices of links of kind wireguard."""

    def read(self, ifname: IfName) -> DeviceState | None:
        with _conversation() as (sock, family):
            try:
                answers = raw.dump(sock, family, _GET_DEVICE + _name(ifname))
            except NetlinkError as error:
                if error.is_gone:
                    return None
                raise
        key, port = b"", 0
        peers: dict[bytes, Peer] = {}
        for body in answers:
            # A device with many peers comes in pieces, and so may a peer with many addresses.
            found = raw.attributes(body, _GENL.size)
            key = found.get(_DEVICE_PRIVATE_KEY, key)
            if _DEVICE_LISTEN_PORT in found:
                (port,) = raw.U16.unpack(found[_DEVICE_LISTEN_PORT])
            for _, each in raw.each_attribute(found.get(_DEVICE_PEERS, b"")):
                public, peer = _peer(each)
                before = peers.get(public, Peer())
                peers[public] = Peer(
                    allowed=before.allowed | peer.allowed,
                    endpoint=peer.endpoint or before.endpoint,
                )
        return DeviceState(private_key=key, port=port, peers=peers)

    def set_key(self, ifname: IfName, private_key: bytes, port: int) -> None:
        self._set(
            ifname,
            raw.attribute(_DEVICE_PRIVATE_KEY, private_key),
            raw.attribute(_DEVICE_LISTEN_PORT, raw.U16.pack(port)),
        )

    def set_peer(
        self, ifname: IfName, public_key: bytes, endpoint: tuple[IPAddress, int], inner: IPAddress
    ) -> None:
        allowed = raw.nested(
            0,
            raw.attribute(_ALLOWED_FAMILY, raw.U16.pack(_FAMILY[inner.version])),
            raw.attribute(_ALLOWED_ADDRESS, inner.packed),
            raw.attribute(_ALLOWED_MASK, bytes((inner.max_prefixlen,))),
        )
        self._set_peer(
            ifname,
            raw.attribute(_PEER_PUBLIC_KEY, public_key),
            raw.attribute(_PEER_FLAGS, raw.U32.pack(_PEER_REPLACE_ALLOWED_IPS)),
            raw.attribute(_PEER_ENDPOINT, _socket_address(*endpoint)),
            raw.nested(_PEER_ALLOWED_IPS, allowed),
        )

    def remove_peer(self, ifname: IfName, public_key: bytes) -> None:
        self._set_peer(
            ifname,
            raw.attribute(_PEER_PUBLIC_KEY, public_key),
            raw.attribute(_PEER_FLAGS, raw.U32.pack(_PEER_REMOVE_ME)),
        )

    def _set_peer(self, ifname: IfName, *attributes: bytes) -> None:
        self._set(ifname, raw.nested(_DEVICE_PEERS, raw.nested(0, *attributes)))

    def _set(self, ifname: IfName, *attributes: bytes) -> None:
        with _conversation() as (sock, family):
            body = _SET_DEVICE + _name(ifname) + b"".join(attributes)
            _ask(sock, family, raw.NLM_F_ACK, body)


@contextmanager
def _conversation() -> Iterator[tuple[socket.socket, int]]:
    """A socket, and the number that the kernel gave the family."""
    try:
        seconds = deadline.remaining(_TIMEOUT_SECONDS)
        with raw.Conversation(_NETLINK_GENERIC, seconds) as sock:
            wanted = raw.attribute(_CTRL_ATTR_FAMILY_NAME, KIND.encode() + b"\0")
            request = _GENL.pack(_CTRL_CMD_GETFAMILY, _VERSION) + wanted
            answer = _ask(sock, _GENL_ID_CTRL, 0, request)
            number = raw.find(answer, _GENL.size, _CTRL_ATTR_FAMILY_ID)
            yield sock, raw.U16.unpack(number or b"\0\0")[0]
    except NetlinkError as error:
        raise KernelError(f"the kernel's WireGuard refused: {error}") from error
    except OSError as error:
        raise open_files.refusal("netlink failed", error) from error


def _ask(sock: socket.socket, kind: int, flags: int, body: bytes) -> bytes:
    sock.send(raw.message(kind, flags, body))
    answer, data = next(raw.messages(sock.recv(_ROOM)))
    if answer == raw.NLMSG_ERROR:
        raw.check(data)
    return data


def _name(ifname: IfName) -> bytes:
    return raw.attribute(_DEVICE_IFNAME, ifname.encode() + b"\0")


def _socket_address(address: IPAddress, port: int) -> bytes:
    head = _SOCKADDR.pack(_FAMILY[address.version]) + _PORT.pack(port)
    if address.version == 4:
        return head + address.packed + bytes(8)
    return head + bytes(4) + address.packed + bytes(4)


def _peer(body: bytes) -> tuple[bytes, Peer]:
    found = raw.attributes(body, 0)
    allowed = raw.each_attribute(found.get(_PEER_ALLOWED_IPS, b""))
    peer = Peer(
        allowed=frozenset(_network(each) for _, each in allowed),
        endpoint=_address(found.get(_PEER_ENDPOINT)),
    )
    return found.get(_PEER_PUBLIC_KEY, b""), peer


def _network(body: bytes) -> IPNetwork:
    found = raw.attributes(body, 0)
    address = ip_address(found[_ALLOWED_ADDRESS])
    return ip_network((address, found[_ALLOWED_MASK][0]))


def _address(body: bytes | None) -> IPAddress | None:
    if not body:
        return None
    (family,) = _SOCKADDR.unpack_from(body)
    return ip_address(body[_ADDRESS_AT[4 if family == socket.AF_INET else 6]])
