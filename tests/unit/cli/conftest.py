"""The command line, with an admin socket of a test behind it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import make_server

from plugin.admin.app import create_app
from plugin.cli.commands import group
from tests.unit.admin.behind import Life


class Shell:
    """Runs ``pynet`` with the admin socket of a test."""

    def __init__(self, path: Path, **env: str) -> None:
        self._env = {"PYNET_ADMIN_SOCKET": str(path), "COLUMNS": "160", **env}

    def __call__(self, *arguments: str, stdin: str | None = None, **env: str) -> Result:
        return CliRunner().invoke(group, arguments, env={**self._env, **env}, input=stdin)


@pytest.fixture
def life() -> Life:
    """A plugin that is up."""
    return Life()


@pytest.fixture
def pynet(life: Life, tmp_path: Path) -> Iterator[Shell]:
    """The command, with that plugin behind it."""
    path = tmp_path / "admin.sock"
    server = make_server(f"unix://{path}", 0, create_app(life), threaded=True)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    yield Shell(path)
    server.shutdown()
    thread.join(60)
    server.server_close()
