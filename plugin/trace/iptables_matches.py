"""The matches of iptables as comparisons of nft: what is compared, and with what."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from plugin.trace.expressions import protocol_name

_ICMP: Final = {"8": "echo-request", "128": "echo-request", "0": "echo-reply", "129": "echo-reply"}

Found = tuple[Any, Any] | None  # None for what is not understood
STATES: Final = {
    "NEW": "new",
    "ESTABLISHED": "established",
    "RELATED": "related",
    "INVALID": "invalid",
    "UNTRACKED": "untracked",
}


def _address(field: str) -> Callable[[str, int], Found]:
    def read(text: str, version: int) -> Found:
        address, _, length = text.partition("/")
        left = {"payload": {"protocol": "ip6" if version == 6 else "ip", "field": field}}
        longest = 128 if ":" in address else 32
        if length and not (length.isdecimal() and int(length) <= longest):
            return None
        return left, {"prefix": {"addr": address, "len": int(length)}} if length else address

    return read


def _meta(key: str) -> Callable[[str, int], Found]:
    return lambda text, _: ({"meta": {"key": key}}, text.replace("+", "*"))


def _protocol(text: str, _: int) -> Found:
    name = protocol_name(text).lower()
    if name == "all":
        return None
    return {"meta": {"key": "l4proto"}}, "ipv6-icmp" if name in ("ipv6-icmp", "icmpv6") else name


def _ports(field: str) -> Callable[[str, int], Found]:
    def read(text: str, _: int) -> Found:
        spans = [_span(each) for each in text.split(",")]
        return {"payload": {"protocol": "th", "field": field}}, {"set": spans}

    return read


def _span(text: str) -> Any:
    low, colon, high = text.partition(":")
    return {"range": [int(low or 0), int(high or 65535)]} if colon else int(low)


def _states(text: str, _: int) -> Found:
    wanted = [STATES[each] for each in text.split(",") if each in STATES]
    return {"ct": {"key": "state"}}, wanted


def _mark(text: str, _: int) -> Found:
    value, *rest = text.split("/")
    mask = rest[0] if rest else ""
    mark = {"meta": {"key": "mark"}}
    left: Any = {"&": [mark, int(mask, 0)]} if mask else mark
    return left, int(value, 0)


def _kind(flag: str) -> Callable[[str, int], Found]:
    def read(text: str, _: int) -> Found:
        return {"fib": {"result": "type", "flags": [flag]}}, text.lower().split(",")

    return read


def _icmp(protocol: str) -> Callable[[str, int], Found]:
    def read(text: str, _: int) -> Found:
        kind = text.partition("/")[0]
        return {"payload": {"protocol": protocol, "field": "type"}}, _ICMP.get(kind, kind)

    return read


MATCHES: Final[Mapping[str, Callable[[str, int], Found]]] = {
    "-s": _address("saddr"),
    "-d": _address("daddr"),
    "-i": _meta("iifname"),
    "-o": _meta("oifname"),
    "-p": _protocol,
    "--dport": _ports("dport"),
    "--sport": _ports("sport"),
    "--dports": _ports("dport"),
    "--sports": _ports("sport"),
    "--ctstate": _states,
    "--state": _states,
    "--mark": _mark,
    "--dst-type": _kind("daddr"),
    "--src-type": _kind("saddr"),
    "--icmp-type": _icmp("icmp"),
    "--icmpv6-type": _icmp("icmpv6"),
    "--pkt-type": lambda text, _: ({"meta": {"key": "pkttype"}}, text),
    "--physdev-in": _meta("physin"),
    "--physdev-out": _meta("physout"),
}
