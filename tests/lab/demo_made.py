"""What `make demo` made on the host, object by object, each with what it is for."""

import json
import re
from typing import Any, Final

from rich.table import Table

from tests.golden.words import CONTAINERS
from tests.lab.traces import Traces

KINDS: Final = (
    *("link", "address", "route", "neighbour", "nft"),
    *("iptables", "ip6tables", "setting", "queue"),
)
# By what an object's line has in it; a set that is not here is explained as on the firewall's page.
MEANINGS: Final = {
    "^link demo-lan|^(address|route) .* on demo-lan": "the demo's own LAN",
    "^link pnh-": "the host's own link among the containers of a LAN",
    "^neighbour .* on pnh-": "the container's MAC address, as the LAN sees it",
    "^link pnb-": "the network's bridge",
    "^link pnv-": "the host's end of a container's link",
    "set pn_bridges:": "this link is a bridge of pynet",
    "set pn_same:": "traffic inside the network passes",
    "set pn_subnets[46]:": "replies to published ports come back through the host",
    "set pn_masquerade[46]:": "containers go out with the host's address",
    "map pn_ports[46]:": "a port of the host, and the container and port it leads to",
    "set pn_guard_mac:": "a container sends from its own MAC address only",
    "set pn_guard[46]:": "a container sends from its own IP addresses only",
    "set pn_guard_(target|lladdr)6:": "a container announces its own addresses only",
    "set pn_guarded:": "what this container sends is checked",
    "set pn_refusals:": "a guard has dropped frames of this container",
    "set pn_vxlan:": "the network's port and number between hosts",
    "set pn_encrypted:": "the network is sent and heard encrypted only",
    "set pn_peers[46]:": "this host may send for the network",
    "set pn_tunnels:": "this bridge port leads to other hosts",
    "set pn_carried:": "[::1] reaches the published port, by the proxy",
    "^address ": "the containers' gateway",
    "^route ": "the way to the containers",
    "/route_localnet:": "127.0.0.1 reaches published ports",
    "/disable_ipv6:": "the network has no IPv6",
    "^ip6?tables ": "Docker's chains let through what pynet's tables passed",
}


def made_table(made: Traces) -> Table:
    """Show what was on the host while the containers ran."""
    table = Table(title="What pynet made on the host", title_justify="left")
    for heading in ("kind", "object", "what for"):
        table.add_column(heading)
    for line in sorted(made.lines, key=lambda line: (KINDS.index(line.split()[0]), line)):
        kind, _, rest = line.partition(" ")
        table.add_row("nft element" if kind == "nft" else kind, _plain(rest), meaning(line))
    return table


def meaning(line: str) -> str:
    """What an object of the host is for."""
    for pattern, text in MEANINGS.items():
        if re.search(pattern, line):
            return text
    if name := re.search(r"^nft (?:set|map) (pn_\w+?)[46]?:", line):
        return CONTAINERS[name[1]][0].replace("`", "")
    return ""


def _plain(text: str) -> str:
    """Return an element without its JSON; everything else as it is."""
    name, colon, data = text.partition(": ")
    return f"{name}: {_words(json.loads(data))}" if colon else text


def _words(value: Any) -> str:
    """Return the words of nft's JSON: `10.0.0.0/24`, `tcp . 80 -> 10.0.0.2 . 80`."""
    match value:
        case {"prefix": {"addr": address, "len": length}}:
            return f"{address}/{length}"
        case {"concat": parts}:
            return " . ".join(map(_words, parts))
        case {"elem": {"val": inner}}:
            return _words(inner)
        case [key, data]:
            return f"{_words(key)} -> {_words(data)}"
        case _:
            return str(value)
