"""The command line, with an admin socket of a test behind it."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask, jsonify
from werkzeug.serving import make_server

from plugin.admin.flask_app import create_app
from plugin.cli.commands import group
from tests.unit.admin.behind import Life


class Shell:
    """Runs ``pynet`` with the admin socket of a test."""

    def __init__(self, path: Path, **env: str) -> None:
        self._env = {"PYNET_ADMIN_SOCKET": str(path), "COLUMNS": "160", **env}

    def __call__(self, *arguments: str, stdin: str | None = None, **env: str) -> Result:
        return CliRunner().invoke(group, arguments, env={**self._env, **env}, input=stdin)


@contextmanager
def serving(path: Path, app: Flask) -> Iterator[None]:
    """An application behind a Unix socket."""
    server = make_server(f"unix://{path}", 0, app, threaded=True)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


@contextmanager
def an_engine(
    path: Path,
    networks: list[dict[str, Any]],
    containers: Sequence[dict[str, Any]] = (),
    services: Sequence[dict[str, Any]] = (),
) -> Iterator[None]:
    """An engine that answers at a path, and lists these networks, containers and services."""
    app = Flask("engine")
    app.add_url_rule("/networks", "networks", lambda: jsonify(networks))
    app.add_url_rule("/containers/json", "containers", lambda: jsonify(containers))
    app.add_url_rule("/services", "services", lambda: jsonify(services))
    with serving(path, app):
        yield


@pytest.fixture
def life() -> Life:
    """A plugin that is up."""
    return Life()


@pytest.fixture
def pynet(life: Life, tmp_path: Path) -> Iterator[Shell]:
    """The command, with that plugin behind it."""
    path = tmp_path / "admin.sock"
    with serving(path, create_app(life)):
        yield Shell(path)
