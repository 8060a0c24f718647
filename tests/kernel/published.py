"""Who reaches a published port, as tables: every form of address, asked from everywhere.

A host asks and is asked by the addresses it has; what stands for them in a table is a word:
``v4``, ``v4b`` (another one) and ``v6`` are the host's, ``own4`` and ``own6`` the container's.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

from plugin.model.network import Protocol
from tests.kernel.exchange import Answer

PROTOCOLS: Final = (Protocol.TCP, Protocol.UDP)
# -p FORM:PORT:PORT; v4 and v6 stand for addresses of the host.
FORMS: Final = ("any", "0.0.0.0", "v4", "127.0.0.1", "::", "::1", "v6")
# Who asks, and the address it asks at.
ORIGINS: Final = (
    *(("lan", "v4"), ("lan", "v4b"), ("lan", "v6"), ("lan", "own4"), ("lan", "own6")),
    *(("host", "v4"), ("host", "v6"), ("host", "127.0.0.1"), ("host", "::1")),
    *(("same", "v4"), ("same", "v6")),
    *(("other", "v4"), ("other", "v6"), ("other", "own4"), ("other", "own6")),
    *(("docker0", "v4"), ("docker0", "v6"), ("user", "v4"), ("user", "v6")),
    *(("self", "v4"), ("self", "v6")),
)
# R: reached.  x: refused.  d: dropped.  .: it cannot be asked, for there is no such address.
# U: reached where the network is nat-unprotected, and dropped where it is not.
# p: reached by the proxy; without it the port is held: TCP is refused, and UDP left unanswered.
# q: reached by the proxy; without it the port is not there at all, and refused.
_TRANSLATED: Final = {
    "dual": """
               lan                host             same    other           docker0 user    self
               v4  v4b v6 o4 o6   v4 v6 127 ::1    v4 v6   v4 v6 o4 o6     v4 v6   v4 v6   v4 v6
    any        R   R   R  U  U    R  R  R   p      R  R    R  R  U  U      R  R    R  R    R  R
    0.0.0.0    R   R   x  U  U    R  x  R   x      R  x    R  x  U  U      R  x    R  x    R  x
    v4         R   x   x  U  U    R  x  x   x      R  x    R  x  U  U      R  x    R  x    R  x
    127.0.0.1  x   x   x  U  U    x  x  R   x      x  x    x  x  U  U      x  x    x  x    x  x
    ::         x   x   R  U  U    x  R  x   p      x  R    x  R  U  U      x  R    x  R    x  R
    ::1        x   x   x  U  U    x  x  x   p      x  x    x  x  U  U      x  x    x  x    x  x
    v6         x   x   R  U  U    x  R  x   x      x  R    x  R  U  U      x  R    x  R    x  R
""",
    "ipv4": """
               lan                host             same    other           docker0 user    self
               v4  v4b v6 o4 o6   v4 v6 127 ::1    v4 v6   v4 v6 o4 o6     v4 v6   v4 v6   v4 v6
    any        R   R   q  U  .    R  q  R   q      R  -    R  q  U  .      R  q    R  q    R  -
    0.0.0.0    R   R   x  U  .    R  x  R   x      R  -    R  x  U  .      R  x    R  x    R  -
    v4         R   x   x  U  .    R  x  x   x      R  -    R  x  U  .      R  x    R  x    R  -
    127.0.0.1  x   x   x  U  .    x  x  R   x      x  -    x  x  U  .      x  x    x  x    x  -
    ::         x   x   q  U  .    x  q  x   q      x  -    x  q  U  .      x  q    x  q    x  -
    ::1        x   x   x  U  .    x  x  x   q      x  -    x  x  U  .      x  x    x  x    x  -
    v6         x   x   q  U  .    x  q  x   x      x  -    x  q  U  .      x  q    x  q    x  -
""",
    "ipv6": """
               lan                host             same    other           docker0 user    self
               v4  v4b v6 o4 o6   v4 v6 127 ::1    v4 v6   v4 v6 o4 o6     v4 v6   v4 v6   v4 v6
    any        x   x   R  .  U    x  R  x   p      -  R    x  R  .  U      x  R    x  R    -  R
    ::         x   x   R  .  U    x  R  x   p      -  R    x  R  .  U      x  R    x  R    -  R
    ::1        x   x   x  .  U    x  x  x   p      -  x    x  x  .  U      x  x    x  x    -  x
    v6         x   x   R  .  U    x  R  x   x      -  R    x  R  .  U      x  R    x  R    -  R
""",
}
# Nothing is on the host: the container's own port of the family is opened, or of the one it has.
_ROUTED: Final = {
    "dual": """
               lan                host             same    other           docker0 user    self
               v4  v4b v6 o4 o6   v4 v6 127 ::1    v4 v6   v4 v6 o4 o6     v4 v6   v4 v6   v4 v6
    any        x   x   x  R  R    x  x  x   x      x  x    x  x  R  R      x  x    x  x    x  x
    0.0.0.0    x   x   x  R  d    x  x  x   x      x  x    x  x  R  d      x  x    x  x    x  x
    v4         x   x   x  R  d    x  x  x   x      x  x    x  x  R  d      x  x    x  x    x  x
    127.0.0.1  x   x   x  R  d    x  x  x   x      x  x    x  x  R  d      x  x    x  x    x  x
    ::         x   x   x  d  R    x  x  x   x      x  x    x  x  d  R      x  x    x  x    x  x
    ::1        x   x   x  d  R    x  x  x   x      x  x    x  x  d  R      x  x    x  x    x  x
    v6         x   x   x  d  R    x  x  x   x      x  x    x  x  d  R      x  x    x  x    x  x
""",
    "ipv4": """
               lan                host             same    other           docker0 user    self
               v4  v4b v6 o4 o6   v4 v6 127 ::1    v4 v6   v4 v6 o4 o6     v4 v6   v4 v6   v4 v6
    any        x   x   x  R  .    x  x  x   x      x  -    x  x  R  .      x  x    x  x    x  -
    0.0.0.0    x   x   x  R  .    x  x  x   x      x  -    x  x  R  .      x  x    x  x    x  -
    v4         x   x   x  R  .    x  x  x   x      x  -    x  x  R  .      x  x    x  x    x  -
    127.0.0.1  x   x   x  R  .    x  x  x   x      x  -    x  x  R  .      x  x    x  x    x  -
    ::         x   x   x  R  .    x  x  x   x      x  -    x  x  R  .      x  x    x  x    x  -
    ::1        x   x   x  R  .    x  x  x   x      x  -    x  x  R  .      x  x    x  x    x  -
    v6         x   x   x  R  .    x  x  x   x      x  -    x  x  R  .      x  x    x  x    x  -
""",
    "ipv6": """
               lan                host             same    other           docker0 user    self
               v4  v4b v6 o4 o6   v4 v6 127 ::1    v4 v6   v4 v6 o4 o6     v4 v6   v4 v6   v4 v6
    any        x   x   x  .  R    x  x  x   x      -  x    x  x  .  R      x  x    x  x    -  x
    ::         x   x   x  .  R    x  x  x   x      -  x    x  x  .  R      x  x    x  x    -  x
    ::1        x   x   x  .  R    x  x  x   x      -  x    x  x  .  R      x  x    x  x    -  x
    v6         x   x   x  .  R    x  x  x   x      -  x    x  x  .  R      x  x    x  x    -  x
""",
}
FAMILIES: Final = tuple(_TRANSLATED)
MODES: Final = ("nat", "nat-unprotected", "routed")


@dataclass(frozen=True, slots=True)
class Server:
    """A container that publishes in every form there is for it."""

    families: str
    mode: str
    proxy: bool

    @property
    def rows(self) -> list[str]:
        """Forms that are asked for."""
        return list(self._table())

    @property
    def forms(self) -> list[str]:
        """Those it is published in: without a proxy not by IPv6, if the container has none."""
        if self.families == "ipv4" and self.mode != "routed" and not self.proxy:
            return [form for form in self.rows if form not in {"::", "::1", "v6"}]
        return self.rows

    @property
    def options(self) -> dict[str, str]:
        """Of its network."""
        modes = {f"gateway_mode_ipv{version}": self.mode for version in (4, 6)}
        return {**modes, "userland_proxy": str(self.proxy).lower()}

    def subnets(self, prefix4: str, prefix6: str) -> tuple[str, ...]:
        """Of its network, below a prefix of each family: no two servers have the same."""
        number = 1 + SERVERS.index(self)
        both = (f"{prefix4}.{number}.0/24", f"{prefix6}:{number}::/64")
        return {"dual": both, "ipv4": both[:1], "ipv6": both[1:]}[self.families]

    def port(self, form: str) -> int:
        """On the host and in the container; no two servers have the same."""
        return 8000 + 10 * SERVERS.index(self) + FORMS.index(form)

    def cells(self, lacking: Collection[tuple[str, str]] = ()) -> "dict[Cell, Answer]":
        """Return what is to become of every question that can be asked.

        ``lacking`` are askers that have no address of the family of what they would ask at.
        """
        return {
            Cell(self, protocol, form, origin): (
                Answer.UNREACHABLE if origin in lacking else self._meaning(letter, protocol)
            )
            for form, row in self._table().items()
            for (origin, letter), protocol in product(zip(ORIGINS, row, strict=True), PROTOCOLS)
            if letter != "."
        }

    def _table(self) -> Mapping[str, list[str]]:
        table = (_ROUTED if self.mode == "routed" else _TRANSLATED)[self.families]
        rows = map(str.split, table.strip().splitlines()[2:])
        return {row[0]: row[1:] for row in rows}

    def _meaning(self, letter: str, protocol: Protocol) -> Answer:
        letter = {"U": "R" if self.mode == "nat-unprotected" else "d"}.get(letter, letter)
        if letter in "pq":
            held = letter == "p" and protocol is Protocol.UDP
            letter = "R" if self.proxy else "d" if held else "x"
        return _ANSWERS[letter]


@dataclass(frozen=True, slots=True)
class Cell:
    """One question."""

    server: Server
    protocol: Protocol
    form: str
    origin: tuple[str, str]

    @property
    def port(self) -> int:
        return self.server.port(self.form)


_ANSWERS: Final = {
    "R": Answer.REACHED,
    "x": Answer.REFUSED,
    "d": Answer.DROPPED,
    "-": Answer.UNREACHABLE,
}
SERVERS: Final = [Server(*each) for each in product(FAMILIES, MODES, (True, False))]
