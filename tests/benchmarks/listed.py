"""A program in the engine's place, which lists networks and containers."""

import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from flask import Flask, Response, abort
from werkzeug.serving import WSGIRequestHandler, make_server

_LABELS: Final = {f"org.example.label.{n}": "a value of usual length" for n in range(24)}


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nobody reads it."""


class ListedEngine:
    """Answers at a path from the start of the block on; what is added later is listed then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._networks: list[dict[str, Any]] = []
        self._containers: list[dict[str, Any]] = []
        self._pids: dict[str, int] = {}
        self._texts: dict[str, str] = {}
        app = Flask("engine")
        app.add_url_rule("/networks", "networks", lambda: self._listed("networks"))
        app.add_url_rule("/containers/json", "containers", lambda: self._listed("containers"))
        app.add_url_rule("/containers/<which>/json", "container", self._container)
        app.add_url_rule("/version", "version", lambda: {"Version": "28.5.2"})
        app.add_url_rule("/info", "info", lambda: {"SecurityOptions": []})
        app.add_url_rule("/plugins", "plugins", list)
        app.add_url_rule("/services", "services", list)
        self._server = make_server(f"unix://{path}", 0, app, threaded=True, request_handler=_Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add_network(self, identity: str, name: str) -> None:
        """List one more network."""
        self._networks.append({"Id": identity, "Name": name, "Driver": "pynet", "IPAM": {}})
        self._texts.clear()

    def add_container(
        self, name: str, pid: int, *, network: str, endpoint: str, address: str
    ) -> None:
        """List one more container, which runs as that process."""
        attached = {"EndpointID": endpoint, "IPAddress": address, "GlobalIPv6Address": ""}
        self._containers.append(
            {
                "Id": endpoint[::-1],
                "Names": [f"/{name}"],
                "State": "running",
                "Labels": _LABELS,
                "HostConfig": {"NetworkMode": network},
                "NetworkSettings": {"Networks": {network: attached}},
            }
        )
        self._pids[endpoint[::-1]] = pid
        self._texts.clear()

    def _listed(self, what: str) -> Response:
        if what not in self._texts:
            values = self._networks if what == "networks" else self._containers
            self._texts[what] = json.dumps(values)
        return Response(self._texts[what], mimetype="application/json")

    def _container(self, which: str) -> dict[str, Any]:
        if which not in self._pids:
            abort(404)
        return {"Id": which, "State": {"Pid": self._pids[which], "Running": True}}
