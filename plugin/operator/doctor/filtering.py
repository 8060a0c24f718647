"""What other rules of the host do to pynet's packets."""

import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from plugin.operator.doctor.base import Finding
from plugin.operator.doctor.host import Host, UnseenError
from plugin.operator.doctor.seen import SeenNetwork
from plugin.operator.doctor.tables import UserRule

_FAMILIES: Final = (4, 6)
_LEGACY: Final = {4: "/proc/net/ip_tables_names", 6: "/proc/net/ip6_tables_names"}
_OFTEN: Final = 3  # repairs of rules within an hour: one program, again and again
_CONDITIONS: Final = frozenset({"firewall", "nftables"})
_OF_IPTABLES: Final = frozenset({"iptables", "ip6tables"})


def nftables(host: Host) -> Iterator[Finding]:
    """The kernel has what pynet's tables need, and one kind of iptables is in use."""
    yield from _conditions(host, _CONDITIONS)
    with suppress(UnseenError):
        if "nf_tables" in host.run("iptables", "-V"):
            for version in _FAMILIES:
                tables = _lines(_LEGACY[version])
                if "filter" in tables:
                    yield Finding(
                        cause=f"rules of iptables-legacy (IPv{version}) are in force beside those of "
                        "nftables, and 'iptables' does not show them",
                        remedy="see: iptables-legacy-save; remove them, and keep one kind: "
                        "update-alternatives --config iptables",
                    )


def flushed_often(host: Host) -> Iterator[Finding]:
    """Another program removes rules again and again, and pynet restores them."""
    count = host.ask("/v1/status").get("repaired", {}).get("rules_last_hour", 0)
    if count > _OFTEN:
        yield Finding(
            cause=f"another program removed pynet's rules {count} times within an hour; packets are "
            "lost until they are back",
            remedy="find it with: nft monitor trace, or journalctl; load rules without 'flush ruleset' "
            "(nftables.service, ufw reload and firewall scripts do that)",
        )


def closed_forward(host: Host) -> Iterator[Finding]:
    """FORWARD drops, and nothing accepts what pynet passed."""
    yield from _conditions(host, _OF_IPTABLES)
    if not any(each.bridged and each.joined for each in host.networks):
        return
    for version in _FAMILIES:
        if not _has_family(host, version):
            continue
        table = host.filter_table(version)
        if table.policies.get("FORWARD", "ACCEPT") != "DROP":
            continue
        if not any("mark" in each.text and "ACCEPT" in each.text for each in table.rules):
            yield Finding(
                cause=f"the policy of FORWARD is DROP (IPv{version}), and no rule accepts what pynet lets "
                "through",
                remedy="run: pynet repair",
            )


def host_closed(host: Host) -> Iterator[Finding]:
    """ufw, or a policy of DROP, keeps containers from what the host serves."""
    table = host.filter_table(4)
    if table.policies.get("INPUT", "ACCEPT") != "DROP":
        return
    ufw = "ufw-user-input" in table.chains
    rules = [
        each for each in table.rules if "-j ACCEPT" in each.text and "FORWARD" not in each.chain
    ]
    for network in host.networks:
        if network.bridged and network.joined and not _accepted(network, rules):
            link = shlex.quote(network.bridge)
            yield Finding(
                cause=f"{'ufw drops' if ufw else 'the policy DROP of INPUT drops'} what containers of "
                f"network {network.label} ask of this host",
                remedy=f"if they should reach it, run: "
                f"{f'ufw allow in on {link}' if ufw else f'iptables -I INPUT -i {link} -j ACCEPT'}",
                about=(network.label,),
                hint=True,
            )


def firewalld(host: Host) -> Iterator[Finding]:
    """firewalld rejects what no zone accepts."""
    yield from _conditions(host, frozenset({"firewalld"}))


def user_rules(host: Host) -> Iterator[Finding]:
    """A rule of the user's has dropped packets that may be of pynet's networks."""
    for version in _FAMILIES:
        table = host.filter_table(version)
        for chain in ("DOCKER-USER", "FORWARD"):
            for number, rule in enumerate(table.of(chain), 1):
                about = [each for each in host.networks if _concerns(rule, each)]
                if rule.drops and rule.packets and about:
                    yield Finding(
                        cause=f"rule {number} of {chain} (IPv{version}) has dropped {rule.packets} "
                        f"packets: {rule.text}",
                        remedy="if they were for a container, change that rule, or accept before it: "
                        f"iptables -I {chain} ... -j ACCEPT",
                        about=tuple(each.label for each in about),
                    )


def guarded(host: Host) -> Iterator[Finding]:
    """The guards drop what a container sends with addresses that it was not given."""
    known = {e.id: (e, n) for n in host.networks for e in n.endpoints}
    for row in host.ask("/v1/drops")["guarded"]:
        if row["endpoint"] not in known:
            continue
        endpoint, network = known[row["endpoint"]]
        name = endpoint.container or endpoint.id[:12]
        yield Finding(
            cause=f"{row['packets']} frames of container {name} were dropped within the last hour: they "
            f"were not from {', '.join(row['addresses'])}",
            remedy="if it routes, is a VPN or has a second address, connect it with --network "
            f"{shlex.quote(f'name={network.label},driver-opt=spoof_guard=false')}; see: pynet drops",
            about=(network.label, name),
        )


def _conditions(host: Host, which: Iterable[str]) -> Iterator[Finding]:
    for each in host.ask("/health")["degraded"]:
        if each["what"] in which:
            yield Finding(cause=f"{each['what']}: {each['why']}", remedy=each["remedy"])


def _concerns(rule: UserRule, network: SeenNetwork) -> bool:
    """Whether packets of the network may meet the rule, by its links and prefixes."""
    links = [each.removesuffix("+") for each in rule.links]
    if links and not any(network.entry.startswith(each) for each in links):
        return False
    try:
        prefixes = [ip_network(each, strict=False) for each in rule.prefixes]
    except ValueError:  # a mask with gaps, as 10.0.0.1/255.0.0.255: it may be about any
        return True
    return not prefixes or any(
        each.version == subnet.version and each.overlaps(subnet)
        for each in prefixes
        for subnet in network.subnets
    )


def _accepted(network: SeenNetwork, rules: Iterable[UserRule]) -> bool:
    for rule in rules:
        if network.entry in rule.links or "pnb-+" in rule.links:
            return True
        if any(re.fullmatch(re.escape(str(s)), p) for s in network.subnets for p in rule.prefixes):
            return True
    return False


def _has_family(host: Host, version: int) -> bool:
    return any(
        subnet.version == version
        for network in host.networks
        if network.bridged and network.joined
        for subnet in network.subnets
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().split()
    except OSError:
        return []
