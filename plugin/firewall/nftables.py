"""The firewall in one nftables table, changed element by element.

Whether an element is ours needs no mark: the whole table is.
"""

import json
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import Any, Final

from plugin.errors import FirewallError, KernelError
from plugin.firewall import skeleton
from plugin.firewall.base import Ruleset
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.nft import NftClient
from plugin.log import Log
from plugin.model.resources import Element
from plugin.model.rules import Chain, Prepared, Rule

_log: Final = Log("nftables")
_Chains = dict[Chain, tuple[bytes, ...]]
_PROTOCOLS: Final = {"6": "tcp", "17": "udp", "132": "sctp"}  # nft prints numbers, reads both


class NftablesFirewall:
    """Our table, and the rule that lets what it passed through Docker's."""

    name: str = "nftables"

    def __init__(
        self, client: NftClient, docker_user: DockerUser, mark: int, ruleset: Ruleset
    ) -> None:
        self._client = client
        self._docker_user = docker_user
        self._mark = mark
        self._ruleset = ruleset
        self._made: _Chains | None = None  # our chains as they were when they were made last
        self._restored: deque[Rule] = deque()

    def check(self) -> None:
        """There is a client; what the kernel refuses is found out by asking."""

    def prepare(self) -> Prepared:
        self._make_skeleton()
        accord = self._docker_user.ensure()
        restored = [self._restored.popleft() for _ in range(len(self._restored))]
        return Prepared(restored=(*restored, *accord.restored), unserved=accord.unserved)

    def ensure(self, elements: Sequence[Element]) -> None:
        if not elements:
            return
        try:
            self._client.run(_batch("add", elements))
        except FirewallError:
            # The table was flushed, or an element has other data: mend it the slow way.
            self._make_skeleton()
            for element in elements:
                self._replace(element)

    def remove(self, elements: Sequence[Element]) -> None:
        if not elements:
            return
        try:
            self._client.run(_removal(elements))
        except FirewallError:
            # The table was flushed, or a key has other data and is somebody else's by now.
            self._make_skeleton()
            self._remove_each(elements)

    def read(self) -> frozenset[Element]:
        return frozenset(element for family in skeleton.FAMILIES for element in self._read(family))

    def close(self) -> None:
        self._client.close()

    def _make_skeleton(self) -> None:
        """Make the skeleton so unless it is; a look takes a tenth of what making takes.

        Who made it anew each time would also answer every change with changes of his own, which
        are announced to whoever listens for changes.
        """
        before = self._look()
        if before and before == self._made:
            return
        self._client.run(skeleton.script(self._mark))
        self._made = self._look()
        if before is not None and self._made is not None:
            self._restored.extend(_lacking(before, self._made))

    def _remove_each(self, elements: Sequence[Element]) -> None:
        """Remove what can be; raise if something of it is there all the same."""
        failed = {}
        for element in elements:
            try:
                self._client.run(_removal([element]))
            except FirewallError as error:
                failed[element] = error
        there = self.read() if failed else frozenset()
        for element, reason in failed.items():
            if element in there:
                raise reason

    def _look(self) -> _Chains | None:
        """Our chains, with their rules; None if they cannot be seen for all that changes."""
        try:
            return self._chains()
        except KernelError as error:
            _log.warning("rules.not_seen", reason=error)
            return None

    def _chains(self) -> _Chains:
        rules = {
            family: self._ruleset.rules(family, skeleton.TABLE) for family in skeleton.FAMILIES
        }
        return {
            chain: rules[chain.family].get(chain.name, ())
            for chain in self._ruleset.chains()
            if chain.table == skeleton.TABLE and chain.family in rules
        }

    def _read(self, family: str) -> Iterable[Element]:
        try:
            listing = self._client.list_table(family, skeleton.TABLE)
        except FirewallError:
            return ()  # no table, no elements
        return _parse(json.loads(listing))

    def _replace(self, element: Element) -> None:
        try:
            self._client.run(_command("add", element))
        except FirewallError:
            # The key has other data; deletion is by key, whatever data is given with it.
            self._client.run(_command("delete", element) + _command("add", element))


def _lacking(before: _Chains, after: _Chains) -> list[Rule]:
    """What of ``after`` was not there; one for a chain that only had other things, too."""
    found = []
    for chain, rules in after.items():
        known = before.get(chain)
        if known != rules:
            rule = Rule(table=f"{chain.family} {chain.table}", chain=chain.name)
            found += [rule] * ((Counter(rules) - Counter(known or ())).total() or 1)
    return found


def _batch(verb: str, elements: Iterable[Element]) -> str:
    return "".join(_command(verb, element) for element in elements)


def _removal(elements: Iterable[Element]) -> str:
    """Added first: that bears absence, which nft 1.0.6 has no deletion for, and fails for a
    key with other data, which a deletion would take along."""
    return "".join(_command("add", each) + _command("delete", each) for each in elements)


def _command(verb: str, element: Element) -> str:
    text = " . ".join(element.match)
    if element.data:
        text += " : " + " . ".join(element.data)
    where = f"{skeleton.family_of(element.container)} {skeleton.TABLE}"
    return f"{verb} element {where} {element.container} {{ {text} }}\n"


def _parse(listing: dict[str, Any]) -> Iterable[Element]:
    for item in listing.get("nftables", ()):
        held = item.get("set") or item.get("map")
        if not held or held["name"] not in _KEY_TYPES:
            continue
        types = _KEY_TYPES[held["name"]]
        for element in held.get("elem", ()):
            match, data = element if isinstance(element, list) else (element, None)
            yield Element(
                container=held["name"],
                match=tuple(map(_as_written, _parts(match), types)),
                data=_parts(data) if data is not None else (),
            )


def _as_written(part: str, kind: str) -> str:
    """A part of a key as plans write it."""
    match kind:
        case "ifname":
            return f'"{part}"'
        case "inet_proto":
            return _PROTOCOLS.get(part, part)
        case "@th,64,128":
            return hex(int(part, 0))
        case "prefix":
            # An interval that holds one address is printed without its length.
            return str(ip_network(part))
    return part


def _key_types() -> dict[str, tuple[str, ...]]:
    """What the parts of the keys of each set and map are."""
    specs = {
        name: spec
        for kinds in (skeleton.SETS, skeleton.MAPS)
        for family in kinds.values()
        for name, spec in family.items()
    }
    found = {}
    for name, spec in specs.items():
        key = spec.partition(";")[0].partition(" : ")[0].split(" ", 1)[1]
        if "flags interval" in spec:
            key = "prefix"
        found[name] = tuple(kind.replace("iifname", "ifname") for kind in key.split(" . "))
    return found


_KEY_TYPES: Final = _key_types()


def _parts(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict) and "elem" in value:
        return _parts(value["elem"]["val"])
    if isinstance(value, dict) and "concat" in value:
        return tuple(part for item in value["concat"] for part in _parts(item))
    if isinstance(value, dict) and "prefix" in value:
        return (f"{value['prefix']['addr']}/{value['prefix']['len']}",)
    return (str(value),)
