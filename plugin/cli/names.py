"""The names of networks and containers, which pynet does not know: the engine is asked for them.

An engine that is half-dead is waited for a moment, once.  Names are then those that it told last.
"""

import difflib
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from plugin.cli import engine, place
from plugin.cli.output import plain
from plugin.errors import RefusedError
from plugin.operator.doctor.seen import with_names

_SECONDS: Final = 2.0  # a list of some thousand containers takes an engine one
_AGAIN_SECONDS: Final = 3.0  # between two questions to the engine
_FILE: Final = "names.json"  # beside the admin socket
_SHORT: Final = 12  # digits of an id, as Docker lists them


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names of networks and of endpoints' containers, by id."""

    networks: Mapping[str, str] = field(default_factory=dict)
    containers: Mapping[str, str] = field(default_factory=dict)

    def network(self, identity: str) -> str:
        """The name of a network by its id, whole or short; empty if no engine told it."""
        return _by_id(self.networks, identity)

    def container(self, endpoint: str) -> str:
        """The name of the container that has an endpoint."""
        return _by_id(self.containers, endpoint)

    def told_in(self, text: str) -> str:
        """A sentence of pynet's, with the name behind each network's id."""
        return with_names(text, self.network)

    def ids(self, which: str) -> list[str]:
        """The network of that name, or the endpoints of the container of that name."""
        found = [each for each, name in self.networks.items() if name == which]
        return found or [each for each, name in self.containers.items() if name == which]

    def suggested(self, error: RefusedError, which: str) -> RefusedError:
        """The error, with the name that was probably meant by an unknown one, or that none is known."""
        if not self.networks and not self.containers:
            return RefusedError(f"{error}; names are not known: {engine.absence()}")
        known = sorted({*self.networks.values(), *self.containers.values()} - {which})
        near = difflib.get_close_matches(which, known, n=1)
        return RefusedError(f"{error}; did you mean {near[0]}?") if near else error


class LatestNames:
    """Names for a command that goes on: the engine is asked again if there is an id that is new."""

    def __init__(self) -> None:
        self._names = known_names()
        self._asked = time.monotonic()

    def of(self, network: str, endpoint: str) -> tuple[str, str]:
        """The names of a network and of an endpoint's container; empty for no id, and if none is known."""
        found = self._names.network(network), self._names.container(endpoint)
        lacks = (network and not found[0]) or (endpoint and not found[1])
        if not lacks or time.monotonic() - self._asked < _AGAIN_SECONDS:
            return found
        self._names = known_names()
        self._asked = time.monotonic()
        return self._names.network(network), self._names.container(endpoint)


def known_names() -> Names:
    """The names that the engine tells now, or those that it told last; none if it never did."""
    path = place.config().admin_socket.parent / _FILE
    remembered = _read(path)
    networks = engine.listed("/networks", _SECONDS)
    containers = None if networks is None else engine.listed("/containers/json", _SECONDS)
    if networks is None or containers is None:
        return remembered
    told = Names(networks=dict(_networks(networks)), containers=dict(_endpoints(containers)))
    if told != remembered:
        _write(path, told)
    return told


def _networks(listed: Iterable[Any]) -> Iterable[tuple[str, str]]:
    for each in listed:
        if isinstance(each, dict) and "Id" in each:
            yield str(each["Id"]), plain(str(each.get("Name") or ""))


def _endpoints(listed: Iterable[Any]) -> Iterable[tuple[str, str]]:
    for each in listed:
        if not isinstance(each, dict) or not each.get("Names"):
            continue
        name = plain(str(each["Names"][0])).removeprefix("/")
        networks = (each.get("NetworkSettings") or {}).get("Networks") or {}
        for attached in networks.values():
            if attached and attached.get("EndpointID"):
                yield str(attached["EndpointID"]), name


def _by_id(names: Mapping[str, str], identity: str) -> str:
    if identity in names or len(identity) < _SHORT:
        return names.get(identity, "")
    return next((name for each, name in names.items() if each.startswith(identity)), "")


def _read(path: Path) -> Names:
    with suppress(OSError, ValueError, TypeError):
        return Names(**json.loads(path.read_bytes()))
    return Names()


def _write(path: Path, names: Names) -> None:
    """Whole or not at all; a user who may not write there asks the engine each time."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(mode=0o755, exist_ok=True)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                json.dump(asdict(names), out)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
