"""Rulesets from texts, and packets, for the evaluator's tests."""

import json
from ipaddress import ip_address
from typing import Any

from plugin.trace import iptables_save, nft_json
from plugin.trace.judge import Judge, Ruling
from plugin.trace.packet import EPHEMERAL, Packet
from plugin.trace.ruleset import Ruleset

LOCAL = "192.0.2.1"


def fib(packet: Packet, result: str, flags: tuple[str, ...]) -> object:
    """The one local address; everything else is routed by eth0."""
    address = packet.source if "saddr" in flags else packet.destination
    if result == "type":
        return "local" if str(address) == LOCAL else "unicast"
    return packet.iif == "eth0"


def packet(**changes: Any) -> Packet:
    """A first packet from outside to a container's port 80."""
    given = {"source": "198.51.100.7", "destination": "10.1.0.2", **changes}
    ends = {name: ip_address(given.pop(name)) for name in ("source", "destination")}
    usual = {"protocol": "tcp", "sport": EPHEMERAL, "dport": 80, "iif": "eth0", "oif": "br0"}
    return Packet(**ends, **{**usual, **given})


def of_iptables(*rules: str, policy: str = "ACCEPT", version: int = 4) -> Ruleset:
    """The table filter with these rules in FORWARD, and in the chains that they name."""
    own = {rule.split()[1] for rule in rules} - {"FORWARD"}
    heads = [f":FORWARD {policy} [0:0]", *(f":{each} - [0:0]" for each in sorted(own))]
    text = "\n".join(["*filter", *heads, *rules, "COMMIT"])
    return Ruleset(tables=iptables_save.tables(text, version))


def of_nft(*rules: list[Any], policy: str = "accept", extra: tuple[Any, ...] = ()) -> Ruleset:
    """A table of nft with these rules in one chain."""
    where = {"family": "inet", "table": "t"}
    head = {**where, "name": "f", "type": "filter", "hook": "forward", "prio": 0, "policy": policy}
    listed = [
        *({kind: {**where, **body}} for each in extra for kind, body in each.items()),
        {"chain": head},
        *(
            {"rule": {**where, "chain": "f", "handle": n, "expr": rule}}
            for n, rule in enumerate(rules, 1)
        ),
    ]
    return Ruleset(tables=nft_json.tables(json.dumps({"nftables": listed})))


def judged(ruleset: Ruleset, asked: Packet) -> Ruling:
    """What the chain at the hook forward decides."""
    (base,) = ruleset.hooked(("ip", "ip6", "inet"), "forward")
    return Judge(ruleset, fib).judge(base, asked)
