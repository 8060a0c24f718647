"""A pool's use as a picture for the terminal: one character per address, or per many.

A pool of up to 512 addresses is drawn whole.  Of a larger one that is nearly empty,
as a v6 pool always is, only the part is drawn in which something is taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from ipam.lease import Kind, Lease, State
from ipam.pool import Pool
from ipam.prefixes import Address, Prefix, parse_prefix, usable

WIDTH: Final = 64
CELLS: Final = 512

FREE: Final = "·"
KEPT: Final = "k"
NEVER: Final = "x"
GATEWAY: Final = "G"
STATES: Final = {State.BOUND: "█", State.RESERVED: "▒", State.RESTING: "░"}
SHADES: Final = "·░▒▓█"
LEGEND: Final = "█ bound  ▒ reserved  ░ resting  G gateway  k kept  x never given  · free"
SHADES_LEGEND: Final = "· free  ░ ▒ ▓ in part  █ full"

_STYLES: Final = {
    "█": "green",
    "▓": "green",
    "▒": "yellow",
    "░": "blue",
    "G": "bold magenta",
    "k": "cyan",
    "x": "dim",
    "·": "dim",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageMap:
    """The drawing, what part of the pool it shows, and how to read it."""

    part: Prefix
    per_character: int
    lines: tuple[str, ...]

    @property
    def legend(self) -> str:
        """What the characters mean."""
        return LEGEND if self.per_character == 1 else SHADES_LEGEND

    def text(self) -> Text:
        """The drawing in colour."""
        text = Text()
        for line in self.lines:
            for character in line:
                text.append(character, _STYLES[character])
            text.append("\n")
        return text


def draw(pool: Pool, leases: Iterable[Lease], kept: Iterable[Address]) -> UsageMap:
    """Draw who holds what in the pool, and what is kept for an owner."""
    marks: dict[Address, str] = dict.fromkeys(kept, KEPT)
    for lease in leases:
        mark = GATEWAY if lease.kind is Kind.GATEWAY else STATES[lease.state]
        marks[lease.address] = mark
    part = _part(pool.prefix, marks)
    size = part.num_addresses
    if size <= CELLS:
        characters = "".join(_character(pool, marks, address) for address in part)
        return UsageMap(part=part, per_character=1, lines=_lines(characters))
    per_character = size // CELLS
    filled = [0] * CELLS
    for address in marks:
        filled[(int(address) - int(part.network_address)) // per_character] += 1
    shades = "".join(_shade(count, per_character) for count in filled)
    return UsageMap(part=part, per_character=per_character, lines=_lines(shades))


def _part(prefix: Prefix, marks: Iterable[Address]) -> Prefix:
    if prefix.num_addresses <= CELLS:
        return prefix
    base = int(prefix.network_address)
    numbers = [int(address) - base for address in marks] or [0]
    bits = max((min(numbers) ^ max(numbers)).bit_length(), CELLS.bit_length() - 1)
    first = prefix.network_address + (min(numbers) >> bits << bits)
    return parse_prefix(f"{first}/{prefix.max_prefixlen - bits}")


def _character(pool: Pool, marks: dict[Address, str], address: Address) -> str:
    if address in marks:
        return marks[address]
    never = address not in usable(pool.prefix) or any(address in part for part in pool.exclusions)
    return NEVER if never else FREE


def _shade(taken: int, of: int) -> str:
    if taken in (0, of):
        return SHADES[-1] if taken else SHADES[0]
    return SHADES[1 + 3 * taken // of]


def _lines(characters: str) -> tuple[str, ...]:
    return tuple(characters[start : start + WIDTH] for start in range(0, len(characters), WIDTH))
