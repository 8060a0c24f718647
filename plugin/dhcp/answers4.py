"""Whether an answer that could be read is one to what was asked."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from plugin.dhcp.errors import UnacceptableError
from plugin.dhcp.messages4 import Message, Option
from plugin.dhcp.options4 import check_server, server_of
from plugin.dhcp.values import Wish
from plugin.model.leases import Lease


def is_answer(message: Message, wish: Wish, xid: int) -> bool:
    """Whether a message is for the client that asked, and for its question (also RFC 6842)."""
    identity = wish.identity
    is_own = message.option(Option.CLIENT_ID) in (None, identity.client_id)
    return message.reply and message.xid == xid and message.mac == identity.mac and is_own


def check_grant(lease: Lease, asked: Lease | None, *, of_offer: bool) -> None:
    """Raise UnacceptableError unless it grants what was asked for; an offer binds its server."""
    if asked is None or lease.address.ip != asked.address.ip:
        raise UnacceptableError(f"{lease.address.ip} was granted, and not asked for")
    if of_offer and asked.server != lease.server:
        raise UnacceptableError(f"{lease.server} granted what {asked.server} offered")


def check_refusal(message: Message, wish: Wish, offer: Lease | None) -> None:
    """Raise UnacceptableError unless the refusal is from the server that offered."""
    server = server_of(message)
    check_server(server, wish)
    if offer and server != offer.server:
        raise UnacceptableError(f"{server} refused what {offer.server} offered")


def check_alone(lease: Lease, taken: Callable[[IPv4Address | IPv6Address], bool]) -> None:
    """Raise UnacceptableError for another container's address.

    Some servers know clients by hardware address alone, and give all of ipvlan one address.
    """
    if taken(lease.address.ip):
        raise UnacceptableError(
            f"{lease.address.ip} is another container's; if server {lease.server} tells clients"
            " apart by MAC address only, choose mode=macvlan"
        )
