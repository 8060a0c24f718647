"""What a network namespace has, asked of ``ip``, ``nft``, ``iptables`` and ``ss``; nothing is changed.

Each is asked when it is needed and once: a namespace does not change while a packet is traced.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import Any, Final

from plugin.errors import HostError, NoPermissionError
from plugin.trace import iptables_save, listeners, nft_json
from plugin.trace.lenient_json import decoded
from plugin.trace.listeners import Listener
from plugin.trace.packet import TCP, UDP, IPAddress, Packet
from plugin.trace.ruleset import Chain, Rule, Ruleset, Table

_SECONDS: Final = 10.0
_NO_RULES: Final = '{"nftables": []}'
_PORTED: Final = (TCP, UDP, "sctp", "dccp", "udplite")
_LEGACY_TABLES: Final = {4: "/proc/self/net/ip_tables_names", 6: "/proc/self/net/ip6_tables_names"}
# What nft takes for a name (its scanner.l).  Its words are one text to it: another name may be a command.
_NAME: Final = re.compile(r"[A-Za-z_.][A-Za-z0-9_./-]*")
_REFUSED: Final = re.compile(r"(?:RTNETLINK answers|Error): *(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link, and the one that it is on or leads to, by number in that one's namespace."""

    name: str
    index: int
    kind: str
    mac: str
    master: str
    below: int
    up: bool
    carrier: bool
    hairpin: bool
    isolated: bool
    mode: str  # of macvlan or ipvlan
    filtered: bool  # a bridge that shows its frames to iptables by its own switch
    vlans: bool  # a bridge that sorts frames by VLAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a packet goes; ``fault`` says why nowhere, in the kernel's words."""

    kind: str = "unicast"
    link: str = ""
    via: IPAddress | None = None
    source: IPAddress | None = None
    fault: str = ""


class Namespace:
    """One namespace: this process's own, or that of a path such as /proc/PID/ns/net."""

    def __init__(self, path: str | None = None) -> None:
        self.path = path
        self._rulesets: dict[int, Ruleset] = {}
        self._switches: dict[str, str | None] = {}
        self._routes: dict[tuple[str, ...], Route] = {}
        self._neighbours: dict[tuple[IPAddress, str], str | None] = {}
        self._texts: dict[tuple[str, ...], str] = {}

    @cached_property
    def links(self) -> dict[str, Link]:
        """Every link by its name."""
        listed = self._json("ip", "-j", "-d", "link", "show")
        numbers = {each["ifname"]: each["ifindex"] for each in listed}
        return {each["ifname"]: _link(each, numbers) for each in listed}

    @cached_property
    def by_index(self) -> dict[int, Link]:
        """Every link by its number."""
        return {link.index: link for link in self.links.values()}

    @cached_property
    def addresses(self) -> dict[str, list[IPAddress]]:
        """The addresses of each link, the kernel's first choice first."""
        return {
            link["ifname"]: [
                ip_address(each["local"])
                for each in sorted(
                    link.get("addr_info", ()), key=lambda a: a.get("scope") != "global"
                )
                if "local" in each
            ]
            for link in self._json("ip", "-j", "address", "show")
        }

    def address_of(self, link: str, version: int) -> IPAddress | None:
        """The address that a packet gets which is masqueraded as the link."""
        own = self.addresses.get(link, ())
        return next((each for each in own if each.version == version), None)

    @cached_property
    def listeners(self) -> tuple[Listener, ...]:
        """Sockets that listen, and those of datagrams; bound ones that do not listen are not shown."""
        return tuple(listeners.read(self._run("ss", "-Hlntup")))

    def kind_of(self, address: IPAddress) -> str:
        """As fib's ``type`` has it: local, broadcast, multicast or unicast."""
        if address.is_multicast:
            return "multicast"
        found = self.route(address)
        return found.kind if not found.fault else "unreachable"

    def route(self, to: IPAddress, source: IPAddress | None = None, mark: int = 0) -> Route:
        """The way of a packet of this namespace's own."""
        words = [] if source is None else ["from", str(source)]
        return self._route(to, *words, *_marked(mark))

    def route_in(self, packet: Packet) -> Route:
        """The way of a packet that came by a link, with the kernel's checks of its source."""
        ports = [] if packet.protocol not in _PORTED else ["ipproto", packet.protocol]
        if ports and packet.dport:
            ports += ["dport", str(packet.dport)]
        if ports and packet.sport:
            ports += ["sport", str(packet.sport)]
        words = ("from", str(packet.source), "iif", packet.iif, *_marked(packet.mark), *ports)
        return self._route(packet.destination, *words)

    def neighbour(self, address: IPAddress, link: str) -> str | None:
        """The hardware address that is known for an address on a link."""
        key = (address, link)
        if key not in self._neighbours:
            listed = self._json("ip", "-j", "neighbor", "show", "to", str(address), "dev", link)
            known = (str(each["lladdr"]) for each in listed if each.get("lladdr"))
            self._neighbours[key] = next(known, None)
        return self._neighbours[key]

    def switch(self, name: str) -> str | None:
        """A sysctl of net; None if there is none of that name."""
        if name not in self._switches:
            done = self._call("cat", f"/proc/sys/net/{name}")
            self._switches[name] = done.stdout.strip() if done.returncode == 0 else None
        return self._switches[name]

    def is_deaf(self, link: str) -> bool:
        """Whether IPv6 is switched off on a link."""
        return self.switch(f"ipv6/conf/{link}/disable_ipv6") == "1"

    def ruleset(self, version: int) -> Ruleset:
        """The tables that packets of a family of addresses pass.  Raises HostError."""
        if version not in self._rulesets:
            self._rulesets[version] = self._read_rules(version)
        return self._rulesets[version]

    def text_of(self, chain: Chain, rule: Rule) -> str:
        """The rule as its own program shows it."""
        if rule.text:
            return rule.text
        wanted = re.compile(rf"^\s*(.*) # handle {rule.handle}$", re.MULTILINE)
        found = wanted.search(self._chain_text(chain.family, chain.table, chain.name))
        return found[1] if found else f"rule with handle {rule.handle}"

    def read_ahead(self) -> None:
        """Begin to read what takes long, while the caller does something else."""
        pool = ThreadPoolExecutor(2)
        pool.submit(lambda: self._native)
        pool.submit(lambda: self.links)
        pool.shutdown(wait=False)

    @cached_property
    def _native(self) -> Mapping[tuple[str, str, bool], Table]:
        """All tables of nftables."""
        try:
            return nft_json.tables(self._run("nft", "-j", "list", "ruleset") or _NO_RULES)
        except ValueError as error:
            raise HostError(f"nft's list of rules cannot be read: {error}") from error

    def _chain_text(self, *names: str) -> str:
        """A chain of nftables as nft shows it; nothing if it cannot be asked for by its name."""
        if not all(map(_NAME.fullmatch, names)):
            return ""
        if names not in self._texts:
            self._texts[names] = self._call("nft", "-a", "list", "chain", *names).stdout
        return self._texts[names]

    def _read_rules(self, version: int) -> Ruleset:
        native = self._native
        faults: list[str] = []
        tables: dict[tuple[str, str, bool], Table] = {}
        family = "ip6" if version == 6 else "ip"
        compatible = [key for key, table in native.items() if nft_json.is_of_iptables(key, table)]
        if any(key[0] == family for key in compatible):
            tables |= self._saved(version, _native_save(version), faults)
        for key, table in native.items():
            if key not in compatible or (key[0], key[1], True) not in tables:
                tables[key] = table
        if self._call("cat", _LEGACY_TABLES[version]).stdout.strip():
            legacy = shutil.which(f"{family}tables-legacy-save") or shutil.which(
                f"{family}tables-save"
            )
            tables |= self._saved(version, legacy, faults, " (legacy)")
        return Ruleset(tables=tables, faults=tuple(faults))

    def _saved(
        self, version: int, command: str | None, faults: list[str], suffix: str = ""
    ) -> dict[tuple[str, str, bool], Table]:
        if command is None:
            faults.append("there is no iptables-save to read iptables' rules with")
            return {}
        done = self._call(command)
        if done.returncode:
            faults.append(f"{command} failed: {done.stderr.strip()}")
        return iptables_save.tables(done.stdout, version, suffix)

    def _route(self, to: IPAddress, *words: str) -> Route:
        key = (str(to), *words)
        if key not in self._routes:
            self._routes[key] = self._asked_route(key)
        return self._routes[key]

    def _asked_route(self, words: Sequence[str]) -> Route:
        done = self._call("ip", f"-{ip_address(words[0]).version}", "-j", "route", "get", *words)
        if done.returncode:
            found = _REFUSED.search(done.stderr)
            return Route(kind="", fault=found[1] if found else done.stderr.strip() or "no route")
        (listed, *_) = decoded(done.stdout)
        via = listed.get("gateway") or (listed.get("via") or {}).get("host")
        return Route(
            kind=listed.get("type", "unicast"),
            link=listed.get("dev", ""),
            via=None if via is None else ip_address(via),
            source=ip_address(listed["prefsrc"]) if "prefsrc" in listed else None,
        )

    def _json(self, *words: str) -> list[dict[str, Any]]:
        try:
            listed = decoded(self._run(*words) or "[]")
        except ValueError as error:
            raise HostError(f"{' '.join(words)} did not print JSON: {error}") from error
        return [each for each in listed if each]

    def _run(self, *words: str) -> str:
        done = self._call(*words)
        if done.returncode:
            said = done.stderr.strip() or f"exit status {done.returncode}"
            if "not permitted" in said or "ermission denied" in said:
                raise NoPermissionError(
                    f"{words[0]} may not look ({said}); run the command as root"
                )
            raise HostError(f"{' '.join(words)} failed: {said}")
        return done.stdout

    def _call(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [*([] if self.path is None else ["nsenter", f"--net={self.path}", "--"]), *words]
        try:
            return subprocess.run(  # noqa: S603 - programs of the host, arguments of its own
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",  # links, processes and comments have any bytes
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise HostError(f"{argv[0]} cannot be run: {error}") from error


def _marked(mark: int) -> list[str]:
    return ["mark", hex(mark)] if mark else []


def _native_save(version: int) -> str | None:
    name = "ip6tables" if version == 6 else "iptables"
    return shutil.which(f"{name}-nft-save") or shutil.which(f"{name}-save")


def _link(listed: dict[str, Any], numbers: Mapping[str, int]) -> Link:
    info = listed.get("linkinfo", {})
    data, port = info.get("info_data", {}), info.get("info_slave_data", {})
    flags = listed.get("flags", ())
    return Link(
        name=listed["ifname"],
        index=listed["ifindex"],
        kind="loopback" if "LOOPBACK" in flags else info.get("info_kind", ""),
        mac=listed.get("address", ""),
        master=listed.get("master", ""),
        below=listed.get("link_index") or numbers.get(listed.get("link", ""), 0),
        up="UP" in flags,
        carrier="LOWER_UP" in flags,
        hairpin=bool(port.get("hairpin")),
        isolated=bool(port.get("isolated")),
        mode=str(data.get("mode", "")),
        filtered=bool(data.get("nf_call_iptables")),
        vlans=bool(data.get("vlan_filtering")),
    )
