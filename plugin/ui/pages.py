"""What is answered to a request, without a socket: files of the page, and data for who has the key.

Any user of this host may connect to an address of the loopback, and any web page that a browser
shows may ask it to.  So data need a key, which only the reader of the command's output has; a name
in the Host header must be one of the loopback (a foreign name that leads here is DNS rebinding);
and paths are looked up in a table and never in a file system.

Once the command has ended any user may listen on its port, and a page that is still open asks that
program.  So who shows the key is shown the answer key, which the page knows and never sends.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from plugin.errors import PynetError
from plugin.log import Log
from plugin.operator.doctor.host import Host
from plugin.ui.topology import topology

_log: Final = Log("ui")
_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/picture.js": ("picture.js", "text/javascript; charset=utf-8"),
    "/addresses.js": ("addresses.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
# What is asked of pynet for the page, and with which values.
_DATA: Final = {"/explain": ("id", "lang"), "/addresses": ("pool", "at")}
_EVENTS: Final = "/events"
_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"
_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_OK: Final = 200
_BAD, _FORBIDDEN, _NOT_FOUND, _MISDIRECTED = 400, 403, 404, 421


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer, or the head of a stream of events, whose ``body`` is None."""

    status: int = _OK
    kind: str = _TEXT
    body: bytes | None = b""
    answer_key: str = ""  # where the key was right


class Pages:
    """Answers GET requests; ``ask`` asks pynet as a command does, and raises what a command raises."""

    def __init__(
        self, *, key: str, answer_key: str, address: str, ask: Callable[[str], Any]
    ) -> None:
        self._key = key
        self._answer_key = answer_key
        self._names = _NAMES | {address}
        self._ask = ask
        self._files = {
            path: Answer(kind=kind, body=(files("plugin.ui") / "static" / name).read_bytes())
            for path, (name, kind) in _FILES.items()
        }

    def answer(self, target: str, host: str) -> Answer:
        """The answer to a request for ``target``, whose Host header is ``host``."""
        if _name(host) not in self._names:
            return _refusal(
                _MISDIRECTED,
                "this page is asked for by the names localhost, 127.0.0.1 and [::1] alone; from another "
                "machine, use ssh -L",
            )
        try:
            asked = urlsplit(target)
            values = parse_qs(asked.query, max_num_fields=8)
        except ValueError:
            return _refusal(_BAD, "the address cannot be read")
        if asked.path in self._files:
            return self._files[asked.path]
        if asked.path != _EVENTS and asked.path not in _DATA:
            return _refusal(_NOT_FOUND, "there is no such page; the page of pynet is /")
        return self._private(asked.path, values)

    def _private(self, path: str, values: Mapping[str, list[str]]) -> Answer:
        if not secrets.compare_digest(_last(values, "key").encode(), self._key.encode()):
            return _refusal(
                _FORBIDDEN, "the key is not that of this pynet ui; open the address that it printed"
            )
        if path == _EVENTS:
            return Answer(kind="text/event-stream", body=None, answer_key=self._answer_key)
        passed = {name: each for name in _DATA[path] if (each := _last(values, name))}
        try:
            found = self._ask(f"/v1{path}?{urlencode(passed)}")
        except PynetError as error:
            return _refusal(_BAD, str(error), self._answer_key)
        body = json.dumps(found).encode()
        return Answer(kind=_JSON, body=body, answer_key=self._answer_key)


def seen(look: Callable[[], Host], name: str) -> bytes:
    """The topology as JSON, or why there is none.  Raises nothing."""
    try:
        return msgspec.json.encode(topology(look(), name))
    except PynetError as error:
        return msgspec.json.encode({"away": str(error)})
    except Exception as error:  # noqa: BLE001 - the next look may succeed
        _log.exception("ui.fault")
        return msgspec.json.encode({"away": f"internal error ({type(error).__name__})"})


def _refusal(status: int, why: str, answer_key: str = "") -> Answer:
    return Answer(status=status, body=f"{why}\n".encode(), answer_key=answer_key)


def _name(host: str) -> str:
    """The Host header's name, without the port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def _last(values: Mapping[str, list[str]], name: str) -> str:
    return values.get(name, [""])[-1]
