"""Chains of nftables that are neither pynet's, Docker's nor iptables', and drop what they do not know."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from plugin.operator.doctor.base import Finding
from plugin.operator.doctor.host import Host, UnseenError

_ROUTED: Final = frozenset({"ip", "ip6", "inet"})
_COMPATIBLE: Final = frozenset(
    {"filter", "nat", "mangle", "raw", "security"}
)  # iptables-nft's tables
_ELSEWHERE: Final = re.compile(r"pynet|docker.*|firewalld")  # other checks look at these
# What nft takes for a name (its scanner.l): all of a command's words are one text to it.
_NAME: Final = re.compile(r"[A-Za-z_.][A-Za-z0-9_./-]*")
_ACCEPTS: Final = re.compile(r"\b(?:accept|jump|goto|vmap)\b")
# A rule of one of these may accept new connections of containers; whether it does is a question for a trace.
_OF_CONTAINERS: Final = re.compile(r"\b(?:mark|[io]if(?:name)?|[sd]addr)\b|^(?:counter.* )?accept$")
_BRIDGED: Final = {
    4: "net/bridge/bridge-nf-call-iptables",
    6: "net/bridge/bridge-nf-call-ip6tables",
}


def closed_chains(host: Host) -> Iterator[Finding]:
    """A policy of DROP drops what pynet let through, unless a rule before it accepts that.

    Raises UnseenError.
    """
    about = [each for each in host.networks if each.bridged and each.joined]
    for chain in _closed(host) if about else ():
        family, table, name = chain
        if any(
            _ACCEPTS.search(rule) and _OF_CONTAINERS.search(rule) for rule in _rules(host, chain)
        ):
            continue
        mark = host.setup.settings.get("PYNET_MARK", "0x800")
        version = 6 if family == "ip6" else 4
        also = (
            ", also between containers of one network, because br_netfilter is on"
            if host.sysctl(_BRIDGED[version]) == "1"
            else ""
        )
        yield Finding(
            cause=f"chain {name} of table {family} {table} has the policy drop, and no rule in it accepts "
            f"what pynet let through: containers reach nothing outside{also}",
            remedy=f"run: nft insert rule {family} {table} {name} 'meta mark & {mark} == {mark} accept', "
            "and put that rule into the file that makes the chain",
            about=tuple(each.label for each in about),
        )


def _closed(host: Host) -> Iterator[tuple[str, str, str]]:
    try:
        listed = json.loads(host.run("nft", "-j", "list", "chains") or "{}").get("nftables", [])
    except ValueError as error:
        raise UnseenError(f"nft -j list chains printed no JSON: {error}") from error
    for chain in (each["chain"] for each in listed if "chain" in each):
        words = family, table, name = chain["family"], chain["table"], chain["name"]
        if (
            chain.get("hook") == "forward"
            and chain.get("policy") == "drop"
            and family in _ROUTED
            and not _ELSEWHERE.fullmatch(table)
            and not (table in _COMPATIBLE and name == "FORWARD")
            and all(map(_NAME.fullmatch, words))
        ):
            yield words


def _rules(host: Host, chain: tuple[str, str, str]) -> Sequence[str]:
    return [line.strip() for line in host.run("nft", "list", "chain", *chain).splitlines()[3:]]
