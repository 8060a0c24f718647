"""What an allocator should hold, as dictionaries have it, and what is asked of it."""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from hypothesis import strategies as st

from ipam.settings import Settings, parse_pools

SETTINGS = Settings(
    pools=parse_pools("10.9.0.0/27:29"), quarantine=10, sticky=100, reserve_timeout=20
)
ROUTE = IPv4Network("10.9.0.9/32")
TENANTS = ("", "blue")
NAMES = (None, "web", "db")

prefixes = st.builds(
    lambda start, length: IPv4Network((int(IPv4Address("10.9.0.0")) + start, length), strict=False),
    st.integers(0, 63),
    st.integers(27, 32),
)


@dataclass
class Held:
    """An address as the model has it; without a deadline it is bound."""

    name: str | None
    since: float
    deadline: float | None
    by_number: bool = False


@dataclass
class Known:
    """A pool as the model has it."""

    prefix: IPv4Network
    tenant: str
    network: str | None
    released: bool
    held: dict[IPv4Address, Held]
    # What came back: when, and whether its holder will ask for it by name or number.
    returned: dict[IPv4Address, tuple[float, bool]] = field(default_factory=dict)
