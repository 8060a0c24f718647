"""A driver that answers at once, with links that were made before: no remote driver costs less.

It keeps no state, guards nothing and publishes nothing.  What a container on it takes is the engine
itself and the kernel, with a call of HTTP for each step.
"""

import json
import threading
from collections import deque
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer
from types import TracebackType
from typing import Any, Final, Self

from tests.lab.host import Host
from tests.lab.namespace import ip

NAME: Final = "floor"
_SOCKET: Final = f"/run/docker/plugins/{NAME}.sock"
_BRIDGE: Final = "floor0"
_AHEAD: Final = 4


class Floor:
    """The driver on a host, with its bridge, for the block."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._links: deque[str] = deque()
        self._used: list[str] = []
        self._made = 0
        self._gateway = ""

    def __enter__(self) -> Self:
        ip(self._host.netns, f"link add {_BRIDGE} type bridge", f"link set {_BRIDGE} up")
        path = self._host.path(_SOCKET)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._server = _Server(str(path), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.refill()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._host.path(_SOCKET).unlink()
        used = [*self._used, *self._links]
        ip(self._host.netns, *(f"link delete {each}h" for each in used), f"link delete {_BRIDGE}")

    def refill(self) -> None:
        """Delete links that containers have left, and make new ones; not to be measured."""
        used, self._used = self._used, []
        new = [f"fl{self._made + each}" for each in range(_AHEAD - len(self._links))]
        self._made += len(new)
        ip(
            self._host.netns,
            *(f"link delete {each}h" for each in used),
            *(f"link add {each}h type veth peer name {each}c" for each in new),
            *(f"link set {each}h master {_BRIDGE} up" for each in new),
        )
        self._links += new

    def answer(self, method: str, message: Mapping[str, Any]) -> dict[str, object]:
        """What the engine is told."""
        match method:
            case "Plugin.Activate":
                return {"Implements": ["NetworkDriver"]}
            case "NetworkDriver.GetCapabilities":
                return {"Scope": "local", "ConnectivityScope": "local"}
            case "NetworkDriver.CreateNetwork":
                self._gateway, _, _ = message["IPv4Data"][0]["Gateway"].partition("/")
            case "NetworkDriver.Join":
                link = self._links.popleft()
                self._used.append(link)
                name = {"SrcName": f"{link}c", "DstPrefix": "eth"}
                return {"InterfaceName": name, "Gateway": self._gateway}
        return {}


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


def _handler(floor: Floor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = floor.answer(self.path[1:], json.loads(body or b"{}"))
            data = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def address_string(self) -> str:
            return NAME

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    return Handler
