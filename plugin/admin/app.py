"""The application of the admin socket.  It answers from the first second on."""

import secrets
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import parse_qsl

import msgspec
from gunicorn.http.errors import ParseException
from prometheus_client import CONTENT_TYPE_LATEST

from ipam.errors import InvalidRequestError, IpamError
from ipam.errors import RefusedError as IpamRefusedError
from plugin.admin.maintenance_answers import Collection
from plugin.errors import NotReadyError, PynetError, RefusedError, reasons
from plugin.health import Health
from plugin.log import RECENT, Log
from plugin.model.ports import HostPort
from plugin.operator.base import Cluster, Explaining, Maintenance, Reservations, Row
from plugin.operator.drops import Drops
from plugin.operator.leases import DhcpLeases
from plugin.operator.overview import Overview
from plugin.operator.views import events_view, health_view, networks_view, ports_view
from plugin.store.base import Store
from plugin.telemetry import exposition

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_log: Final = Log("admin")
_DIGITS: Final = 10
_STATUS: Final = {each.value: f"{each.value} {each.phrase}" for each in HTTPStatus}
_LONGEST_WAIT_SECONDS: Final = 1.0  # a plugin that stops waits for its readers
Number = TypeVar("Number", int, float)
_RUN: Final = secrets.token_hex(4)


class RunningMaintenance(Maintenance, Protocol):
    """Of a plugin that runs."""

    def unserved(self) -> Container[HostPort]:
        """Published ports that do not reach their container."""


class Behind(Protocol):
    """What the socket leads to; all but the health raise NotReadyError until it has started."""

    health: Health

    def store(self) -> Store:
        """The networks and endpoints."""

    def addresses(self) -> Reservations:
        """The pools and reservations."""

    def cluster(self) -> Cluster:
        """The hosts that this one shares networks with.  Raises RefusedError if there is no cluster."""

    def maintenance(self) -> RunningMaintenance:
        """Looking, putting right, taking away."""

    def explanations(self) -> Explaining:
        """How networks would be built by hand."""

    def overview(self) -> Overview:
        """How everything is, in a few lines."""

    def drops(self) -> Drops:
        """What the firewall has dropped."""

    def leases(self) -> DhcpLeases:
        """Leases of DHCP servers."""

    def heal(self) -> None:
        """Compare the host with what it should hold, now."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What comes with a request."""

    query: Mapping[str, str]
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body; what is no text in it is shown so."""
        return self.body.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    body: bytes
    status: int = 200
    kind: str = "application/json"


Route = tuple[str, str]  # a method of HTTP and a path
Handler = Callable[[Asked], Answer]


def application(behind: Behind) -> WsgiApp:
    """An application that shows what is ``behind`` it."""
    table = routes(behind)

    @cache
    def by_flask() -> WsgiApp:
        from plugin.admin.flask_app import create_app  # noqa: PLC0415 - see there

        return create_app(behind)

    def others(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        return by_flask()(environ, start)

    return before(others, table)


def before(others: WsgiApp, table: Mapping[Route, Handler]) -> WsgiApp:
    """Serve what has a route; ``others`` serves the rest."""

    def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        handler = table.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        size = environ.get("CONTENT_LENGTH") or "0"
        if handler is None or "HTTP_TRANSFER_ENCODING" in environ or not _is_size(size):
            return others(environ, start)

        def read() -> bytes:
            body: bytes = environ["wsgi.input"].read(int(size))
            if len(body) < int(size):
                raise OSError(f"it has {len(body)} of {size} bytes")
            return body

        # Of a name that is there twice, the first counts.
        query = parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)
        answer = answered(handler, dict(reversed(query)), read)
        headers = [("Content-Type", answer.kind), ("Content-Length", str(len(answer.body)))]
        start(_STATUS[answer.status], headers)
        return [answer.body]

    return serve


def _is_size(text: str) -> bool:
    return len(text) < _DIGITS and text.isascii() and text.isdecimal()


def routes(behind: Behind) -> dict[Route, Handler]:
    """What is answered, and by what."""
    return {
        ("GET", "/health"): lambda _: _json(health_view(behind.health)),
        ("GET", "/metrics"): lambda _: Answer(exposition(), kind=CONTENT_TYPE_LATEST),
        ("GET", "/v1/openapi.json"): lambda _: _description(),
        ("GET", "/v1/status"): lambda _: _json(_status(behind)),
        ("GET", "/v1/networks"): lambda _: _json(networks_view(behind.store())),
        ("GET", "/v1/ports"): lambda _: _json(
            ports_view(behind.store(), behind.maintenance().unserved())
        ),
        ("GET", "/v1/pools"): lambda _: _json(behind.addresses().pools()),
        ("GET", "/v1/addresses"): lambda asked: _json(_addresses(behind.addresses(), asked)),
        ("GET", "/v1/reservations"): lambda _: _json({"yaml": behind.addresses().reservations()}),
        ("GET", "/v1/cluster"): lambda _: _json(behind.cluster().view()),
        ("GET", "/v1/explain"): lambda asked: _json(_explained(behind.explanations(), asked)),
        ("GET", "/v1/leases"): lambda _: _json(behind.leases().view()),
        ("GET", "/v1/drops"): lambda _: _json(behind.drops().view()),
        ("GET", "/v1/events"): lambda asked: _json(_events(asked)),
        ("GET", "/v1/rules"): lambda _: _json({"nft": behind.explanations().rules}),
        ("GET", "/v1/differences"): lambda _: _json(behind.overview().differences()),
        ("GET", "/v1/check"): lambda _: _json(behind.maintenance().check()),
        ("GET", "/v1/garbage"): lambda _: _json(behind.maintenance().garbage()),
        **_acts(behind),
    }


def _acts(behind: Behind) -> dict[Route, Handler]:
    def reconcile(_: Asked) -> Answer:
        behind.heal()
        return _json(health_view(behind.health))

    def collect(asked: Asked) -> Answer:
        try:
            wanted = msgspec.json.decode(asked.body, type=Collection)
        except msgspec.MsgspecError as error:
            raise RefusedError(f"the body is no list of what to remove: {error}") from error
        rows: list[Row] = msgspec.to_builtins(wanted.rows)
        return _json(behind.maintenance().collect(rows, wanted.forgotten))

    def reserve(asked: Asked) -> Answer:
        count, note = behind.addresses().reserve(asked.text)
        return _json({"reserved": count, "note": note})

    def unreserve(asked: Asked) -> Answer:
        count, missing = behind.addresses().unreserve(asked.text)
        return _json({"unreserved": count, "missing": missing})

    return {
        ("POST", "/v1/reconcile"): reconcile,
        ("POST", "/v1/repair"): lambda _: _json(behind.maintenance().repair()),
        ("POST", "/v1/garbage"): collect,
        ("POST", "/v1/reservations"): reserve,
        ("DELETE", "/v1/reservations"): unreserve,
        ("POST", "/v1/leases"): lambda asked: _json(behind.leases().renew(asked.text)),
        ("DELETE", "/v1/leases"): lambda asked: _json(behind.leases().forget(asked.text)),
        ("DELETE", "/v1/cluster"): lambda asked: _json(behind.cluster().forget(asked.text)),
    }


def answered(handler: Handler, query: Mapping[str, str], read: Callable[[], bytes]) -> Answer:
    """Read the body, and answer what the handler does of it."""
    try:
        body = read()
    except (OSError, ParseException) as error:
        return refusal(f"the body cannot be read: {error}", 400)
    return _outcome(handler, Asked(query, body))


def _outcome(handler: Handler, asked: Asked) -> Answer:
    """What the handler answers, or why it does not."""
    try:
        return handler(asked)
    except RefusedError as error:
        return refusal(str(error), 400)
    except PynetError as error:
        return refusal(str(error), 503 if isinstance(error, NotReadyError) else 500)
    except IpamError as error:
        refused = isinstance(error, InvalidRequestError | IpamRefusedError)
        return refusal(str(error), 400 if refused else 500)
    except ExceptionGroup as error:
        return refusal(reasons(error), 500)
    except Exception:  # noqa: BLE001 - the next question must get an answer
        _log.exception("admin.fault")
        return refusal("Internal Server Error", 500)


def refusal(problem: str, status: int) -> Answer:
    """One sentence."""
    return _json({"error": problem}, status)


def _status(behind: Behind) -> dict[str, Any]:
    """The health alone until there is more to show: it says why there is not."""
    if behind.health.wait_ready(0):
        return behind.overview().view()
    return health_view(behind.health)


def _events(asked: Asked) -> dict[str, Any]:
    """What was remembered after a number; ``run`` is another after a restart, where numbers begin again."""
    seconds = min(_number(asked, "wait", 0.0), _LONGEST_WAIT_SECONDS)
    found = RECENT.after(_number(asked, "after", 0), max(0.0, seconds))
    return {"run": _RUN, "events": events_view(found)}


def _number(asked: Asked, name: str, default: Number) -> Number:
    """A number of the query, of the default's type; the default if it is not there."""
    text = asked.query.get(name)
    if text is None:
        return default
    try:
        return type(default)(text)
    except ValueError as error:
        raise RefusedError(f"{name} is {text[:40]!r}, expected a number as {default}") from error


def _explained(explanations: Explaining, asked: Asked) -> list[Row]:
    return explanations.explain(asked.query.get("id", ""), asked.query.get("lang", "en"))


def _addresses(reservations: Reservations, asked: Asked) -> Row:
    return reservations.addresses(asked.query.get("pool", ""), asked.query.get("at", ""))


def _description() -> Answer:
    from plugin.admin.openapi import document  # noqa: PLC0415 - seldom asked, and a hundred types

    return _json(document())


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)
