"""What the admin socket leads to, over a fake host."""

from collections.abc import Iterable
from typing import Any

from plugin.errors import NotReadyError, RefusedError
from plugin.health import Health
from plugin.model.ports import HostPort
from plugin.operator.base import Row
from plugin.store.base import Store
from tests.fakes.rig import Rig
from tests.fakes.values import a_binding, a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24", "fd00:1::/64")
WEB = an_endpoint(BLUE)
POOL = {
    "id": "p",
    "prefix": "10.1.0.0/24",
    "space": "pynet-local",
    "tenant": "",
    "addresses": {"bound": 3},
}


_NOTHING = "reservations: []\n"


class Desk:
    """Keeps what it is given, as text."""

    def __init__(self) -> None:
        self.text = _NOTHING
        self.note = ""

    def pools(self) -> list[dict[str, Any]]:
        return [POOL]

    def reservations(self) -> str:
        return self.text

    def reserve(self, text: str) -> tuple[int, str]:
        if "nonsense" in text:
            raise RefusedError("that is no reservation")
        self.text = text
        return 1, self.note

    def unreserve(self, text: str) -> int:
        kept, self.text = self.text, ""
        return int(kept != _NOTHING)


ROW = {"network": "0123", "kind": "Bridge", "which": "pnb-1", "fault": "missing"}


class Maintenance:
    """Finds what it is told to find."""

    def __init__(self) -> None:
        self.wrong: list[dict[str, Any]] = []
        self.networks = ["known"]
        self.prefixes: list[str] = []
        self.idle: list[str] = []
        self.pools: list[dict[str, str]] = []
        self.taken: list[str] = []
        self.ports: set[HostPort] = set()

    def unserved(self) -> set[HostPort]:
        return self.ports

    def check(self) -> list[dict[str, Any]]:
        return self.wrong

    def repair(self) -> dict[str, list[dict[str, Any]]]:
        repaired, self.wrong = self.wrong[:1], self.wrong[1:]
        return {"repaired": repaired, "left": self.wrong}

    def garbage(self) -> dict[str, Any]:
        return {
            "rows": self.wrong,
            "networks": self.networks,
            "prefixes": self.prefixes,
            "idle": self.idle,
            "pools": self.pools,
        }

    def collect(self, rows: Iterable[Row], forgotten: Iterable[str]) -> list[Row]:
        self.taken = list(forgotten)
        return list(rows)


class Life:
    """A plugin with one container, started or not yet."""

    def __init__(self, *, started: bool = True) -> None:
        self.rig = Rig()
        self.health: Health = self.rig.health
        self._desk = Desk()
        self._maintenance = Maintenance()
        self._started = started
        self.rig.networks.create(BLUE)
        self.rig.run(BLUE, WEB, a_binding())
        if started:
            self.health.ready()

    def store(self) -> Store:
        self._check()
        return self.rig.store

    def addresses(self) -> Desk:
        self._check()
        return self._desk

    def maintenance(self) -> Maintenance:
        self._check()
        return self._maintenance

    def heal(self) -> None:
        self._check()
        self.rig.healer.heal()

    def _check(self) -> None:
        if not self._started:
            raise NotReadyError("pynet is not ready: it is still starting")
