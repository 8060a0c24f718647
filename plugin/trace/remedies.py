"""What to do about a rule that drops."""

import re
from typing import Final

from plugin.firewall.drop_reasons import REASONS, reason_of
from plugin.trace.judge import Ruling
from plugin.trace.ruleset import counter_of

_DOCKER_USER: Final = "the rule is yours: change it, or put one before it that accepts this packet"
_POLICY: Final = (
    "a rule has to accept the packet: 'pynet repair' sets pynet's in DOCKER-USER and FORWARD"
)
_UFW: Final = "ufw allow …, or ufw route allow … for what is forwarded"
_FIREWALLD: Final = (
    "firewall-cmd --zone=trusted --add-interface=LINK, or allow the service in the link's zone"
)
_DOCKER: Final = "publish the port there, or connect both containers to one network"
_OTHER: Final = "the rule is of another program: allow the packet there"
_LOOSE: Final = "dropped without a counter: only what is sent in the ordinary course of things"
_OF_DOCKER: Final = "DOCKER"
_FRONT: Final = "DOCKER-USER"
_IN_RAW: Final = re.compile(r"^-A PREROUTING -d \S+ ! -i (docker0|br-[0-9a-f]{12}) -j DROP")


def remedy_of(ruling: Ruling) -> str:
    """What to do if the packet should arrive."""
    chain = ruling.chain
    if chain.table == "pynet" and not chain.iptables:
        return _of_pynet(ruling)
    if ruling.rule is None and chain.name == "FORWARD":
        return _POLICY
    if chain.name == _FRONT:
        return _DOCKER_USER
    if chain.name.startswith(_OF_DOCKER) or chain.table.startswith("docker") or _is_dockers(ruling):
        return _DOCKER
    if chain.name.startswith("ufw"):
        return _UFW
    return _FIREWALLD if chain.table == "firewalld" else _OTHER


def what_of(ruling: Ruling) -> str:
    """Whose packets a rule of pynet's drops; nothing for a rule of others'."""
    reason = _reason(ruling)
    return "" if reason is None else REASONS[reason].what


def _of_pynet(ruling: Ruling) -> str:
    reason = _reason(ruling)
    return _LOOSE if reason is None else REASONS[reason].remedy


def _reason(ruling: Ruling) -> str | None:
    counter = counter_of(ruling.rule)
    return None if counter is None else reason_of(counter)


def _is_dockers(ruling: Ruling) -> bool:
    """Since 28.2 Docker closes its containers in the table raw, without a chain of its own."""
    text = "" if ruling.rule is None else ruling.rule.text
    return _IN_RAW.search(text) is not None
