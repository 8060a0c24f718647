"""Renders docs/firewall.md from the rules of the namespace that the thread is in."""

import json
import re
from pathlib import Path
from typing import Any, Final

from tests.golden.words import CHAINS, CONTAINERS
from tests.kernel.netns import Netns

TEMPLATE: Final = Path(__file__).with_name("firewall.template.md")
_PLACE: Final = re.compile(r"\{\{ (\w+) ?(\w*) \}\}")


class Page:
    """What a kernel with a prepared firewall has to show."""

    def __init__(self, host: Netns) -> None:
        self._host = host

    def render(self) -> str:
        """The whole page."""
        makers = {
            "containers": self._containers,
            "chains": self._chains,
            "docker": lambda _: self._docker(),
        }
        return _PLACE.sub(
            lambda place: makers[place[1]](place[2]), TEMPLATE.read_text(encoding="utf-8")
        )

    def names(self, family: str, *kinds: str) -> list[str]:
        """Sets, maps or chains of a family's table, in the kernel's order."""
        return [each["name"] for each in self._objects(family, *kinds)]

    def _objects(self, family: str, *kinds: str) -> list[dict[str, Any]]:
        listing = json.loads(self._host.run("nft", "-j", "list", "table", family, "pynet"))
        return [item[kind] for item in listing["nftables"] for kind in kinds if kind in item]

    def _containers(self, family: str) -> str:
        rows = ["| set or map | key | holds | put there by |", "|---|---|---|---|"]
        done: set[str] = set()
        for each in self._objects(family, "set", "map"):
            stem = stem_of(each["name"])
            if stem in done:
                continue
            done.add(stem)
            twins = [name for name in self.names(family, "set", "map") if stem_of(name) == stem]
            holds, by = CONTAINERS[stem]
            names = ", ".join(f"`{name}`" for name in twins)
            rows.append(f"| {names} | {_key(each)} | {holds} | {by} |")
        return "\n".join(rows)

    def _chains(self, family: str) -> str:
        return "\n\n".join(self._chain(family, name) for name in self.names(family, "chain"))

    def _chain(self, family: str, name: str) -> str:
        # Numbers where nft has names: those of priorities differ between its versions.
        listing = self._host.run("nft", "-y", "list", "chain", family, "pynet", name)
        rules = [line.strip() for line in listing.splitlines()[2:-2]]
        return f"### `{name}` ({family})\n\n{CHAINS[name]}\n\n```\n" + "\n".join(rules) + "\n```"

    def _docker(self) -> str:
        chains = ("DOCKER-USER", "FORWARD")
        rules = [
            rule for name in chains for rule in self._host.run("iptables", "-S", name).splitlines()
        ]
        return "\n".join(line for line in rules if "pynet" in line)


def stem_of(name: str) -> str:
    """The name without its family."""
    return name.rstrip("46")


def _key(container: dict[str, Any]) -> str:
    kinds = container["type"]
    if isinstance(kinds, str):
        kinds = [kinds]
    words = {"ipv4_addr": "address", "ipv6_addr": "address", "ether_addr": "MAC address"}
    words |= {"ifname": "link", "inet_proto": "protocol", "inet_service": "port"}
    if container.get("flags"):
        return "subnet"
    return ", ".join(words.get(kind, "address") for kind in kinds)
