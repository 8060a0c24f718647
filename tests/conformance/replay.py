"""Sends what an engine once sent to a plugin that recorded it.

That plugin was another: its pools have other names, it failed on purpose, it took options
that mean nothing here, and it asked for a replay after a restart.  Only what follows from that
is changed here before it is sent.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ipam.pool import AddressSpaces
from tests.conformance.plugin import Json, Plugin

DATA: Final = Path(__file__).parent / "data"
LABEL: Final = "com.docker.network."
# What is asked in vain is not undone by the engine; what is taken back, is, whatever the answer.
_MAKING: Final = (
    "NetworkDriver.CreateNetwork",
    "NetworkDriver.CreateEndpoint",
    "NetworkDriver.Join",
    "NetworkDriver.ProgramExternalConnectivity",
    "NetworkDriver.GwAllocCheck",
    "IpamDriver.RequestPool",
    "IpamDriver.RequestAddress",
)
# The recorder let two networks have one subnet.
_OVERLAPPING: Final = "a7cb50bc206b1c57b74d5ddb4452205479502162142288757a6929011e8ef661"
_KNOWN: Final = tuple(
    LABEL + name for name in ("driver.mtu", "advertise_addr_nmsgs", "advertise_addr_ms")
)
_WITHOUT_BODY: Final = (
    "Plugin.Activate",
    "NetworkDriver.GetCapabilities",
    "IpamDriver.GetCapabilities",
    "IpamDriver.GetDefaultAddressSpaces",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One recorded call, and whether the engine got what it asked for."""

    method: str
    body: Json | None
    took: bool
    gave: str = ""


def sessions(engine: str) -> Iterator[list[Call]]:
    """The lives of a host, from the engine's first word on."""
    found: dict[int, list[Call]] = {}
    for line in (DATA / f"{engine}.jsonl").read_text().splitlines():
        row = json.loads(line)
        found.setdefault(row.pop("session"), []).append(Call(**row))
    yield from found.values()


class Replay:
    """One life of a host, with pynet in the recorder's place."""

    def __init__(self) -> None:
        self.plugin = Plugin()
        self.counts: Counter[str] = Counter()
        self.networks: set[str] = set()
        self._pools: dict[str, str] = {}
        self._addresses: dict[tuple[str, str], str] = {}

    def run(self, calls: list[Call]) -> None:
        for call in calls:
            if call.method == "restart":
                self.plugin.restart()
            elif call.body is None and call.method not in _WITHOUT_BODY:
                self._expect_refusal_of_an_empty_body(call)
            elif call.took or call.method not in _MAKING:
                self._send(call)
            else:
                self.counts["in vain"] += 1

    def _expect_refusal_of_an_empty_body(self, call: Call) -> None:
        status, answer = self.plugin.ask(call.method)
        assert status == 400
        assert answer["Err"] == answer["Error"]
        self.counts["empty"] += 1

    def _send(self, call: Call) -> None:
        body = call.body
        match call.method:
            case "IpamDriver.RequestPool":
                self._request_pool(call)
            case "IpamDriver.RequestAddress":
                self._request_address(call)
            case "IpamDriver.ReleaseAddress" | "IpamDriver.ReleasePool":
                self._release(call)
            case "NetworkDriver.CreateNetwork" | "NetworkDriver.GwAllocCheck":
                self._call_with_known_options(call)
            case "NetworkDriver.CreateEndpoint":
                self._call_with_known_options(call)
            case "NetworkDriver.DeleteNetwork":
                assert body
                self.networks.discard(body["NetworkID"])
                self._call(call.method, body)
            case _:
                self._call(call.method, body)

    def _call(self, method: str, body: Json | None) -> Json:
        self.counts[method] += 1
        return self.plugin.call(method, body)

    def _call_with_known_options(self, call: Call) -> None:
        """The recorder took any option; pynet says no, and then yes to the same without it."""
        assert call.body
        if call.body.get("NetworkID") == _OVERLAPPING:
            assert "overlaps" in self.plugin.ask(call.method, call.body)[1]["Err"]
            return
        known = _without_unknown_options(call.body)
        if known != call.body:
            self.counts["unknown option"] += 1
            status, answer = self.plugin.ask(call.method, call.body)
            assert status == 200
            assert "is unknown" in answer["Err"]
        self._call(call.method, known)
        if call.method == "NetworkDriver.CreateNetwork":
            self.networks.add(call.body["NetworkID"])

    def _request_pool(self, call: Call) -> None:
        assert call.body
        if call.gave in self._pools:
            self.counts["replayed"] += 1
            return
        body = {**call.body, "Options": {}, "AddressSpace": _space(call.body["AddressSpace"])}
        self._pools[call.gave] = self._call(call.method, body)["PoolID"]

    def _request_address(self, call: Call) -> None:
        assert call.body
        pool, wanted = call.body["PoolID"], call.body["Address"]
        key = (pool, call.gave.partition("/")[0])
        if key in self._addresses:
            self.counts["replayed"] += 1
            return
        body = {**call.body, "PoolID": self._pools[pool], "Address": wanted}
        self._addresses[key] = self._call(call.method, body)["Address"].partition("/")[0]

    def _release(self, call: Call) -> None:
        """What was never given, because the engine was told no, is released all the same."""
        assert call.body
        pool = call.body["PoolID"]
        body: dict[str, Any] = {**call.body, "PoolID": self._pools.get(pool, pool)}
        if call.method == "IpamDriver.ReleasePool":
            self._pools.pop(pool, None)
        else:
            asked = call.body["Address"]
            body["Address"] = self._addresses.pop((pool, asked), asked)
        self._call(call.method, body)


def _space(recorded: str) -> str:
    spaces = AddressSpaces()
    return {"L": spaces.local, "G": spaces.global_}[recorded]


def _without_unknown_options(body: Json) -> Json:
    options = {
        name: value for name, value in (body.get("Options") or {}).items() if name.startswith(LABEL)
    }
    generic = options.get(LABEL + "generic")
    if generic:
        options[LABEL + "generic"] = {
            name: value for name, value in generic.items() if name in _KNOWN
        }
    return {**body, "Options": options}
