"""The application of the admin socket.  It answers from the first second on."""

import secrets
from collections.abc import Container
from typing import Any, Final, Protocol, TypeVar

import msgspec
from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ipam.errors import InvalidRequestError, IpamError
from ipam.errors import RefusedError as IpamRefusedError
from plugin.admin.maintenance_answers import Collection
from plugin.errors import NotReadyError, PynetError, RefusedError, reasons
from plugin.health import Health
from plugin.log import RECENT
from plugin.model.ports import HostPort
from plugin.operator.base import Cluster, Explaining, Maintenance, Reservations, Row
from plugin.operator.drops import Drops
from plugin.operator.leases import DhcpLeases
from plugin.operator.overview import Overview
from plugin.operator.views import events_view, health_view, networks_view, ports_view
from plugin.store.base import Store
from plugin.telemetry import exposition

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


def create_app(behind: Behind) -> Flask:
    """An application that shows what is ``behind`` it."""
    app = Flask("pynet-admin", static_folder=None)
    _show(app, behind)
    _act(app, behind)
    _refuse(app)
    return app


def _show(app: Flask, behind: Behind) -> None:
    app.add_url_rule("/health", "health", lambda: _json(health_view(behind.health)))
    app.add_url_rule("/metrics", "metrics", _metrics)
    app.add_url_rule("/v1/openapi.json", "openapi", _description)
    app.add_url_rule("/v1/status", "status", lambda: _json(_status(behind)))
    app.add_url_rule("/v1/networks", "networks", lambda: _json(networks_view(behind.store())))
    app.add_url_rule(
        "/v1/ports",
        "ports",
        lambda: _json(ports_view(behind.store(), behind.maintenance().unserved())),
    )
    app.add_url_rule("/v1/pools", "pools", lambda: _json(behind.addresses().pools()))
    app.add_url_rule("/v1/addresses", "addresses", lambda: _json(_addresses(behind.addresses())))
    app.add_url_rule(
        "/v1/reservations",
        "reservations",
        lambda: _json({"yaml": behind.addresses().reservations()}),
    )
    app.add_url_rule("/v1/cluster", "cluster", lambda: _json(behind.cluster().view()))
    app.add_url_rule("/v1/explain", "explain", lambda: _json(_explained(behind.explanations())))
    app.add_url_rule("/v1/leases", "leases", lambda: _json(behind.leases().view()))
    app.add_url_rule("/v1/drops", "drops", lambda: _json(behind.drops().view()))
    app.add_url_rule("/v1/events", "events", lambda: _json(_events()))
    app.add_url_rule("/v1/rules", "rules", lambda: _json({"nft": behind.explanations().rules}))
    app.add_url_rule(
        "/v1/differences", "differences", lambda: _json(behind.overview().differences())
    )
    app.add_url_rule("/v1/check", "check", lambda: _json(behind.maintenance().check()))
    app.add_url_rule("/v1/garbage", "garbage", lambda: _json(behind.maintenance().garbage()))


def _act(app: Flask, behind: Behind) -> None:
    @app.post("/v1/reconcile")
    def reconcile() -> Response:
        behind.heal()
        return _json(health_view(behind.health))

    @app.post("/v1/repair")
    def repair() -> Response:
        return _json(behind.maintenance().repair())

    @app.post("/v1/garbage")
    def collect() -> Response:
        try:
            wanted = msgspec.json.decode(request.get_data(), type=Collection)
        except msgspec.MsgspecError as error:
            raise RefusedError(f"the body is no list of what to remove: {error}") from error
        rows: list[Row] = msgspec.to_builtins(wanted.rows)
        return _json(behind.maintenance().collect(rows, wanted.forgotten))

    @app.post("/v1/reservations")
    def reserve() -> Response:
        count, note = behind.addresses().reserve(request.get_data(as_text=True))
        return _json({"reserved": count, "note": note})

    @app.delete("/v1/reservations")
    def unreserve() -> Response:
        return _json({"unreserved": behind.addresses().unreserve(request.get_data(as_text=True))})

    @app.post("/v1/leases")
    def renew() -> Response:
        return _json(behind.leases().renew(request.get_data(as_text=True)))

    @app.delete("/v1/leases")
    def give_back() -> Response:
        return _json(behind.leases().forget(request.get_data(as_text=True)))

    @app.delete("/v1/cluster")
    def forget() -> Response:
        return _json(behind.cluster().forget(request.get_data(as_text=True)))


def _refuse(app: Flask) -> None:
    @app.errorhandler(PynetError)
    def refuse(error: PynetError) -> Response:
        if isinstance(error, RefusedError):
            return _json({"error": str(error)}, 400)
        return _json({"error": str(error)}, 503 if isinstance(error, NotReadyError) else 500)

    @app.errorhandler(ExceptionGroup)
    def fail(error: ExceptionGroup) -> Response:
        return _json({"error": reasons(error)}, 500)

    @app.errorhandler(IpamError)
    def fail_addresses(error: IpamError) -> Response:
        refused = isinstance(error, InvalidRequestError | IpamRefusedError)
        return _json({"error": str(error)}, 400 if refused else 500)

    @app.errorhandler(HTTPException)
    def unknown(error: HTTPException) -> Response:
        answer = _json({"error": error.name}, error.code or 500)
        if isinstance(error, MethodNotAllowed):
            answer.allow.update(error.valid_methods or ())
        return answer


def _status(behind: Behind) -> dict[str, Any]:
    """The health alone until there is more to show: it says why there is not."""
    if behind.health.wait_ready(0):
        return behind.overview().view()
    return health_view(behind.health)


def _events() -> dict[str, Any]:
    """What was remembered after a number; ``run`` is another after a restart, where numbers begin again."""
    seconds = min(_asked_number("wait", 0.0), _LONGEST_WAIT_SECONDS)
    found = RECENT.after(_asked_number("after", 0), max(0.0, seconds))
    return {"run": _RUN, "events": events_view(found)}


def _asked_number(name: str, default: Number) -> Number:
    """A number of the query, of the default's type; the default if it is not there."""
    text = request.args.get(name)
    if text is None:
        return default
    try:
        return type(default)(text)
    except ValueError as error:
        raise RefusedError(f"{name} is {text[:40]!r}, expected a number as {default}") from error


def _explained(explanations: Explaining) -> list[Row]:
    asked = request.args
    return explanations.explain(asked.get("id", ""), asked.get("lang", "en"))


def _addresses(reservations: Reservations) -> Row:
    asked = request.args
    return reservations.addresses(asked.get("pool", ""), asked.get("at", ""))


def _description() -> Response:
    from plugin.admin.openapi import document  # noqa: PLC0415 - seldom asked, and a hundred types

    return _json(document())


def _metrics() -> Response:
    return Response(exposition(), content_type=CONTENT_TYPE_LATEST)


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status=status, mimetype="application/json")
