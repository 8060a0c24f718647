"""What a host's network holds: links and their settings, addresses, routes, neighbours, elements.

Taken before and after a test and compared, it shows what was left behind.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lab.commands import CommandError, run
from tests.lab.namespace import enter, ip_json

_SETTINGS: Final = (
    "ipv4/conf/*/route_localnet",
    "ipv4/conf/*/arp_notify",
    "ipv6/conf/*/ndisc_notify",
    "ipv6/conf/*/disable_ipv6",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """One look at a network namespace, as lines that can be compared."""

    lines: frozenset[str]

    def beyond(self, earlier: "Traces") -> list[str]:
        """Return what is there now and was not then."""
        return sorted(self.lines - earlier.lines)

    def missing(self, earlier: "Traces") -> list[str]:
        """Return what was there then and is not now."""
        return sorted(earlier.lines - self.lines)


def take(netns: Path) -> Traces:
    """Look at a network namespace."""
    lines = [*_addresses(netns), *_routes(netns), *_neighbours(netns), *_rules(netns)]
    return Traces(lines=frozenset([*lines, *elements(netns), *_settings(netns), *_queues(netns)]))


def elements(netns: Path) -> list[str]:
    """Return every set and map element of pynet's tables, one line each.

    Only these are listed: older nft commands crash on others' newer tables.
    """
    return [line for family in ("inet", "bridge") for line in _elements(netns, family)]


def _elements(netns: Path, family: str) -> list[str]:
    try:
        text = run(enter(netns, "nft", "-j", "list", "table", family, "pynet"))
    except CommandError as error:
        if "No such file" in error.output:
            return []
        raise
    lines = []
    for entry in json.loads(text)["nftables"]:
        for kind in ("set", "map"):
            if kind in entry:
                name = entry[kind]["name"]
                lines += [
                    f"nft {kind} {name}: {json.dumps(element, sort_keys=True)}"
                    for element in entry[kind].get("elem", [])
                ]
    return lines


def _settings(netns: Path) -> list[str]:
    """Return those settings of links that pynet makes, wherever they are not the kernel's."""
    names = " ".join(f"/proc/sys/net/{name}" for name in _SETTINGS)
    text = run(enter(netns, "sh", "-c", f"grep -s '[^0]' {names} || true"))
    lines = (line.removeprefix("/proc/sys/net/") for line in text.splitlines())
    # Of all links together, and of those to come: these stay (docs/reference/bridge.md).
    return [f"setting {each}" for each in lines if "/all/" not in each and "/default/" not in each]


def _queues(netns: Path) -> list[str]:
    """Return what queues links have that are not the kernel's own, and who redirects frames."""
    found = json.loads(run(enter(netns, "tc", "-j", "qdisc", "show")))
    return [
        f"queue {each['kind']} of {each['dev']}"
        for each in found
        if each["kind"] not in ("noqueue", "mq", "fq_codel", "pfifo_fast", "fq")
    ]


def _addresses(netns: Path) -> list[str]:
    lines = []
    for link in ip_json(netns, "address", "show"):
        lines.append(f"link {link['ifname']}")
        lines += [
            f"address {address['local']}/{address['prefixlen']} on {link['ifname']}"
            for address in link["addr_info"]
            # The kernel gives and takes these with the state of the link.
            if address["scope"] != "link"
        ]
    return lines


def _routes(netns: Path) -> list[str]:
    lines = []
    for family in ("-4", "-6"):
        lines += [
            f"route {route['dst']} on {route.get('dev', '?')}"
            for route in ip_json(netns, family, "route", "show")
            if not route["dst"].startswith(("fe80:", "ff00:"))
        ]
    return lines


def _neighbours(netns: Path) -> list[str]:
    """Return those that a program told the kernel; what it learns by itself comes and goes."""
    return [
        f"neighbour {each['dst']} at {each.get('lladdr', '?')} on {each['dev']}"
        for each in ip_json(netns, "neigh", "show", "nud", "permanent")
    ]


def _rules(netns: Path) -> list[str]:
    """Return the rules in Docker's chains that are pynet's, with their number."""
    lines = []
    for command in ("iptables", "ip6tables"):
        rules = run(enter(netns, command, "-w", "-S")).splitlines()
        ours = [rule for rule in rules if "--comment pynet" in rule]
        lines += [f"{command} {rule} (no. {number})" for number, rule in enumerate(ours, 1)]
    return lines
