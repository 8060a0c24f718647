"""The application of the admin socket.  It answers from the first second on."""

from collections.abc import Container
from typing import Any, Protocol

import msgspec
from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.exceptions import HTTPException

from ipam.errors import InvalidRequestError, IpamError
from ipam.errors import RefusedError as IpamRefusedError
from plugin.errors import NotReadyError, PynetError, RefusedError, reasons
from plugin.health import Health
from plugin.model.ports import HostPort
from plugin.operator.base import Maintenance, Reservations, Row
from plugin.operator.views import health_view, networks_view, ports_view
from plugin.store.base import Store
from plugin.telemetry import REGISTRY


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

    def maintenance(self) -> RunningMaintenance:
        """Looking, putting right, taking away."""

    def heal(self) -> None:
        """Compare the host with what it should hold, now."""


class _Collection(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[Row]
    forgotten: list[str]


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
    app.add_url_rule("/v1/networks", "networks", lambda: _json(networks_view(behind.store())))
    app.add_url_rule(
        "/v1/ports",
        "ports",
        lambda: _json(ports_view(behind.store(), behind.maintenance().unserved())),
    )
    app.add_url_rule("/v1/pools", "pools", lambda: _json(behind.addresses().pools()))
    app.add_url_rule(
        "/v1/reservations",
        "reservations",
        lambda: _json({"yaml": behind.addresses().reservations()}),
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
            wanted = msgspec.json.decode(request.get_data(), type=_Collection)
        except msgspec.MsgspecError as error:
            raise RefusedError(f"the body is no list of what to remove: {error}") from error
        return _json(behind.maintenance().collect(wanted.rows, wanted.forgotten))

    @app.post("/v1/reservations")
    def reserve() -> Response:
        count, note = behind.addresses().reserve(request.get_data(as_text=True))
        return _json({"reserved": count, "note": note})

    @app.delete("/v1/reservations")
    def unreserve() -> Response:
        return _json({"unreserved": behind.addresses().unreserve(request.get_data(as_text=True))})


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
        return _json({"error": error.name}, error.code or 500)


def _metrics() -> Response:
    return Response(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status=status, mimetype="application/json")
