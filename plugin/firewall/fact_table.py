"""Which elements of our tables stand for a fact, and which fact elements stand for.

Each row is a set or map and the fields of a fact that its elements hold.  A fact has an element in
every set whose row is for it, and two facts have no element in common: so elements can be read
back as facts, and what is left is a remnant.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from operator import attrgetter
from typing import Final

from plugin.firewall.elements import SHAPES, Element
from plugin.firewall.fact_types import PREFIX, TYPES, NftType, packed, packs, unquoted
from plugin.model.facts import Fact, Remnant
from plugin.model.nat import (
    DockerPublishes,
    HostSeenAs,
    Masquerade,
    Published,
    SourceNat,
    UserMasquerades,
)
from plugin.model.network import IPAddress
from plugin.model.rules import SetEntry
from plugin.model.spanning import EncryptedNetwork, OwnGateway, PeerHost, SpannedNetwork
from plugin.model.speakers import (
    ContainerAddress,
    ForgedSource,
    GatewayContainer,
    HeardOnShim,
    SpeaksAs,
    SpeaksFrom,
)
from plugin.model.traffic import (
    AdoptedSubnet,
    Barred,
    BarredPort,
    DockerBridge,
    ExposedBridge,
    Exposure,
    HostService,
    LinkRole,
    OpenPort,
    OtherBridge,
    Reach,
    Role,
    Subnet,
    TrustedLink,
)

_ANY4: Final = IPv4Address(0)
_ANY6: Final = IPv6Address(0)


@dataclass(frozen=True, slots=True)
class _Row:
    """A set or map, and the fields of a fact that are in its keys and its data.

    ``given`` are fields with the same value in all facts of the row.  ``holds`` are the fields that
    select this row among those of its kind; without it, ``given`` does.
    """

    set_name: str
    kind: Callable[..., Fact]
    key: tuple[str, ...]
    data: tuple[str, ...] = ()
    given: Mapping[str, object] = field(default_factory=dict)
    holds: Mapping[str, object] = field(default_factory=dict)

    @property
    def types(self) -> tuple[tuple[str, NftType], ...]:
        """The fields in their order, and the type of each."""
        shape = SHAPES[self.set_name]
        kinds = [PREFIX] if shape.intervals else [TYPES[kind] for kind in shape.key]
        kinds += [TYPES[kind] for kind in shape.data]
        return tuple(zip((*self.key, *self.data), kinds, strict=True))


class _Lookup:
    """A row, ready for use.  ``alone`` is one whose facts have no other element."""

    def __init__(self, row: _Row) -> None:
        self._row = row
        self._key = row.types[: len(row.key)]
        self._data = row.types[len(row.key) :]
        self._shape = SHAPES[row.set_name]
        self._packs = packs(self._key, self._shape.key), packs(self._data, self._shape.data)
        self._holds = row.holds or row.given
        others = [each for each in _ROWS if each.kind is row.kind and each is not row]
        self.alone = all((each.holds or each.given) != self._holds for each in others)
        # What is read fits its set in all but this: the address that stands for any.
        self._asks = [path for path in self._holds if path.endswith("is_unspecified")]

    @property
    def set_name(self) -> str:
        """The set or map."""
        return self._row.set_name

    @property
    def values(self) -> tuple[object, ...]:
        """What facts of this row have at the paths of their kind."""
        return tuple(self._holds.values())

    def element(self, fact: Fact) -> Element:
        """The element of this row for the fact."""
        return Element(
            set_name=self._row.set_name,
            match=tuple(kind.write(getattr(fact, name)) for name, kind in self._key),
            data=tuple(kind.write(getattr(fact, name)) for name, kind in self._data),
        )

    def entries(self, fact: Fact) -> Sequence[SetEntry]:
        """The same as nf_tables takes it."""
        if self._shape.intervals:
            return self._shape.entries(self.element(fact))
        key, data = self._packs
        return (SetEntry(key=packed(fact, key), data=packed(fact, data)),)

    def fact(self, element: Element) -> Fact | None:
        """The fact that the element is for; None if pynet did not write the element."""
        fields = dict(self._row.given)
        parts = (*element.match, *element.data)
        try:
            for (name, kind), part in zip((*self._key, *self._data), parts, strict=True):
                value = kind.read(part)
                if fields.setdefault(name, value) != value:
                    return None
            fact = self._row.kind(**fields)
        except (ValueError, KeyError, OverflowError):
            return None
        return None if any(attrgetter(p)(fact) != self._holds[p] for p in self._asks) else fact


def _roles() -> Iterable[_Row]:
    """Links by themselves; a bridge with itself is the traffic inside a network."""
    for role, name in {
        Role.NETWORK: "bridges",
        Role.ADOPTED: "adopted",
        Role.INTERNAL: "internal",
        Role.STRICT: "strict",
        Role.OPEN: "open",
        Role.HOST_CLOSED: "host_closed",
        Role.SHIM: "shims",
        Role.GUARDED: "guarded",
        Role.SEPARATE: "separate",
        Role.TUNNEL: "tunnels",
    }.items():
        yield _Row(f"pn_{name}", LinkRole, ("link",), given={"role": role})
    for role, name in {Role.CONNECTED: "same", Role.APART: "apart"}.items():
        yield _Row(f"pn_{name}", LinkRole, ("link", "link"), given={"role": role})


def _of_family(version: int, any_address: IPAddress) -> Iterable[_Row]:
    """What there is a set or map for in each family."""
    for exposure, name in {Exposure.PING: "routed", Exposure.EVERYTHING: "unprotected"}.items():
        given = {"version": version, "exposure": exposure}
        yield _Row(f"pn_{name}{version}", ExposedBridge, ("bridge",), given=given)
    subnets = {Subnet: "subnets", AdoptedSubnet: "shared", Masquerade: "masquerade"}
    own = {"prefix.version": version}
    for kind, name in subnets.items():
        yield _Row(f"pn_{name}{version}", kind, ("prefix",), holds=own)
    yield _Row(f"pn_sources{version}", SourceNat, ("prefix",), ("source",), holds=own)
    own = {"address.version": version}
    yield _Row(f"pn_members{version}", ContainerAddress, ("address",), holds=own)
    yield _Row(f"pn_peers{version}", PeerHost, ("address", "port", "vni"), holds=own)
    yield _Row(f"pn_own_gateways{version}", OwnGateway, ("link", "address"), holds=own)
    yield _Row(f"pn_shim{version}", HeardOnShim, ("shim", "mac_address", "address"), holds=own)
    yield _Row(f"pn_guard{version}", SpeaksFrom, ("link", "address"), holds=own)
    yield _Row(f"pn_routed_ports{version}", OpenPort, ("address", "protocol", "port"), holds=own)
    own = {"source.version": version}
    for name in ("pairs", "allowed"):  # on the bridge, and by way of the host
        yield _Row(f"pn_{name}{version}", Reach, ("source", "destination"), holds=own)
    port, target = ("protocol", "host_port"), ("container_ip", "container_port")
    given = {"host_ip": any_address}
    own = {"host_ip.version": version, "host_ip.is_unspecified": True}
    yield _Row(f"pn_ports{version}", Published, port, target, given=given, holds=own)
    own = {"host_ip.version": version, "host_ip.is_unspecified": False}
    yield _Row(f"pn_host_ports{version}", Published, ("host_ip", *port), target, holds=own)


def _barred() -> Iterable[_Row]:
    """Only IPv6 is carried to ports; a port on any address has no address in its sets."""
    for barred, prefix in {Barred.CLOSED_NETWORKS: "", Barred.EVERY_NETWORK: "strict_"}.items():
        port = ("protocol", "port")
        given: dict[str, object] = {"barred": barred}
        holds = {"barred": barred, "address.is_unspecified": True}
        anywhere = {**given, "address": _ANY6}
        yield _Row(f"pn_{prefix}carried", BarredPort, port, given=anywhere, holds=holds)
        name, holds = f"pn_{prefix}host_carried", {**holds, "address.is_unspecified": False}
        yield _Row(name, BarredPort, ("address", *port), given=given, holds=holds)


_ROWS: Final = (
    *_roles(),
    *_of_family(4, _ANY4),
    *_of_family(6, _ANY6),
    *_barred(),
    _Row("pn_trusted", TrustedLink, ("link", "bridge")),
    _Row("pn_gateways", GatewayContainer, ("bridge", "mac_address")),
    _Row("pn_echoes", ForgedSource, ("link", "mac_address")),
    _Row("pn_lan4", DockerPublishes, ("prefix",), holds={"prefix.version": 4}),
    _Row("pn_docker", DockerBridge, ("bridge",)),
    _Row("pn_outside", OtherBridge, ("bridge",)),
    _Row("pn_obeyed", UserMasquerades, ("version",)),
    _Row("pn_host_services", HostService, ("link", "protocol", "port")),
    _Row("pn_vxlan", SpannedNetwork, ("port", "vni")),
    _Row("pn_encrypted", EncryptedNetwork, ("port", "vni")),
    _Row("pn_shim_sources4", HostSeenAs, ("container_ip",), ("host_ip",)),
    _Row("pn_guard_mac", SpeaksAs, ("link", "mac_address")),
    _Row("pn_guard_lladdr6", SpeaksAs, ("link", "mac_address")),
    _Row("pn_guard_target6", SpeaksFrom, ("link", "address"), holds={"address.version": 6}),
)
_BY_SET: Final = {row.set_name: _Lookup(row) for row in _ROWS}


class _Lookups:
    """All rows for facts of one kind, by the fields that select a row."""

    def __init__(self, rows: Iterable[_Row]) -> None:
        self._by_values: dict[object, list[_Lookup]] = {}
        for row in rows:
            lookup = _BY_SET[row.set_name]
            self._paths = tuple(row.holds or row.given)
            self._by_values.setdefault(lookup.values, []).append(lookup)
        self._get = [attrgetter(path) for path in self._paths]

    def of(self, fact: Fact) -> list[_Lookup]:
        """The rows for one fact; none if there is no place for it."""
        return self._by_values.get(tuple([get(fact) for get in self._get]), [])


_BY_KIND: Final = {
    kind: _Lookups(row for row in _ROWS if row.kind is kind) for kind in {r.kind for r in _ROWS}
}


def elements_of(fact: Fact) -> list[Element]:
    """What stands for a fact."""
    if isinstance(fact, Remnant):
        return [Element(set_name=fact.place, match=fact.match, data=fact.data)]
    return [each.element(fact) for each in _BY_KIND[type(fact)].of(fact)]


def entries_of(fact: Fact) -> Iterator[tuple[str, Sequence[SetEntry]]]:
    """What stands for a fact, by the names of sets.  Raises FirewallError for what no set takes."""
    if isinstance(fact, Remnant):
        for element in elements_of(fact):
            yield element.set_name, SHAPES[element.set_name].entries(element)
        return
    for each in _BY_KIND[type(fact)].of(fact):
        yield each.set_name, each.entries(fact)


def facts_of(elements: Iterable[Element]) -> frozenset[Fact]:
    """What elements stand for, all of them."""
    found: set[Fact] = set()
    parts: dict[Fact, list[Element]] = {}
    for element in elements:
        lookup = _BY_SET[element.set_name]
        fact = lookup.fact(element)
        if fact is None:
            found.add(_remnant(element))
        elif lookup.alone:
            found.add(fact)
        else:
            parts.setdefault(fact, []).append(element)
    for fact, there in parts.items():
        if len(there) == len(_BY_KIND[type(fact)].of(fact)):
            found.add(fact)
        else:
            found |= {_remnant(each, fact) for each in there}
    return frozenset(found)


def _remnant(element: Element, fact: Fact | None = None) -> Remnant:
    texts = (*element.match, *element.data)
    links = frozenset(unquoted(each) for each in texts if each.startswith('"'))
    at, match, data = element.set_name, element.match, element.data
    return Remnant(place=at, match=match, data=data, links=links, fact=fact)
