"""The ``--ipam-opt`` options of a pool, read once.

Docker sends the same options with every pool of a network, IPv4 and IPv6.  A value about the
other IP version, or about another pool's addresses, is therefore passed over and not refused.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ipam.errors import InvalidAddressError, InvalidOptionError, InvalidPrefixError
from ipam.pool import NO_TENANT, Tenant, parse_name, parse_tenant
from ipam.prefixes import AddressRange, Prefix, parse_range, span

V4_MAX_LENGTH: Final = 32
OPTIONS: Final = ("cluster", "exclude", "group", "prefix", "range", "tenant")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOptions:
    """The options, of a network and not yet of one pool."""

    tenant: Tenant = NO_TENANT
    sizes: tuple[int, ...] = ()
    ranges: tuple[AddressRange, ...] = ()
    exclusions: tuple[AddressRange, ...] = ()
    group: str | None = None
    cluster: str | None = None

    def size(self, version: int) -> int | None:
        """The length that a pool of this IP version (4 or 6) should have, if the options have it."""
        for size in self.sizes:
            if (size > V4_MAX_LENGTH) == (version == 6):
                return size
        return None


def read_options(options: Mapping[str, str]) -> PoolOptions:
    """Read the options of a network.  Raises InvalidOptionError."""
    for option in options:
        # Names with a dot are labels of Docker's own, com.docker.network.ipam.serial.
        if option not in OPTIONS and "." not in option:
            near = difflib.get_close_matches(option, OPTIONS, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise InvalidOptionError(
                f"{option!r} is not an option of a pool, expected one of {', '.join(OPTIONS)}{meant}"
            )
    tenant, group = options.get("tenant"), options.get("group")
    cluster = options.get("cluster")
    return PoolOptions(
        tenant=NO_TENANT if tenant is None else parse_tenant(tenant),
        sizes=_sizes(options.get("prefix", "")),
        ranges=_ranges("range", options.get("range", "")),
        exclusions=_ranges("exclude", options.get("exclude", "")),
        group=None if group is None else parse_name("group", group),
        cluster=None if cluster is None else parse_name("cluster", cluster),
    )


def within(
    option: str, ranges: tuple[AddressRange, ...], prefix: Prefix
) -> tuple[AddressRange, ...]:
    """The ranges that lie in this pool.

    Raises InvalidOptionError if one reaches over the pool's edge.
    """
    whole = span(prefix)
    chosen = []
    for part in ranges:
        if part.first in whole and part.last in whole:
            chosen.append(part)
        elif part.first in whole or part.last in whole:
            raise InvalidOptionError(
                f"{option} has {part}, which reaches over the edge of {prefix}; "
                f"keep it inside the pool"
            )
    return tuple(chosen)


def _sizes(text: str) -> tuple[int, ...]:
    sizes = []
    for item in _items(text):
        number = item.removeprefix("/")
        if not (number.isascii() and number.isdecimal()) or not 1 <= int(number) <= 128:
            raise InvalidOptionError(
                f"prefix is {text!r}, expected lengths such as 28, or 28,72 to give "
                f"one for IPv6 (more than 32) as well"
            )
        sizes.append(int(number))
    return tuple(sizes)


def _ranges(option: str, text: str) -> tuple[AddressRange, ...]:
    try:
        return tuple(parse_range(item) for item in _items(text))
    except (InvalidAddressError, InvalidPrefixError) as error:
        raise InvalidOptionError(
            f"{option} is {text!r}, expected addresses, prefixes or first-last, "
            f"separated by commas: {error}"
        ) from error


def _items(text: str) -> list[str]:
    return [item for item in (part.strip() for part in text.split(",")) if item]
