"""Which pools and addresses are taken, and by whom.

A separate library: ``Allocator(SqliteStore(path))`` serves any program that gives
out addresses, and ``python -m ipam`` works on the same file.
"""

from ipam.allocator import Allocator
from ipam.errors import IpamError
from ipam.lease import ANONYMOUS, AddressRequest, Kind, Lease, Owner, State
from ipam.pool import GLOBAL, LOCAL, AddressSpaceName, AddressSpaces, Pool, PoolID, PoolRequest
from ipam.reservation import Reservation
from ipam.settings import PoolSource, Settings, parse_pools, with_defaults

__all__ = [
    "ANONYMOUS",
    "GLOBAL",
    "LOCAL",
    "AddressRequest",
    "AddressSpaceName",
    "AddressSpaces",
    "Allocator",
    "IpamError",
    "Kind",
    "Lease",
    "Owner",
    "Pool",
    "PoolID",
    "PoolRequest",
    "PoolSource",
    "Reservation",
    "Settings",
    "State",
    "parse_pools",
    "with_defaults",
]
