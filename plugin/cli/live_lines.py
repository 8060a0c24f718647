"""Lines of nft's trace for people: each packet once, and below it the rules that did something with it."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from plugin.cli.output import plain, wrapped
from plugin.trace.live import TABLE

# nftables, src/trace.c: what each line begins with, and what then follows of which kind.
_LINE: Final = re.compile(
    r"trace id \w+ (?P<chain>\w+ (?P<table>\S+) \S+) (?P<kind>packet:|rule|policy|\S+) ?(?P<text>.*)"
)
_LINKS: Final = (("from", re.compile(r'\biif "([^"]+)"')), ("by", re.compile(r'\boif "([^"]+)"')))
_VERDICT: Final = re.compile(r"(.*?) *\(verdict (.*)\)")
_COUNTED: Final = re.compile(r" packets \d+ bytes \d+")
_ACCEPTED: Final = "accept"


def drawn(lines: Iterable[str]) -> Iterator[str]:
    """What the lines tell, as wide as the terminal; a line of another kind as it is."""
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            yield plain(line)
            continue
        kind, text, chain = found["kind"], found["text"], found["chain"]
        if found["table"].startswith(TABLE):  # the first that a packet meets: of the trace itself
            if kind == "packet:":
                yield from wrapped("", plain(_packet(text)))
        elif kind == "rule":
            yield from wrapped(f"  {plain(chain)}: ", plain(_rule(text)))
        elif kind != "packet:" and text != _ACCEPTED:
            yield from wrapped(f"  {plain(chain)}: ", plain(f"{kind} {text}"))


def _packet(text: str) -> str:
    """From where to where, and by which link it came or goes."""
    ends = [_end(text, side) for side in ("s", "d")]
    links = [f" {word} {found[1]}" for word, each in _LINKS if (found := each.search(text))]
    flags = re.search(r"\btcp flags == (\S+)", text)
    said = " → ".join(ends) if all(ends) else text
    return f"{said}{''.join(links)}" + (f" ({flags[1]})" if flags else "")


def _end(text: str, side: str) -> str:
    address = re.search(rf"\bip6? {side}addr (\S+)", text)
    port = re.search(rf"\b\w+ {side}port (\d+)", text)
    if address is None:
        return ""
    shown = f"[{address[1]}]" if ":" in address[1] and port else address[1]
    return f"{shown}:{port[1]}" if port else shown


def _rule(text: str) -> str:
    """The rule, and what came of it where the rule itself does not end with that."""
    text = _COUNTED.sub("", text)
    found = _VERDICT.fullmatch(text)
    if found is None or found[1].endswith(found[2]) or found[2] == "continue":
        return found[1] if found else text
    return f"{found[1]}: {found[2]}"
