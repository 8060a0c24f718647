"""The messages of a DHCPv4 client, as frames (RFC 2131 section 4.4, table 5)."""

from ipaddress import IPv4Address
from typing import Final

from plugin.dhcp.frames import BROADCAST, EVERYBODY, NOBODY, datagram_frame
from plugin.dhcp.messages4 import Kind, Message, Option, encode
from plugin.dhcp.options4 import wished_for
from plugin.dhcp.values import Wish
from plugin.model.leases import Lease

_SERVER_ENTERS: Final = b"\5\0\0"  # RFC 4702 section 2.1: flags S and E, and two octets of the past
_LARGEST_MESSAGE: Final = 1472  # what goes into an Ethernet frame behind the headers of IP and UDP


class Requests:
    """What one client may say, with its identity in all of it."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish

    def discover(self, xid: int, seconds: int, address: IPv4Address | None) -> bytes:
        """Who has an address for me?"""
        options = [(int(Option.REQUESTED_ADDRESS), address.packed)] if address else []
        return self._frame(Kind.DISCOVER, xid, seconds, [*options, *self._particulars()])

    def request(
        self, xid: int, seconds: int, address: IPv4Address, server: IPv4Address | None
    ) -> bytes:
        """I take what this server offered; with no server, I had this address before."""
        options = [(int(Option.REQUESTED_ADDRESS), address.packed)]
        if server:
            options.append((int(Option.SERVER_ID), server.packed))
        return self._frame(Kind.REQUEST, xid, seconds, [*options, *self._particulars()])

    def renew(self, xid: int, seconds: int, lease: Lease, *, everybody: bool) -> bytes:
        """May I keep it?  Asked of the server, or of everybody, as who has the address."""
        message = Message(
            kind=Kind.REQUEST,
            xid=xid,
            mac=lease.identity.mac,
            seconds=seconds,
            client=lease.ipv4.ip,
            options=tuple(self._particulars()),
        )
        return datagram_frame(
            lease.identity.mac,
            encode(message),
            source=lease.ipv4.ip,
            target=EVERYBODY if everybody else lease.server4,
            next_hop=BROADCAST if everybody else lease.next_hop,
        )

    def decline(self, xid: int, lease: Lease) -> bytes:
        """Tell the server that another host has the address already."""
        options = [
            (int(Option.REQUESTED_ADDRESS), lease.ipv4.ip.packed),
            (int(Option.SERVER_ID), lease.server4.packed),
            (int(Option.CLIENT_ID), lease.identity.client_id),
        ]
        return self._frame(Kind.DECLINE, xid, 0, options)

    def _particulars(self) -> list[tuple[int, bytes]]:
        identity = self._wish.identity
        options: list[tuple[int, bytes]] = [(Option.CLIENT_ID, identity.client_id)]
        if identity.host_name:
            options.append(_name(identity.host_name, fqdn=self._wish.fqdn))
        options.append((Option.PARAMETERS, wished_for(self._wish)))
        options.append((Option.MAX_MESSAGE_SIZE, _LARGEST_MESSAGE.to_bytes(2, "big")))
        if self._wish.vendor_class:
            options.append((Option.VENDOR_CLASS, self._wish.vendor_class.encode("ascii")))
        if self._wish.user_classes:
            options.append((Option.USER_CLASS, _counted(self._wish.user_classes)))
        return options

    def _frame(self, kind: Kind, xid: int, seconds: int, options: list[tuple[int, bytes]]) -> bytes:
        """From nobody to everybody; the answer to everybody, too, as there is no link yet."""
        mac = self._wish.identity.mac
        message = Message(
            kind=kind,
            xid=xid,
            mac=mac,
            seconds=seconds,
            broadcast=kind is not Kind.DECLINE,
            options=tuple(options),
        )
        return datagram_frame(mac, encode(message), source=NOBODY)


def _name(label: str, *, fqdn: bool) -> tuple[int, bytes]:
    """One of the two options, never both (RFC 4702 section 3.1); of a domain name the first label."""
    name = label.encode("ascii")
    if not fqdn:
        return Option.HOST_NAME, name
    return Option.CLIENT_FQDN, _SERVER_ENTERS + bytes((len(name),)) + name


def _counted(classes: tuple[str, ...]) -> bytes:
    """Each class behind its length (RFC 3004 section 4)."""
    return b"".join(bytes((len(each),)) + each.encode("ascii") for each in classes)


def release(xid: int, lease: Lease) -> bytes:
    """I do not need it any more.  Nothing answers, and nothing is waited for."""
    message = Message(
        kind=Kind.RELEASE,
        xid=xid,
        mac=lease.identity.mac,
        client=lease.ipv4.ip,
        options=(
            (Option.SERVER_ID, lease.server4.packed),
            (Option.CLIENT_ID, lease.identity.client_id),
        ),
    )
    return datagram_frame(
        lease.identity.mac,
        encode(message),
        source=lease.ipv4.ip,
        target=lease.server4,
        next_hop=lease.next_hop,
    )
