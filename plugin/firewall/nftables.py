"""The firewall in one nftables table, changed element by element.

Whether an element is ours needs no mark: the whole table is.
"""

import json
from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import Any, Final

from plugin.errors import FirewallError
from plugin.firewall import skeleton
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.nft import NftClient
from plugin.model.resources import Element

_WHERE: Final = f"{skeleton.FAMILY} {skeleton.TABLE}"
_PROTOCOLS: Final = {"6": "tcp", "17": "udp"}  # nft prints numbers where it reads both


class NftablesFirewall:
    """Our table, and the rule that lets what it passed through Docker's."""

    name: str = "nftables"

    def __init__(self, client: NftClient, docker_user: DockerUser, mark: int) -> None:
        self._client = client
        self._docker_user = docker_user
        self._mark = mark

    def prepare(self) -> None:
        self._client.run(skeleton.script(self._mark))
        self._docker_user.ensure()

    def ensure(self, elements: Sequence[Element]) -> None:
        if not elements:
            return
        try:
            self._client.run(_batch("add", elements))
        except FirewallError:
            # The table was flushed, or an element has other data: mend it the slow way.
            self._client.run(skeleton.script(self._mark))
            for element in elements:
                self._replace(element)

    def remove(self, elements: Sequence[Element]) -> None:
        if not elements:
            return
        try:
            self._client.run(_batch("delete", elements))
        except FirewallError:
            for element in elements:
                self._remove_one(element)

    def read(self) -> frozenset[Element]:
        try:
            listing = self._client.list_table(skeleton.FAMILY, skeleton.TABLE)
        except FirewallError:
            return frozenset()  # no table, no elements
        return frozenset(_parse(json.loads(listing)))

    def _replace(self, element: Element) -> None:
        try:
            self._client.run(_command("add", element))
        except FirewallError:
            # The key has other data; deletion is by key, whatever data is given with it.
            self._client.run(_command("delete", element) + _command("add", element))

    def _remove_one(self, element: Element) -> None:
        """Added first, because nft 1.0.6 has no deletion that bears absence."""
        try:
            self._client.run(_command("add", element) + _command("delete", element))
        except FirewallError:
            self._client.run(_command("delete", element))


def _batch(verb: str, elements: Iterable[Element]) -> str:
    return "".join(_command(verb, element) for element in elements)


def _command(verb: str, element: Element) -> str:
    text = " . ".join(element.match)
    if element.data:
        text += " : " + " . ".join(element.data)
    return f"{verb} element {_WHERE} {element.container} {{ {text} }}\n"


def _parse(listing: dict[str, Any]) -> Iterable[Element]:
    for item in listing.get("nftables", ()):
        held = item.get("set") or item.get("map")
        if not held or held["name"] not in skeleton.SETS | skeleton.MAPS:
            continue
        for element in held.get("elem", ()):
            match, data = element if isinstance(element, list) else (element, None)
            yield Element(
                container=held["name"],
                match=_match(match, held["name"]),
                data=_parts(data) if data is not None else (),
            )


def _match(value: Any, container: str) -> tuple[str, ...]:
    """The parts of a key as plans write them: names quoted, protocols by name."""
    parts = _parts(value)
    if container in skeleton.MAPS:
        return (*parts[:-2], _PROTOCOLS.get(parts[-2], parts[-2]), parts[-1])
    if skeleton.SETS[container].startswith("type ifname"):
        return tuple(f'"{part}"' for part in parts)
    # An interval that holds one address is printed without its length.
    return tuple(str(ip_network(part)) for part in parts)


def _parts(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict) and "elem" in value:
        return _parts(value["elem"]["val"])
    if isinstance(value, dict) and "concat" in value:
        return tuple(part for item in value["concat"] for part in _parts(item))
    if isinstance(value, dict) and "prefix" in value:
        return (f"{value['prefix']['addr']}/{value['prefix']['len']}",)
    return (str(value),)
