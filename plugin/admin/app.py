"""The application of the admin socket.  It answers from the first second on."""

from collections.abc import Callable
from typing import Any

import msgspec
from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.exceptions import HTTPException

from plugin.errors import NotReadyError, PynetError
from plugin.service.health import Health
from plugin.service.views import health_view, networks_view, ports_view
from plugin.store.base import Store
from plugin.telemetry import REGISTRY


def create_app(health: Health, store: Callable[[], Store], heal: Callable[[], None]) -> Flask:
    """``store`` and ``heal`` raise NotReadyError until the plugin has started."""
    app = Flask("pynet-admin", static_folder=None)

    @app.get("/health")
    def show_health() -> Response:
        return _json(health_view(health))

    @app.get("/metrics")
    def show_metrics() -> Response:
        return Response(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)

    @app.get("/v1/networks")
    def show_networks() -> Response:
        return _json(networks_view(store()))

    @app.get("/v1/ports")
    def show_ports() -> Response:
        return _json(ports_view(store()))

    @app.post("/v1/reconcile")
    def reconcile() -> Response:
        heal()
        return _json(health_view(health))

    @app.errorhandler(PynetError)
    def refuse(error: PynetError) -> Response:
        return _json({"error": str(error)}, 503 if isinstance(error, NotReadyError) else 500)

    @app.errorhandler(HTTPException)
    def unknown(error: HTTPException) -> Response:
        return _json({"error": error.name}, error.code or 500)

    return app


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status=status, mimetype="application/json")
