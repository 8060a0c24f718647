"""What the admin socket leads to, over a fake host."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plugin.errors import NotReadyError, RefusedError
from plugin.health import Health
from plugin.model.ports import HostPort
from plugin.operator.base import Explaining, Row
from plugin.operator.comparison import Comparison
from plugin.operator.drops import Drops
from plugin.operator.explain.explanations import Explanations
from plugin.operator.leases import DhcpLeases
from plugin.operator.overview import Overview
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
    "network": None,
    "size": 254,
    "free": 251,
    "addresses": {"bound": 3},
}


_NOTHING = "reservations: []\n"


class Desk:
    """Keeps what it is given, as text."""

    def __init__(self) -> None:
        self.text = _NOTHING
        self.note = ""
        self.missing: list[str] = []

    def pools(self) -> list[dict[str, Any]]:
        return [POOL]

    def addresses(self, pool: str, at: str) -> dict[str, Any]:
        if pool != POOL["id"]:
            raise RefusedError(f"pool is {pool!r}")
        blocks = [{"first": "10.1.0.0", "taken": 3}, {"first": "10.1.1.0", "taken": 1}]
        states = enumerate(("never", "gateway", "bound", "kept"))
        cells = [
            {"address": f"10.1.0.{n}", "state": each, "owner": "name web"} for n, each in states
        ]
        first = at or blocks[0]["first"]
        known = {"pool": pool, "prefix": "10.1.0.0/23", "size": 256, "unlisted": 0}
        return {**known, "first": first, "blocks": blocks, "cells": [] if at else cells}

    def reservations(self) -> str:
        return self.text

    def reserve(self, text: str) -> tuple[int, str]:
        if "nonsense" in text:
            raise RefusedError("that is no reservation")
        self.text = text
        return 1, self.note

    def unreserve(self, text: str) -> tuple[int, list[str]]:
        kept, self.text = self.text, _NOTHING
        count = int(kept != _NOTHING)
        return count, (self.missing if count else ["10.1.0.8"])


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


class Hosts:
    """A cluster of two, one of which is gone."""

    def view(self) -> dict[str, Any]:
        hosts = [
            {"id": "0f" * 16, "name": "one", "own": True, "running": True, "blocks": {"p": 2}},
            {"id": "1f" * 16, "name": "two", "own": False, "running": False, "blocks": {}},
        ]
        network = {
            "subnet": "10.50.0.0/16",
            "cluster": "lan",
            "exclude": "",
            "gateway": "",
            "hosts": ["one"],
        }
        return {"hosts": hosts, "networks": [network]}

    def forget(self, host: str) -> dict[str, Any]:
        names = {"two": "two", "1f1f": "\x1b[2Jtwo"}  # each host says its own
        if host not in names:
            raise RefusedError(f"host is {host!r}, which is none of the cluster's")
        return {"id": "1f" * 16, "name": names[host], "blocks": 3}


class Life:
    """A plugin with one container, started or not yet."""

    def __init__(self, *, started: bool = True) -> None:
        self.rig = Rig()
        self.health: Health = self.rig.health
        self._desk = Desk()
        self.hosts: Hosts | None = Hosts()
        self._maintenance = Maintenance()
        self.started = started
        self.directory = Path("/nowhere")
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

    def cluster(self) -> Hosts:
        self._check()
        if self.hosts is None:
            raise RefusedError("this host is in no cluster")
        return self.hosts

    def maintenance(self) -> Maintenance:
        self._check()
        return self._maintenance

    def explanations(self) -> Explaining:
        self._check()
        return Explanations(store=self.rig.store, bound=self.rig.bound, rules="add table inet t\n")

    def overview(self) -> Overview:
        self._check()
        return Overview(
            health=self.health,
            store=self.rig.store,
            reservations=self._desk,
            comparison=Comparison(self._maintenance.check),
            directory=self.directory,
            firewall=self.rig.firewall,
        )

    def drops(self) -> Drops:
        self._check()
        return Drops(store=self.rig.store, firewall=self.rig.firewall)

    def leases(self) -> DhcpLeases:
        self._check()
        rig = self.rig
        return DhcpLeases(
            store=rig.store, bound=rig.bound, leases=rig.teardown.leases, locks=rig.locks
        )

    def heal(self) -> None:
        self._check()
        self.rig.healer.heal()

    def _check(self) -> None:
        if not self.started:
            raise NotReadyError("pynet is not ready: it is still starting")
