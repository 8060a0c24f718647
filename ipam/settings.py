"""What an administrator can choose: where pools come from, and how long leases last.

The defaults keep out of Docker's own default pools (172.17.0.0/16 to 172.31.0.0/16
and 192.168.0.0/16) so that both can serve one host.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_interface
from typing import Final

from ipam.errors import InvalidPrefixError, InvalidSettingError
from ipam.prefixes import Prefix, parse_prefix

DAY: Final = 24 * 60 * 60.0
ULA_SIZE: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSource:
    """A range that dynamic pools are cut from, and how long their prefixes are."""

    base: Prefix
    size: int

    def __str__(self) -> str:
        return f"{self.base}:{self.size}"


DEFAULT_V4: Final = PoolSource(base=IPv4Network("10.208.0.0/12"), size=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The allocator's settings; times are in seconds, and 0 switches one off.

    Pools within ``cluster`` are shared with other hosts; no dynamic pool is taken from there.
    ``host_id`` is something stable that no other node of a swarm has.

    Raises InvalidSettingError if a time is negative, or the cluster's ranges overlap those of pools.
    """

    pools: tuple[PoolSource, ...] = (DEFAULT_V4,)
    cluster: tuple[Prefix, ...] = ()
    quarantine: float = 60.0
    sticky: float = 7 * DAY
    reserve_timeout: float = 120.0
    host_id: str = ""

    def __post_init__(self) -> None:
        for name in ("quarantine", "sticky", "reserve_timeout"):
            if getattr(self, name) < 0:
                raise InvalidSettingError(
                    f"{name} is {getattr(self, name)}, expected seconds, 0 for never"
                )
        for shared in self.cluster:
            for source in self.pools:
                if _overlap(shared, source.base):
                    raise InvalidSettingError(
                        f"cluster has {shared}, which overlaps {source.base} of pools; this host's own pools "
                        f"would be taken from there: choose other ranges"
                    )


def parse_pools(text: str) -> tuple[PoolSource, ...]:
    """Read ``base:size`` pairs: ``10.208.0.0/12:24,fd00:1:2::/48:64``.

    Raises InvalidSettingError.
    """
    sources: list[PoolSource] = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        source = _parse_source(item)
        for earlier in sources:
            if _overlap(source.base, earlier.base):
                raise InvalidSettingError(
                    f"pools has {source.base}, which overlaps {earlier.base}; leave one of them out"
                )
        sources.append(source)
    if not sources:
        raise InvalidSettingError(
            f"pools is {text!r}, expected base:size pairs such as {DEFAULT_V4}"
        )
    return tuple(sources)


def parse_ranges(text: str) -> tuple[Prefix, ...]:
    """Read the ranges of a cluster's pools: ``10.48.0.0/12,fd00:48::/48``.  Raises InvalidSettingError."""
    ranges: list[Prefix] = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        try:
            found = parse_prefix(item)
        except InvalidPrefixError as error:
            raise InvalidSettingError(
                f"cluster has {item!r}, expected prefixes such as 10.48.0.0/12"
            ) from error
        if ip_interface(item).ip != found.network_address:
            raise InvalidSettingError(
                f"cluster has {item!r}, and that is an address within {found}; write {found}"
            )
        if any(_overlap(found, earlier) for earlier in ranges):
            raise InvalidSettingError(f"cluster has {found}, which overlaps another; leave one out")
        ranges.append(found)
    return tuple(ranges)


def with_defaults(sources: Iterable[PoolSource], host_id: str) -> tuple[PoolSource, ...]:
    """Add the default source of each IP version that the sources leave out."""
    given = tuple(sources)
    families = {source.base.version for source in given}
    defaults = (DEFAULT_V4, ula_source(host_id))
    return given + tuple(source for source in defaults if source.base.version not in families)


def ula_source(host_id: str) -> PoolSource:
    """The /48 of unique local addresses this host has (RFC 4193 section 3.2).

    The 40 bits are a hash of a stable property of the host, as Docker's are.  So a host keeps its
    prefix, and two hosts are very unlikely to share one.
    """
    digest = sha256(b"pynet ula " + host_id.encode()).digest()
    packed = b"\xfd" + digest[:5] + bytes(10)
    return PoolSource(base=IPv6Network((packed, 48)), size=ULA_SIZE)


def _parse_source(item: str) -> PoolSource:
    base_text, _, size_text = item.rpartition(":")
    try:
        base = parse_prefix(base_text)
    except InvalidPrefixError as error:
        raise InvalidSettingError(
            f"pools has {item!r}, expected base:size such as {DEFAULT_V4}"
        ) from error
    if ip_interface(base_text).ip != base.network_address:
        raise InvalidSettingError(
            f"pools has {item!r}, and {base_text} is an address within {base}, where pools would be "
            f"taken from; write {base}:{size_text}, or a range that begins there"
        )
    digits = size_text.isascii() and size_text.isdecimal()
    if not digits or not (base.prefixlen <= int(size_text) <= base.max_prefixlen):
        raise InvalidSettingError(
            f"pools has {item!r} with size {size_text!r}, expected a length from "
            f"{base.prefixlen} to {base.max_prefixlen}"
        )
    return PoolSource(base=base, size=int(size_text))


def _overlap(one: Prefix, other: Prefix) -> bool:
    return one.version == other.version and (
        int(one.network_address) <= int(other.broadcast_address)
        and int(other.network_address) <= int(one.broadcast_address)
    )
