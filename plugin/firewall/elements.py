"""Elements as nft writes them, and as nf_tables holds them.

Each part of a key is padded to four bytes.  An interval is two entries: its first key, and the
first key behind its end.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from ipaddress import IPv6Address, ip_address, ip_network, summarize_address_range
from itertools import zip_longest
from socket import AF_INET, inet_ntop, inet_pton
from typing import Final

from plugin.errors import FirewallError
from plugin.firewall import skeleton
from plugin.model.ids import Key
from plugin.model.rules import SetEntry

IFNAMSIZ: Final = 16  # linux/if.h
_PROTOCOLS: Final = {"tcp": 6, "udp": 17, "sctp": 132}
_PROTOCOL_NAMES: Final = {number: name for name, number in _PROTOCOLS.items()}
NF_PROTOCOLS: Final = {"ipv4": 2, "ipv6": 10}  # linux/netfilter.h
_NF_PROTOCOL_NAMES: Final = {number: name for name, number in NF_PROTOCOLS.items()}
_ANY: Final = ("*",)  # matches any key without an element, as nft writes it


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element of a set or, with ``data``, of a map in our nftables table.

    ``match`` and ``data`` are the parts of a concatenation, as nft writes them.
    """

    set_name: str
    match: tuple[str, ...]
    data: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return ("element", self.set_name, self.match)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A type of nft's: how long it is, and both ways."""

    size: int
    pack: Callable[[str], bytes]
    read: Callable[[bytes], str]


def _integer(size: int) -> _Kind:
    return _Kind(
        size,
        lambda text: int(text, 0).to_bytes(size),
        lambda data: hex(int.from_bytes(data)),
    )


_KINDS: Final = {
    "ifname": _Kind(
        IFNAMSIZ,
        lambda text: text.strip('"').encode().ljust(IFNAMSIZ, b"\0"),
        lambda data: f'"{data.rstrip(bytes(1)).decode(errors="replace")}"',
    ),
    "ether_addr": _Kind(
        6, lambda text: bytes.fromhex(text.replace(":", "")), lambda data: data.hex(":")
    ),
    "ipv4_addr": _Kind(4, partial(inet_pton, AF_INET), partial(inet_ntop, AF_INET)),
    "ipv6_addr": _Kind(16, lambda text: IPv6Address(text).packed, lambda d: str(IPv6Address(d))),
    "inet_proto": _Kind(
        1,
        lambda text: bytes((_PROTOCOLS.get(text) or int(text),)),
        lambda data: _PROTOCOL_NAMES.get(data[0], str(data[0])),
    ),
    "nf_proto": _Kind(
        1, lambda text: bytes((NF_PROTOCOLS[text],)), lambda data: _NF_PROTOCOL_NAMES[data[0]]
    ),
    "inet_service": _Kind(
        2, lambda text: int(text).to_bytes(2), lambda data: str(int.from_bytes(data))
    ),
    "@th,64,128": _integer(16),
    "@th,208,48": _integer(6),
    "@th,96,24": _integer(3),
}
# What a set that is told what it is for (typeof) says, and the type of that.
_TYPES: Final = {
    "iifname": "ifname",
    "ip saddr": "ipv4_addr",
    "ip6 saddr": "ipv6_addr",
    "udp dport": "inet_service",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What the elements of a set or map are like."""

    name: str
    family: str
    key: tuple[str, ...]
    data: tuple[str, ...]
    intervals: bool

    def entries(self, element: Element) -> list[SetEntry]:
        """An element as nf_tables takes it.  Raises FirewallError for what is none of its kind."""
        try:
            data = _pack(self.data, element.data)
            if element.match == _ANY:
                return [SetEntry(key=b"", data=data)]
            if not self.intervals:
                return [SetEntry(key=_pack(self.key, element.match), data=data)]
            (text,) = element.match
            return list(_interval(text, data))
        except (ValueError, OverflowError, OSError) as error:
            raise FirewallError(f"{element.key} is no element of {self.name}: {error}") from error

    def elements(self, entries: Sequence[SetEntry]) -> Iterator[Element]:
        """Elements as nft writes them; entries of another kind are passed over."""
        sizes = (_size(self.key), _size(self.data))
        known = [e for e in entries if len(e.key) == sizes[0] and (e.ends or _fits(e, sizes[1]))]
        yield from (
            self._element(_ANY, e.data) for e in entries if not e.key and _fits(e, sizes[1])
        )
        if self.intervals:
            yield from self._joined(known)
            return
        for entry in known:
            yield self._element(_read(self.key, entry.key), entry.data)

    def _joined(self, entries: list[SetEntry]) -> Iterator[Element]:
        """At one key the end of an interval comes before the start of the next."""
        entries.sort(key=lambda each: (each.key, not each.ends))
        size = _size(self.key)
        for entry, following in zip_longest(entries, entries[1:]):
            if not entry.ends:
                last = int.from_bytes(following.key) - 1 if following else (1 << size * 8) - 1
                yield self._element((_prefix(entry.key, last.to_bytes(size)),), entry.data)

    def _element(self, match: tuple[str, ...], data: bytes) -> Element:
        return Element(set_name=self.name, match=match, data=_read(self.data, data))


def _interval(text: str, data: bytes) -> Iterator[SetEntry]:
    if "-" in text:
        first, last = map(ip_address, text.split("-"))
    else:
        network = ip_network(text)
        first, last = network.network_address, network.broadcast_address
    yield SetEntry(key=first.packed, data=data)
    after = int(last) + 1
    if after < 1 << last.max_prefixlen:
        yield SetEntry(key=after.to_bytes(len(last.packed)), ends=True)


def _prefix(first: bytes, last: bytes) -> str:
    """A subnet, or the text of an element that pynet did not write."""
    ends = ip_address(first), ip_address(last)
    networks = list(summarize_address_range(*ends))
    return str(networks[0]) if len(networks) == 1 else "-".join(map(str, ends))


def _fits(entry: SetEntry, size: int) -> bool:
    return len(entry.data) == size


@cache
def _size(kinds: tuple[str, ...]) -> int:
    if len(kinds) == 1:
        return _KINDS[kinds[0]].size
    return sum(_padded(_KINDS[kind].size) for kind in kinds)


def gap_of(kind: str) -> int:
    """How many bytes a part of that type is filled up with where it is one of several."""
    size = _KINDS[kind].size
    return _padded(size) - size


def _padded(size: int) -> int:
    return (size + 3) & ~3


@cache
def _packing(kinds: tuple[str, ...]) -> tuple[tuple[Callable[[str], bytes], int], ...]:
    """How each part is packed, and to which length: a part with others is padded."""
    known = [_KINDS[kind] for kind in kinds]
    return tuple((each.pack, _padded(each.size) if len(known) > 1 else 0) for each in known)


def _pack(kinds: tuple[str, ...], parts: tuple[str, ...]) -> bytes:
    pairs = zip(_packing(kinds), parts, strict=True)
    packed = b"".join([pack(part).ljust(length, b"\0") for (pack, length), part in pairs])
    if len(packed) != _size(kinds):
        raise ValueError(f"{' . '.join(parts)} is not {' . '.join(kinds)}")
    return packed


def _read(kinds: tuple[str, ...], data: bytes) -> tuple[str, ...]:
    found = []
    for kind in kinds:
        size = _KINDS[kind].size
        found.append(_KINDS[kind].read(data[:size]))
        data = data[_padded(size) :]
    return tuple(found)


def _shape(family: str, name: str, spec: str) -> Shape:
    types, *rest = spec.split(";")
    key, _, data = types.split(" ", 1)[1].partition(" : ")
    return Shape(
        name=name,
        family=family,
        key=tuple(_TYPES.get(part, part) for part in key.split(" . ")),
        data=tuple(data.split(" . ")) if data else (),
        intervals=any("interval" in each for each in rest),
    )


# Elements that packets add to a set (flags dynamic) belong to no plan.
SHAPES: Final = {
    name: _shape(family, name, spec)
    for kinds in (skeleton.SETS, skeleton.MAPS)
    for family, specs in kinds.items()
    for name, spec in specs.items()
    if "dynamic" not in spec
}
