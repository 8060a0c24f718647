"""Who asks a DHCP server, as whom, at this moment: what calls on one network must know of each other.

A claim is memory alone.  After a crash nobody asks any more, and what a server granted meanwhile is
granted again to the next who asks under that identity.
"""

import time
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address
from threading import Lock
from typing import Final

from plugin.dhcp.values import AnyWish, Method, Wish, Wish6
from plugin.drivers.dhcp import DhcpUse, Ipv6
from plugin.drivers.dhcp_terms import Conflict
from plugin.errors import BusyError, EndpointNotFoundError
from plugin.model.ids import EndpointID, NetworkID, short
from plugin.model.leases import Identity, Lease, LeaseRecord, Moment

_METHODS: Final = {
    Ipv6.SLAAC: Method.SLAAC,
    Ipv6.DHCP: Method.DHCP,
    Ipv6.AUTO: Method.AUTO,
}


@dataclass(slots=True, kw_only=True, eq=False)
class Claim:
    """A call that asks, since ``began`` by the monotonic clock; ``known`` is what is remembered of its identity.

    Of an address that the engine asks of its IPAM, the endpoint is not known yet.
    """

    use: DhcpUse
    network_id: NetworkID
    endpoint_id: EndpointID | None
    wish: AnyWish
    seat: int | None
    known: LeaseRecord | None
    revoked: bool = False
    began: float = field(default_factory=time.monotonic)

    @property
    def client(self) -> str:
        """As in the record that comes of it."""
        return self.wish.identity.client_id.hex()

    def record(self, lease: Lease, since: Moment) -> LeaseRecord:
        """What is remembered of a lease that the call was granted."""
        return LeaseRecord(
            network_id=self.network_id,
            lease=lease,
            since=since,
            seat=self.seat,
            endpoint_id=self.endpoint_id,
            granted=self.endpoint_id is None,
        )

    def offered(self, offer: Lease, since: Moment) -> LeaseRecord:
        """What is remembered of an offer, which is nobody's yet."""
        return replace(self.record(offer, since), endpoint_id=None, granted=False, offered=True)

    def check(self) -> None:
        """Raise EndpointNotFoundError if dockerd has deleted the endpoint meanwhile."""
        if self.revoked:
            raise EndpointNotFoundError(
                f"endpoint {short(self.endpoint_id or '')} was deleted while a DHCP server was asked for its "
                "address; start the container again"
            )


class Claims:
    """All of them; a short lock of their own guards them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._all: set[Claim] = set()

    def add(self, claim: Claim) -> None:
        """An exchange begins."""
        with self._lock:
            self._all.add(claim)

    def remove(self, claim: Claim) -> None:
        """It is over, well or not."""
        with self._lock:
            self._all.discard(claim)

    def revoke(self, endpoint_id: EndpointID) -> None:
        """The endpoint is not wanted any more."""
        with self._lock:
            for each in self._all:
                each.revoked = each.revoked or each.endpoint_id == endpoint_id

    def check(self, endpoint_id: EndpointID) -> None:
        """Raise EndpointNotFoundError if the endpoint is not wanted any more."""
        with self._lock:
            asked = [each for each in self._all if each.endpoint_id == endpoint_id]
        for each in asked:
            each.check()

    def refuse_second(self, endpoint_id: EndpointID) -> None:
        """Raise BusyError if a call asks for the endpoint: another would be given one more address."""
        with self._lock:
            is_asked = any(each.endpoint_id == endpoint_id for each in self._all)
        if is_asked:
            raise BusyError(
                f"endpoint {short(endpoint_id)} is being made by another call; try again"
            )

    def has(self, network_id: NetworkID, client: str) -> Claim | None:
        """The call that asks under that identity."""
        return next((each for each in self._of(network_id) if each.client == client), None)

    def asked(self, network_id: NetworkID) -> frozenset[str | None]:
        """Of what calls ask: clients, as ``LeaseRecord.client`` has it, and endpoints."""
        found = self._of(network_id)
        return frozenset(key for each in found for key in (each.client, each.endpoint_id) if key)

    def seats(self, network_id: NetworkID) -> set[int | None]:
        """Numbers of seats that are asked for."""
        return {each.seat for each in self._of(network_id)}

    def _of(self, network_id: NetworkID) -> list[Claim]:
        with self._lock:
            return [each for each in self._all if each.network_id == network_id]


def wish_of(use: DhcpUse, identity: Identity) -> AnyWish:
    """Who asks on a network, and which answers it takes."""
    if identity.version == 4:
        return wish4_of(use, identity)
    return Wish6(
        identity=identity,
        method=_METHODS.get(use.ipv6, Method.AUTO),
        user_classes=use.terms.user_classes,
        shares_mac=use.shared_mac is not None,
        avoid=frozenset(each for each in use.avoid if isinstance(each, IPv6Address)),
        probe=use.terms.conflict is not Conflict.OFF,
    )


def wish4_of(use: DhcpUse, identity: Identity) -> Wish:
    """The same for IPv4."""
    terms = use.terms
    return Wish(
        identity=identity,
        subnet=use.subnet,
        avoid=frozenset(each for each in use.avoid if isinstance(each, IPv4Address)),
        servers=terms.servers,
        denied_servers=terms.denied_servers,
        vendor_class=terms.vendor_class,
        user_classes=terms.user_classes,
        fqdn=terms.fqdn,
        routes=terms.routes,
        mtu=terms.mtu,
        gateway=terms.gateway,
        probe=terms.conflict is not Conflict.OFF,
    )
