"""Messages about tables, sets, chains, rules and elements (linux/netfilter/nf_tables.h)."""

import socket
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, NamedTuple

from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import nf_tables
from plugin.model.rules import CompiledTable, SetChange, SetEntry

_U32: Final = struct.Struct("!I")
# linux/netfilter/nf_tables.h, enum nf_tables_msg_types
_NEWRULE: Final = 6
_NEWSET: Final = 9
_GETSET: Final = 10
_DELSET: Final = 11
_NEWSETELEM: Final = 12
_GETSETELEM: Final = 13
_DELSETELEM: Final = 14
_NEWOBJ: Final = 18
_GETOBJ: Final = 19
_DELOBJ: Final = 20
# and the attributes of each
_NAME_OF_TABLE: Final = 1
_NAME_OF_SET: Final = 2
_ID_OF_SET: Final = 10
_SET_OF_ENTRIES: Final = 2
_ENTRIES: Final = 3
_SET_ID_OF_ENTRIES: Final = 4
_NAME_OF_OBJECT: Final = 2
_KIND_OF_OBJECT: Final = 3
_DATA_OF_OBJECT: Final = 4
_COUNTER: Final = 1  # NFT_OBJECT_COUNTER
_ITEM: Final = 1
_KEY: Final = 1
_DATA: Final = 2
_FLAGS: Final = 3
_EXPRESSION: Final = 7
_EXPRESSION_DATA: Final = 2
_PACKETS: Final = 2  # NFTA_COUNTER_PACKETS
_VALUE: Final = 1
_ENDS: Final = 1  # NFT_SET_ELEM_INTERVAL_END
_CATCHALL: Final = 2  # NFT_SET_ELEM_CATCHALL
_ENDS_HERE: Final = raw.attribute(_FLAGS, _U32.pack(_ENDS))
_CATCHES_ALL: Final = raw.attribute(_FLAGS, _U32.pack(_CATCHALL))
_FROM_NOTHING: Final = raw.attribute(_PACKETS, bytes(8))
_MOST_BYTES: Final = 60_000  # a nested attribute's length is 16 bits
_NAMELESS: Final = "__"


class Step(NamedTuple):
    """One message of a transaction; ``what`` is for people."""

    kind: int
    flags: int
    family: str
    body: bytes
    what: str


def skeleton(table: CompiledTable, first: int, counters: Iterable[str]) -> Iterator[Step]:
    """All of a table but elements; chains get these rules and no others.

    Of its counters those that are not there yet: what the others have counted stays.
    Rules name sets without a name by the sets' numbers, which start with ``first``.
    """
    family, where = table.family, _named(nf_tables.TABLE, table.name)
    yield Step(
        nf_tables.NEWTABLE, raw.NLM_F_CREATE, family, _named(_NAME_OF_TABLE, table.name), table.name
    )
    for number, each in enumerate(table.sets, start=first):
        body = where + _named(_NAME_OF_SET, each.name) + each.definition
        body += raw.attribute(_ID_OF_SET, _U32.pack(number))
        yield Step(_NEWSET, raw.NLM_F_CREATE, family, body, f"set {each.name}")
        if each.entries:
            body = where + _named(_SET_OF_ENTRIES, each.name)
            body += raw.attribute(_SET_ID_OF_ENTRIES, _U32.pack(number))
            body += raw.nested(_ENTRIES, each.entries)
            yield Step(_NEWSETELEM, raw.NLM_F_CREATE, family, body, f"elements of {each.name}")
    for name in counters:
        body = _of_counter(table.name, name) + raw.nested(_DATA_OF_OBJECT, _FROM_NOTHING)
        yield Step(_NEWOBJ, raw.NLM_F_CREATE, family, body, f"counter {name}")
    for chain in table.chains:
        body = where + _named(nf_tables.NAME_OF_CHAIN, chain.name) + chain.definition
        yield Step(nf_tables.NEWCHAIN, raw.NLM_F_CREATE, family, body, f"chain {chain.name}")
        yield _of_chain(nf_tables.DELRULE, table, chain.name, nf_tables.CHAIN_OF_RULE)
    for chain in table.chains:
        for rule in chain.rules:
            body = where + _named(nf_tables.CHAIN_OF_RULE, chain.name) + rule
            yield Step(
                _NEWRULE,
                raw.NLM_F_CREATE | raw.NLM_F_APPEND,
                family,
                body,
                f"a rule of {chain.name}",
            )


def gone(table: CompiledTable) -> Iterator[Step]:
    """No such table.  It is made first: that bears absence."""
    body = _named(_NAME_OF_TABLE, table.name)
    yield Step(nf_tables.NEWTABLE, raw.NLM_F_CREATE, table.family, body, table.name)
    yield Step(nf_tables.DELTABLE, 0, table.family, body, table.name)


def _of_chain(kind: int, table: CompiledTable, chain: str, attribute: int) -> Step:
    body = _named(nf_tables.TABLE, table.name) + _named(attribute, chain)
    return Step(kind, 0, table.family, body, f"chain {chain}")


def change(table: str, wanted: SetChange) -> Iterator[Step]:
    """Elements that are to come or to go."""
    kind, flags = (_DELSETELEM, 0) if wanted.delete else (_NEWSETELEM, raw.NLM_F_CREATE)
    where = _set_of(table, wanted.name)
    for items in _portions(map(_item, wanted.entries)):
        body = where + raw.nested(_ENTRIES, items)
        yield Step(kind, flags, wanted.family, body, f"an element of {wanted.name}")


@cache
def _set_of(table: str, name: str) -> bytes:
    """Which set is spoken of; there are as many as the skeleton has."""
    return _named(nf_tables.TABLE, table) + _named(_SET_OF_ENTRIES, name)


def _portions(items: Iterable[bytes]) -> Iterator[bytes]:
    portion: list[bytes] = []
    size = 0
    for item in items:
        if size + len(item) > _MOST_BYTES:
            yield b"".join(portion)
            portion, size = [], 0
        portion.append(item)
        size += len(item)
    if portion:
        yield b"".join(portion)


def _item(entry: SetEntry) -> bytes:
    if not entry.key:
        data = raw.nested(_DATA, raw.attribute(_VALUE, entry.data)) if entry.data else b""
        return raw.nested(_ITEM, _CATCHES_ALL, data)
    head, middle, tail = _around(len(entry.key), len(entry.data), entry.ends)
    return head + entry.key + middle + entry.data + tail


@cache
def _around(key_size: int, data_size: int, ends: bool) -> tuple[bytes, bytes, bytes]:  # noqa: FBT001
    """What is around a key and its data: the same for all elements of a set."""
    body = raw.nested(_KEY, raw.attribute(_VALUE, bytes(key_size)))
    if data_size:
        body += raw.nested(_DATA, raw.attribute(_VALUE, bytes(data_size)))
    if ends:
        body += _ENDS_HERE
    whole = raw.nested(_ITEM, body)
    key = 3 * raw.ATTRIBUTE_HEADER  # of the item, the key and its value
    data = key + raw.aligned(key_size) + 2 * raw.ATTRIBUTE_HEADER if data_size else key + key_size
    return whole[:key], whole[key + key_size : data], whole[data + data_size :]


def no_chain(table: CompiledTable, name: str) -> Iterator[Step]:
    """A chain that is to go, with its rules."""
    yield _of_chain(nf_tables.DELRULE, table, name, nf_tables.CHAIN_OF_RULE)
    yield _of_chain(nf_tables.DELCHAIN, table, name, nf_tables.NAME_OF_CHAIN)


def no_set(table: CompiledTable, name: str) -> Step:
    """A set that is to go."""
    body = _named(nf_tables.TABLE, table.name) + _named(_NAME_OF_SET, name)
    return Step(_DELSET, 0, table.family, body, f"set {name}")


def no_counter(table: CompiledTable, name: str) -> Step:
    """A counter that is to go; no rule may name it any more."""
    return Step(_DELOBJ, 0, table.family, _of_counter(table.name, name), f"counter {name}")


def counts(family: str, table: str, sock: socket.socket) -> dict[str, int]:
    """How many packets each counter of a table has counted."""
    told = nf_tables.dump(_GETOBJ, family, _named(nf_tables.TABLE, table), sock)
    return {
        raw.text(each.get(_NAME_OF_OBJECT)): int.from_bytes(
            raw.find(each.get(_DATA_OF_OBJECT, b""), 0, _PACKETS) or b""
        )
        for each in told
        if raw.text(each.get(nf_tables.TABLE)) == table
        and each.get(_KIND_OF_OBJECT) == _U32.pack(_COUNTER)
    }


def set_names(family: str, table: str, sock: socket.socket) -> list[str]:
    """The names of a table's sets and maps, of those that have one."""
    told = nf_tables.dump(_GETSET, family, _named(nf_tables.TABLE, table), sock)
    names = (raw.text(each.get(_NAME_OF_SET)) for each in told)
    return [name for name in names if not name.startswith(_NAMELESS)]


def packed_entries(family: str, table: str, name: str, sock: socket.socket) -> tuple[bytes, ...]:
    """What a set or map holds, as the kernel tells it; the same bytes while it does not change."""
    wanted = _named(nf_tables.TABLE, table) + _named(_SET_OF_ENTRIES, name)
    told = nf_tables.dump(_GETSETELEM, family, wanted, sock)
    return tuple(each.get(_ENTRIES, b"") for each in told)


def entries(packed: Iterable[bytes]) -> Iterator[SetEntry]:
    """The same, as values."""
    for each in packed:
        yield from _read(each)


def _read(packed: bytes) -> Iterator[SetEntry]:
    for _, item in raw.each_attribute(packed):
        found = raw.attributes(item, 0)
        flags = int.from_bytes(found.get(_FLAGS, b"\0"))
        data = raw.find(found.get(_DATA, b""), 0, _VALUE) or b""
        key = raw.find(found.get(_KEY, b""), 0, _VALUE) or b""
        counter = raw.find(found.get(_EXPRESSION, b""), 0, _EXPRESSION_DATA) or b""
        packets = int.from_bytes(raw.find(counter, 0, _PACKETS) or b"")
        yield SetEntry(key=key, data=data, ends=bool(flags & _ENDS), packets=packets)


def _of_counter(table: str, name: str) -> bytes:
    where = _named(nf_tables.TABLE, table) + _named(_NAME_OF_OBJECT, name)
    return where + raw.attribute(_KIND_OF_OBJECT, _U32.pack(_COUNTER))


def _named(kind: int, name: str) -> bytes:
    return raw.attribute(kind, name.encode() + b"\0")
