"""Option names to typed values, and refusals that name the values that are right.

A mode declares its options as a tuple of Option.  The registry refuses other names, and knows
which mode has them.  The texts are read once, into Values.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final, Generic, TypeVar, cast

from plugin.errors import InvalidOptionError
from plugin.model.ids import IFNAMSIZ, IfName, link_name, unscoped
from plugin.model.network import IPAddress, Protocol, StaticRoute

T = TypeVar("T")
E = TypeVar("E", bound=Enum)

MODE: Final = "mode"
MIN_MTU: Final = 68  # RFC 791 section 3.1: every link carries this much
MIN_MTU_IPV6: Final = 1280  # RFC 8200 section 5
MIN_RATE: Final = 8_000  # a byte a millisecond
MAX_RATE: Final = 32 * 10**9  # linux/pkt_sched.h: a bucket's rate is 32 bits of bytes a second
_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_RATE: Final = re.compile(r"(?P<number>[0-9]{1,12}(\.[0-9]{1,12})?)(?P<scale>[kmg]?)(bit)?")
_FAMILIES: Final = {"ipv4": 4, "ipv6": 6}
_SCALES: Final = {"k": 10**3, "m": 10**6, "g": 10**9}
MAX_PORT: Final = 65535  # RFC 768, RFC 9293
MAX_MTU: Final = 65535  # linux/if_ether.h: ETH_MAX_MTU

# As Go's strconv.ParseBool reads them, and as people write them.
TRUE: Final = frozenset({"true", "1", "t", "yes", "y", "on"})
FALSE: Final = frozenset({"false", "0", "f", "no", "n", "off"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Option(Generic[T]):
    """An option by its short name; ``parse`` raises ValueError for what it cannot read.

    One ``of_host`` is about a single host, and may differ on the others that have the network.
    """

    name: str
    parse: Callable[[str], T]
    default: T
    expected: str
    meaning: str
    of_host: bool = False

    def of(self, options: Mapping[str, str]) -> T:
        """The value the user gave, or the default.  Raises InvalidOptionError."""
        text = options.get(self.name)
        if text is None:
            return self.default
        try:
            return self.parse(text)
        except ValueError:
            raise InvalidOptionError(self.name, text, self.expected) from None


class Values:
    """The values of a network's or of a container's options, each text read once.

    A text that cannot be read is refused when its value is asked for.  So a network that an
    earlier version made keeps all other options.
    """

    __slots__ = ("_options", "_values", "texts")

    def __init__(self, options: Iterable[Option[Any]], texts: Mapping[str, str]) -> None:
        self.texts = texts
        self._options = tuple(options)
        self._values: dict[str, object] = {}
        for option in self._options:
            try:
                self._values[option.name] = option.of(texts)
            except InvalidOptionError:
                continue  # raised when the value is asked for

    def __getitem__(self, option: Option[T]) -> T:
        """The value the user gave, or the default, as it is of one that the mode does not have.

        Raises InvalidOptionError.
        """
        try:
            return cast("T", self._values[option.name])
        except KeyError:
            if option.name not in self.texts:
                return option.default
            raise InvalidOptionError(
                option.name, self.texts[option.name], option.expected
            ) from None

    def readable(self) -> "Values":
        """The same, without the texts that cannot be read."""
        bad = {each.name for each in self._options} - self._values.keys()
        if not bad:
            return self
        texts = {name: text for name, text in self.texts.items() if name not in bad}
        return Values(self._options, texts)

    def check(self) -> None:
        """Raise InvalidOptionError for the first text that cannot be read."""
        for option in self._options:
            _ = self[option]

    def common(self) -> dict[str, str]:
        """What all hosts of a network must have alike: options that are not of a host, and not the default.

        Raises InvalidOptionError.
        """
        wanted = [each for each in self._options if not each.of_host and self.is_changed(each)]
        return {each.name: _in_one_spelling(self[each], self.texts[each.name]) for each in wanted}

    def is_changed(self, option: Option[Any]) -> bool:
        """Whether the user gave another value than the default."""
        return bool(self[option] != option.default)


def container_values(options: tuple[Option[Any], ...], texts: Mapping[str, str]) -> Values:
    """The values of a container's options; those of a few thousand containers are remembered."""
    return _remembered(options, tuple(texts.items()))


@lru_cache(maxsize=4096)
def _remembered(options: tuple[Option[Any], ...], texts: tuple[tuple[str, str], ...]) -> Values:
    return Values(options, dict(texts))


def _in_one_spelling(value: object, text: str) -> str:
    return str(value).lower() if isinstance(value, bool) else text.strip()


def boolean(text: str) -> bool:
    """true, false and what Docker takes for them.  Raises ValueError."""
    folded = text.lower()
    if folded in TRUE:
        return True
    if folded in FALSE:
        return False
    raise ValueError(text)


def families(text: str) -> frozenset[int]:
    """Both families, one of them, or none."""
    if text in _FAMILIES:
        return frozenset({_FAMILIES[text]})
    return frozenset(_FAMILIES.values()) if boolean(text) else frozenset()


def number(text: str) -> int:
    """A number as people write it: int() takes 1_500, other alphabets' digits and spaces, too.

    Raises ValueError.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def number_between(least: int, most: int) -> Callable[[str], int]:
    """A number within bounds, which belong to the range.  Raises ValueError."""

    def parse(text: str) -> int:
        value = number(text)
        if not least <= value <= most:
            raise ValueError(text)
        return value

    return parse


def mtu(text: str) -> int:
    """A number of bytes; 0 is "not asked for", as it is to Docker.  Raises ValueError."""
    size = number(text)
    if size and not MIN_MTU <= size <= MAX_MTU:
        raise ValueError(text)
    return size


def ifname_list(text: str) -> tuple[IfName, ...]:
    """Names with ``:`` between, as Docker has them; no name holds a ``,``, which is a mistake.

    Raises ValueError.
    """
    if "," in text:
        raise ValueError(text)
    return listed(":", link_name)(text)


def ifname_prefix(text: str) -> str:
    """What dockerd puts a number behind in the sandbox.  Raises ValueError."""
    if len(text.encode()) > IFNAMSIZ - 2:
        raise ValueError(text)
    return link_name(text)


def ipv4_address(text: str) -> IPv4Address:
    """One IPv4 address."""
    return IPv4Address(text)


def ipv6_address(text: str) -> IPv6Address:
    """One IPv6 address."""
    return IPv6Address(unscoped(text))


def ip_address_text(text: str) -> IPAddress:
    """One address of either family."""
    return ip_address(unscoped(text))


def address_list(text: str) -> tuple[IPAddress, ...]:
    """Addresses with ``;`` or ``,`` between: ``--driver-opt`` of the docker command splits at ``,``."""
    return listed(";", ip_address_text)(text.replace(",", ";"))


def rate(text: str) -> int:
    """Bits per second, with Docker's and tc's letters: ``10mbit``, ``1.5gbit``, ``64kbit``.

    Raises ValueError.
    """
    found = _RATE.fullmatch(text.lower())
    if found is None:
        raise ValueError(text)
    value = float(found["number"]) * _SCALES.get(found["scale"], 1)
    if not MIN_RATE <= value <= MAX_RATE:
        raise ValueError(text)
    return int(value)


def choice(kind: type[E]) -> Callable[[str], E]:
    """One of the values of an enumeration."""
    return kind


def listed(separator: str, parse: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Several values; at least one."""

    def read(text: str) -> tuple[T, ...]:
        return tuple(parse(part.strip()) for part in text.split(separator))

    return read


def port_list(text: str) -> frozenset[tuple[Protocol, int]] | None:
    """``allow`` is None, ``deny`` is no port, anything else is ports as ``53/udp,80``."""
    if text == "allow":
        return None
    if text == "deny":
        return frozenset()
    return frozenset(listed(",", _port)(text))


def route_list(text: str) -> tuple[StaticRoute, ...]:
    """Routes as ``10.0.0.0/8 via 10.1.0.2; 10.2.0.0/16``; a default route has a next hop."""
    return listed(";", _route)(text)


def _port(text: str) -> tuple[Protocol, int]:
    digits, _, name = text.partition("/")
    port = number(digits)
    if not 1 <= port <= MAX_PORT or (name or "tcp").lower() != (name or "tcp"):
        raise ValueError(text)
    try:
        return Protocol[(name or "tcp").upper()], port
    except KeyError:
        raise ValueError(text) from None


def _route(text: str) -> StaticRoute:
    words = text.split()
    destination = ip_network(unscoped(words[0])) if words else None
    if destination is None or len(words) not in (1, 3):
        raise ValueError(text)
    if len(words) == 1 and destination.prefixlen:
        return StaticRoute(destination=destination)
    next_hop = ip_address_text(words[-1])
    if words[1:2] != ["via"] or next_hop.version != destination.version:
        raise ValueError(text)
    return StaticRoute(destination=destination, next_hop=next_hop)
