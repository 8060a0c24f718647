"""Has nft compile the skeleton in an empty namespace, and writes what the kernel then has.

What the kernel tells of a rule is what it takes for one, but for sets without a name: those get a
number there, and are known by an id among the messages that make them.
"""

import re
import struct
from typing import Final

from plugin.config import AcceptedMark
from plugin.firewall import skeleton
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import nf_tables
from tests.kernel.netns import Netns

MARK: Final = 0x5A3C9617  # neither its bytes nor their complements are anything else
ACCEPTED: Final = AcceptedMark(value=0x2B71D84E, mask=0x6FF3DDCF)  # and neither are these
_MOST_COLUMNS: Final = 100  # as ruff sets them
_U32: Final = struct.Struct("!I")
# linux/netfilter/nf_tables.h, enum nf_tables_msg_types and the attributes of each
_GETCHAIN: Final = 4
_GETRULE: Final = 7
_GETSET: Final = 10
_GETSETELEM: Final = 13
_CHAIN_NAME: Final = 3
_CHAIN_KEPT: Final = (4, 5, 7)  # hook, policy, type
_RULE_CHAIN: Final = 2
_EXPRESSIONS: Final = 4
_SET_NAME: Final = 2
_SET_KEPT: Final = (3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 17, 18)  # all but names, numbers and counts
_ENTRIES: Final = 3
_ITEM: Final = 1
_EXPRESSION_NAME: Final = 1
_EXPRESSION_DATA: Final = 2
_LOOKUP_SET: Final = 1
_LOOKUP_SET_ID: Final = 4
_NESTED: Final = frozenset({4, 9, 17, 18})
_NAMELESS: Final = re.compile(r"__(set|map)\d+")
_HEAD: Final = '''"""The skeleton as nf_tables takes it, compiled by nft from ``skeleton.py``.

Written anew by ``PYNET_WRITE_GOLDEN=1 pytest tests/golden/test_compiled.py``.  Fields in braces are
the mark, the complement of the mark, and the mark that is accepted with its mask.
"""

from typing import Final

'''


def compiled(netns: Netns) -> str:
    """The module."""
    netns.run("nft", "-f", "-", stdin=skeleton.script(MARK, ACCEPTED))
    sets: dict[str, dict[str, tuple[str, str]]] = {}
    chains: dict[str, dict[str, tuple[str, ...]]] = {}
    with netns.entered():
        first = 1
        for family in skeleton.FAMILIES:
            sets[family], numbers = _sets(family, first)
            first += len(sets[family])
            chains[family] = _chains(family, numbers)
    return _HEAD + _text("SETS", sets) + _text("CHAINS", chains)


def _sets(family: str, first: int) -> tuple[dict[str, tuple[str, str]], dict[str, int]]:
    table = _name(1, skeleton.TABLE)
    told = {raw.text(each[_SET_NAME]): each for each in nf_tables.dump(_GETSET, family, table)}
    named = [*skeleton.SETS[family], *skeleton.MAPS[family]]
    nameless = sorted(set(told) - set(named), key=lambda name: (len(name), name))
    found, numbers = {}, {}
    for number, name in enumerate([*named, *nameless], start=first):
        entries = ""
        if name in nameless:
            wanted = table + _name(_SET_NAME, name)
            for each in nf_tables.dump(_GETSETELEM, family, wanted):
                entries += each[_ENTRIES].hex()
            numbers[name] = number
        found[name] = (_kept(told[name], _SET_KEPT).hex(), entries)
    return found, numbers


def _chains(family: str, numbers: dict[str, int]) -> dict[str, tuple[str, ...]]:
    table = _name(1, skeleton.TABLE)
    found = {
        raw.text(each[_CHAIN_NAME]): [_kept(each, _CHAIN_KEPT).hex()]
        for each in nf_tables.dump(_GETCHAIN, family, table)
        if raw.text(each[1]) == skeleton.TABLE
    }
    for rule in nf_tables.dump(_GETRULE, family, table):
        items = (_expression(item, numbers) for _, item in raw.each_attribute(rule[_EXPRESSIONS]))
        text = raw.nested(_EXPRESSIONS, *(raw.nested(_ITEM, item) for item in items)).hex()
        found[raw.text(rule[_RULE_CHAIN])].append(text)
    wanted = re.findall(
        rf"add chain {family} {skeleton.TABLE} (\w+)", skeleton.script(MARK, ACCEPTED)
    )
    return {name: tuple(found[name]) for name in wanted}


def _expression(item: bytes, numbers: dict[str, int]) -> bytes:
    """The expression; in a lookup, a set without a name is named as in the message that makes it."""
    found = raw.attributes(item, 0)
    data = raw.attributes(found.get(_EXPRESSION_DATA, b""), 0)
    name = raw.text(data.get(_LOOKUP_SET))
    if raw.text(found[_EXPRESSION_NAME]) != "lookup" or name not in numbers:
        return item
    data[_LOOKUP_SET] = _any(name).encode() + b"\0"
    data[_LOOKUP_SET_ID] = _U32.pack(numbers[name])
    words = (raw.attribute(kind, value) for kind, value in data.items())
    return raw.attribute(_EXPRESSION_NAME, found[_EXPRESSION_NAME]) + raw.nested(
        _EXPRESSION_DATA, *words
    )


def _kept(told: dict[int, bytes], kinds: tuple[int, ...]) -> bytes:
    return b"".join(
        (raw.nested if kind in _NESTED else raw.attribute)(kind, told[kind])
        for kind in kinds
        if told.get(kind)
    )


def _any(name: str) -> str:
    return _NAMELESS.sub(r"__\1%d", name)


def _name(kind: int, name: str) -> bytes:
    return raw.attribute(kind, name.encode() + b"\0")


def _text(title: str, families: dict[str, dict[str, tuple[str, ...]]]) -> str:
    lines = [f"{title}: Final[dict[str, dict[str, tuple[str, ...]]]] = {{"]
    for family, named in families.items():
        lines.append(f'    "{family}": {{')
        for name, texts in named.items():
            line = f'        "{name}": ("{_marked(texts[0])}",),'
            if not any(texts[1:]) and len(line) <= _MOST_COLUMNS:
                lines.append(line)
                continue
            lines.append(f'        "{name}": (')
            lines += [
                f'            "{_marked(text)}",' for text in [texts[0], *filter(None, texts[1:])]
            ]
            lines.append("        ),")
        lines.append("    },")
    lines.append("}")
    return "\n".join(lines) + "\n"


def _marked(text: str) -> str:
    words = {
        "mark": MARK,
        "others": ~MARK & 0xFFFFFFFF,
        "accepted": ACCEPTED.value,
        "accepted_mask": ACCEPTED.mask,
    }
    for name, word in words.items():
        text = text.replace(word.to_bytes(4, "little").hex(), f"{{{name}}}")
    return text
