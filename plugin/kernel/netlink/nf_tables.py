"""Chains and rules as nf_tables has them, of any program.

They are read in raw messages: the nft command may crash on tables that a newer one has made.  It
also takes a hundred times as long, because it reads every element of every set for a list of rules.
Rules are compared, never interpreted, so their expressions stay bytes.
"""

import errno
import re
import socket
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from plugin.errors import KernelError
from plugin.kernel import open_files
from plugin.kernel.netlink import messages as raw
from plugin.model.ids import ENTRY_PATTERN, IfName
from plugin.model.rules import Chain

SUBSYSTEM: Final = 10  # linux/netfilter/nfnetlink.h: NFNL_SUBSYS_NFTABLES
NEWTABLE: Final = 0  # linux/netfilter/nf_tables.h, enum nf_tables_msg_types
DELTABLE: Final = 2
NEWCHAIN: Final = 3
_GETCHAIN: Final = 4
DELCHAIN: Final = 5
_GETRULE: Final = 7
DELRULE: Final = 8
_GETGEN: Final = 16
_GEN_ID: Final = 1  # enum nft_gen_attributes
TABLE: Final = 1  # the name of the table, in messages about everything but tables
NAME_OF_CHAIN: Final = 3
_CHAIN_HOOK: Final = 4
_CHAIN_POLICY: Final = 5
_HOOK_NUMBER: Final = 1
_HOOK_PRIORITY: Final = 2
CHAIN_OF_RULE: Final = 2
_RULE_EXPRESSIONS: Final = 4
_NF_DROP: Final = b"\0\0\0\0"  # linux/netfilter.h
_FAMILIES: Final = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
NUMBERS: Final = {name: number for number, name in _FAMILIES.items()}
_HOOKS: Final = ("prerouting", "input", "forward", "output", "postrouting")
# A set without a name gets one with a number, which changes whenever it is made again, and with it
# the length of the attribute and of what fills it up.
_NAMELESS: Final = re.compile(rb"..\x01\x00__(set|map)\d+\x00+", re.DOTALL)
_FIREWALLD: Final = ("inet", "firewalld")
_ZONES: Final = "filter_INPUT_ZONES"  # a rule for each link that is in a zone
_OURS: Final = re.compile(ENTRY_PATTERN.encode() + rb"(?=\0)")
# No nf_tables in this kernel, or no such table.
_NOTHING: Final = (errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.ENOENT)
# The number of the socket by which pynet changes rules: the kernel has it in what it announces of
# them.  The kernel gives numbers of processes (net/netlink/af_netlink.c, netlink_autobind), and libnl
# has one in the lower 22 bits.  None of them is this.
PORT: Final = 0x706E >> 6 << 22
_TIMEOUT_SECONDS: Final = 5.0
_ROOM: Final = 1 << 16
# Names of the legacy tables in use, of this network namespace (net/netfilter/x_tables.c).
_LEGACY: Final = {
    4: Path("/proc/thread-self/net/ip_tables_names"),
    6: Path("/proc/thread-self/net/ip6_tables_names"),
}


def generation(sock: socket.socket) -> int:
    """The number of changes to the rules and sets of this namespace, by any program.

    The kernel counts transactions (net/netfilter/nf_tables_api.c, nft_base_seq_inc); what packets
    add to sets is none.  0 on a kernel without nf_tables.  Raises KernelError.
    """
    request = raw.message(SUBSYSTEM << 8 | _GETGEN, 0, raw.NFGENMSG.pack(0, 0, 0))
    try:
        sock.send(request)
        kind, body = next(raw.messages(sock.recv(_ROOM)))
        if kind == raw.NLMSG_ERROR:
            raw.check(body)
    except raw.NetlinkError as error:
        if error.code in _NOTHING:
            return 0
        raise KernelError(f"the rules of this host cannot be read: {error}") from error
    except OSError as error:
        raise KernelError(f"the rules of this host cannot be read: {error}") from error
    return int.from_bytes(raw.attributes(body, raw.NFGENMSG.size)[_GEN_ID])


def chains(sock: socket.socket | None = None) -> tuple[Chain, ...]:
    """Every chain there is; none on a kernel without nf_tables."""
    return tuple(_chain(family, found) for family, found in _dump(_GETCHAIN, 0, b"", sock))


def rules(
    family: str, table: str, chain: str = "", sock: socket.socket | None = None
) -> dict[str, tuple[bytes, ...]]:
    """The rules of a table, or of one of its chains, in their order, by the names of chains."""
    wanted = raw.attribute(TABLE, table.encode() + b"\0")
    if chain:
        wanted += raw.attribute(CHAIN_OF_RULE, chain.encode() + b"\0")
    found: dict[str, tuple[bytes, ...]] = {}
    for _, rule in _dump(_GETRULE, NUMBERS[family], wanted, sock):
        name = raw.text(rule[CHAIN_OF_RULE])
        text = _NAMELESS.sub(rb"__\1", rule.get(_RULE_EXPRESSIONS, b""))
        found[name] = (*found.get(name, ()), text)
    return found


def dump(
    kind: int, family: str, wanted: bytes, sock: socket.socket | None = None
) -> list[dict[int, bytes]]:
    """Attributes of everything of a kind that is ``wanted``; nothing if its table is not there."""
    return [found for _, found in _dump(kind, NUMBERS[family], wanted, sock)]


def may_drop_forwarded(version: int) -> bool:
    """Whether iptables' FORWARD of a family has a policy or rules that could drop a packet."""
    try:
        if "filter" in _LEGACY[version].read_text().split():
            return True  # only iptables-legacy can read its rules
    except OSError:
        pass
    family = "ip" if version == 4 else "ip6"
    place = (family, "filter", "FORWARD")
    for each in chains():
        if (each.family, each.table, each.name) == place:
            return each.drops or bool(rules(*place))
    return False


def firewalld_links(known: Iterable[str]) -> frozenset[IfName] | None:
    """The links of ``known``, and all with names of pynet's form, that firewalld has in a zone.

    None if its table is not there: firewalld does not run, or filters with iptables.
    """
    found = rules(*_FIREWALLD, _ZONES)
    if not found and not any((each.family, each.table) == _FIREWALLD for each in chains()):
        return None
    text = b"".join(rule for chain in found.values() for rule in chain)
    named = {IfName(each.decode()) for each in _OURS.findall(text)}
    return frozenset(named.union(IfName(each) for each in known if each.encode() + b"\0" in text))


def _chain(family: int, found: dict[int, bytes]) -> Chain:
    hook = raw.attributes(found.get(_CHAIN_HOOK, b""), 0)
    number = int.from_bytes(hook.get(_HOOK_NUMBER, b"\xff"))
    return Chain(
        family=_FAMILIES.get(family, str(family)),
        table=raw.text(found.get(TABLE)),
        name=raw.text(found.get(NAME_OF_CHAIN)),
        hook=_HOOKS[number] if number < len(_HOOKS) else "",
        priority=int.from_bytes(hook.get(_HOOK_PRIORITY, b"\0"), signed=True),
        drops=found.get(_CHAIN_POLICY) == _NF_DROP,
    )


def _dump(
    kind: int, family: int, wanted: bytes, sock: socket.socket | None = None
) -> list[tuple[int, dict[int, bytes]]]:
    request = raw.NFGENMSG.pack(family, 0, 0) + wanted
    try:
        with conversation() if sock is None else nullcontext(sock) as found:
            bodies = raw.dump(found, SUBSYSTEM << 8 | kind, request)
    except raw.NetlinkError as error:
        if error.code in _NOTHING:
            return []
        raise KernelError(f"the rules of this host cannot be read: {error}") from error
    except OSError as error:
        if error.errno in _NOTHING:
            return []
        raise open_files.refusal("the rules of this host cannot be read", error) from error
    return [(body[0], raw.attributes(body, raw.NFGENMSG.size)) for body in bodies]


def conversation() -> socket.socket:
    """A socket for nf_tables.

    Closing it waits until the kernel has freed what was deleted last, which takes a grace period
    of RCU (net/netfilter/nf_tables_api.c, nft_rcv_nl_event).
    """
    return raw.Conversation(raw.NETLINK_NETFILTER, _TIMEOUT_SECONDS)
