"""Expressions of rules, as libnftables-json(5) has them, over one packet.

A value may be UNKNOWN, because it is not part of what a trace is asked about, or ABSENT, because
the packet has no such field.  What is not understood is UNKNOWN, too, never a guess.
"""

import socket
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

from plugin.trace.packet import ESTABLISHED, ICMP, NEW, TCP, UDP, Packet

Fib = Callable[[Packet, str, tuple[str, ...]], object]


class Special(Enum):
    """Values that are none."""

    UNKNOWN = "unknown"
    ABSENT = "absent"


UNKNOWN: Final = Special.UNKNOWN
ABSENT: Final = Special.ABSENT
_PROTOCOLS: Final = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp", 132: "sctp"}
_FAMILIES: Final = {4: "ipv4", 6: "ipv6"}
_ETHER: Final = {4: "ip", 6: "ip6"}
_PORTS: Final = (TCP, UDP, "sctp", "dccp", "udplite")
_THIS_ICMP: Final = {"icmp": "echo-request", "icmpv6": "echo-request"}
_OTHERS: Final = (*_PORTS, "igmp", "arp", "vlan", "esp", "ah")
_SYN: Final = "syn"


def value_of(expression: Any, packet: Packet, fib: Fib) -> Any:
    """What the expression is for the packet; a tuple for a concatenation."""
    if not isinstance(expression, dict) or len(expression) != 1:
        return UNKNOWN
    ((kind, body),) = expression.items()
    if kind == "concat":
        return tuple(value_of(each, packet, fib) for each in body)
    if kind in _BITS:
        return _bits(kind, body, packet, fib)
    if kind == "fib":
        flags = body.get("flags", [])
        return fib(
            packet, body.get("result", ""), tuple([flags] if isinstance(flags, str) else flags)
        )
    reader = _READERS.get(kind)
    return UNKNOWN if reader is None else reader(body, packet)


def _bits(kind: str, body: Any, packet: Packet, fib: Fib) -> Any:
    left, right = (each if isinstance(each, int) else value_of(each, packet, fib) for each in body)
    if ABSENT in (left, right):
        return ABSENT
    if not isinstance(left, int) or not isinstance(right, int):
        return UNKNOWN
    return _BITS[kind](left, right)


_BITS: Final[Mapping[str, Callable[[int, int], int]]] = {
    "&": int.__and__,
    "|": int.__or__,
    "^": int.__xor__,
    "<<": int.__lshift__,
    ">>": int.__rshift__,
}


def _meta(body: Any, packet: Packet) -> Any:
    key = body.get("key")
    known: Mapping[str, Any] = {
        "iifname": packet.iif,
        "iif": packet.iif,
        "oifname": packet.oif,
        "oif": packet.oif,
        "iifkind": packet.iif_kind,
        "oifkind": packet.oif_kind,
        "ibrname": packet.bridge,
        "obrname": packet.bridge,
        "mark": packet.mark,
        "l4proto": packet.protocol,
        "nfproto": _FAMILIES[packet.version],
        "protocol": _ETHER[packet.version],
        "pkttype": "host",
        "physin": packet.physin,
        "physout": packet.physout,
    }
    return known.get(key, UNKNOWN)


def _connection(body: Any, packet: Packet) -> Any:
    key = body.get("key")
    if key == "state":
        return packet.state
    if key == "status":
        names = {
            "dnat": packet.dnat,
            "snat": packet.snat,
            "confirmed": packet.state == ESTABLISHED,
            "assured": False,
            "seen-reply": packet.state == ESTABLISHED,
            "dying": False,
        }
        return frozenset(name for name, holds in names.items() if holds)
    if key == "direction":
        return "original" if packet.state == NEW else "reply"
    return 0 if key == "mark" else UNKNOWN


def _payload(body: Any, packet: Packet) -> Any:
    protocol, field = body.get("protocol"), body.get("field")
    if protocol is None:
        return _raw(packet)
    if protocol == "ether":
        macs = {"saddr": packet.source_mac, "daddr": packet.destination_mac}
        if field == "type":
            return _ETHER[packet.version]
        return UNKNOWN if macs.get(field) is None else macs[field]
    if protocol in _ETHER.values():
        return _address_field(field, packet) if protocol == _ETHER[packet.version] else ABSENT
    return _transport(protocol, field, packet)


def _raw(packet: Packet) -> Any:
    """Bytes of the packet by their place: behind the ports it has none that a trace knows."""
    return UNKNOWN if packet.protocol in _PORTS else ABSENT


def _address_field(field: str, packet: Packet) -> Any:
    known = {
        "saddr": str(packet.source),
        "daddr": str(packet.destination),
        "protocol": packet.protocol,
        "nexthdr": packet.protocol,
        "version": packet.version,
    }
    return known.get(field, UNKNOWN)


def _transport(protocol: str, field: str, packet: Packet) -> Any:
    if protocol in _THIS_ICMP:
        if packet.protocol != ICMP[6 if protocol == "icmpv6" else 4]:
            return ABSENT
        if field == "type":
            return _THIS_ICMP[protocol] if packet.state == NEW else "echo-reply"
        return UNKNOWN
    if protocol not in {"th", packet.protocol}:
        return ABSENT if protocol in _OTHERS else UNKNOWN
    return _port_field(protocol, field, packet)


def _port_field(protocol: str, field: str, packet: Packet) -> Any:
    ports = {"sport": packet.sport, "dport": packet.dport}
    if packet.protocol in _PORTS and field in ports:
        return UNKNOWN if ports[field] is None else ports[field]
    if protocol == TCP and field == "flags":
        return frozenset([_SYN] if packet.state == NEW else [_SYN, "ack"])
    return UNKNOWN


_READERS: Final[Mapping[str, Callable[[Any, Packet], Any]]] = {
    "meta": _meta,
    "ct": _connection,
    "payload": _payload,
    # No packet that is traced has extension headers.
    "exthdr": lambda body, _: ABSENT if "field" in body else False,
}


def plain(literal: Any) -> Any:
    """A literal in the form that values have."""
    if isinstance(literal, dict) and "elem" in literal:
        return plain(literal["elem"]["val"])
    if isinstance(literal, dict) and "concat" in literal:
        return tuple(map(plain, literal["concat"]))
    return literal


def protocol_name(text: str | int) -> str:
    """A protocol by its name, also where it is given as a number."""
    number = int(text) if str(text).isdigit() else None
    return str(text) if number is None else _PROTOCOLS.get(number, str(text))


def is_same(value: Any, literal: Any) -> bool | Special:
    """Whether a value is what a literal says: one value, a prefix, a range or a pattern."""
    if value is UNKNOWN:
        return Special.UNKNOWN
    if isinstance(literal, tuple):
        return _all_same(value, literal)
    if isinstance(literal, dict):
        return _in_span(value, literal)
    return _is_one(value, literal)


def _is_one(value: Any, literal: Any) -> bool:
    if isinstance(literal, str) and isinstance(value, str):
        if literal.endswith("*"):
            return value.startswith(literal[:-1])
        return value == literal or (":" in value and _same_address(value, literal))
    if isinstance(value, str) and isinstance(literal, int):
        return value == protocol_name(literal)
    return bool(value == literal)


def _all_same(value: Any, literal: tuple[Any, ...]) -> bool | Special:
    if not isinstance(value, tuple) or len(value) != len(literal):
        return UNKNOWN
    found = [is_same(v, each) for v, each in zip(value, literal, strict=True)]
    if False in found:
        return False
    return UNKNOWN if UNKNOWN in found else True


def _in_span(value: Any, literal: Mapping[str, Any]) -> bool | Special:
    if "prefix" in literal:
        address, length = literal["prefix"]["addr"], literal["prefix"]["len"]
        low = _number(address)
        here = _number(value)
        if low is None or here is None or (":" in str(address)) != (":" in str(value)):
            return False if here is not None and low is not None else UNKNOWN
        shift = (128 if ":" in str(address) else 32) - int(length)
        return here >> shift == low >> shift
    if "range" in literal:
        low, high = map(_number, literal["range"])
        here = _number(value)
        if low is None or high is None or here is None:
            return UNKNOWN
        return low <= here <= high
    return UNKNOWN


def _number(value: Any) -> int | None:
    """A number, or an address as one: of those a set may have ten thousands."""
    if not isinstance(value, str):
        return value if isinstance(value, int) else None
    family = socket.AF_INET6 if ":" in value else socket.AF_INET
    try:
        return int.from_bytes(socket.inet_pton(family, value.partition("%")[0]))
    except (OSError, ValueError):
        return None


def _same_address(one: str, other: str) -> bool:
    number = _number(one)
    return number is not None and ":" in other and number == _number(other)
