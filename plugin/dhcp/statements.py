"""What is said of a lease that nothing answers."""

from collections.abc import Callable
from ipaddress import IPv6Address

from plugin.dhcp.conflict import announcements
from plugin.dhcp.frames6 import Speaker, announcement_frame, datagram_frame6
from plugin.dhcp.messages6 import Kind
from plugin.dhcp.requests4 import release
from plugin.dhcp.requests6 import request6
from plugin.dhcp.values import Wish6
from plugin.model.leases import Lease


def release_frames(xid: int, lease: Lease, speaker: Callable[[], Speaker | None]) -> list[bytes]:
    """The address is not needed any more; one that a router's prefix gives is not given back."""
    if lease.address.version == 4:
        return [release(xid, lease)]
    said_by = speaker() if lease.server_id else None
    if said_by is None:
        return []
    message = request6(Kind.RELEASE, xid & 0xFFFFFF, 0, Wish6(identity=lease.identity), lease)
    return [datagram_frame6(said_by, message)]


def announcement_frames(lease: Lease) -> list[bytes]:
    """The address is here now."""
    address, mac = lease.address.ip, lease.identity.mac
    if isinstance(address, IPv6Address):
        return [announcement_frame(mac, address)]
    return announcements(address, mac)
