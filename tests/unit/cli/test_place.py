"""Where a command finds pynet: a service with its file, or a managed plugin in Docker's folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from plugin.admin.flask_app import create_app
from plugin.cli import place
from plugin.cli.commands import group
from plugin.config import Config
from plugin.errors import SettingError
from plugin.sockets import UNIX_PATH_MAX
from tests.unit.admin.behind import Life
from tests.unit.cli.conftest import serving

IDENTITY = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host on which nothing is installed yet."""
    monkeypatch.setattr(place, "_FILE", tmp_path / "default")
    monkeypatch.setattr(place, "_PLUGINS", tmp_path / "docker" / "plugins")
    for name in list(os.environ):
        if name.startswith("PYNET_"):
            monkeypatch.delenv(name)
    (tmp_path / "default").write_text(f"PYNET_ADMIN_SOCKET={tmp_path}/service/admin.sock\n")
    return tmp_path


@pytest.fixture
def managed(host: Path) -> Iterator[Path]:
    """The folder of a managed plugin that runs."""
    folder = host / "docker" / "plugins" / IDENTITY
    for each in ("rootfs/run/pynet", "propagated-mount"):
        (folder / each).mkdir(parents=True)
    path = folder / "rootfs/run/pynet/admin.sock"
    short = host / "s"
    with serving(short, create_app(Life())):
        short.rename(path)  # where no name of a socket is long enough for
        yield folder


def test_the_file_of_the_service(host: Path) -> None:
    """As systemd reads it; the environment is stronger, and lines of others say nothing."""
    (host / "default").write_text(
        '# a comment\n\nPYNET_TICK=5\nPYNET_POOLS="10.1.0.0/16:24"\nPATH=/nowhere\n'
        "PYNET_STATE=/from/file\nPYNET_SECRET='half\n"
    )
    found = place.config()

    assert (found.tick, found.addresses.pools) == (5, "10.1.0.0/16:24")
    assert found.state == Path("/from/file")


def test_a_secret_that_this_user_may_not_read(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may."""

    def closed(_: object) -> Config:
        raise SettingError("PYNET_SECRET_FILE", "/s", "a file") from PermissionError()

    monkeypatch.setattr(place, "read_config", closed)
    result = CliRunner().invoke(group, ["status"])

    assert result.exit_code == 4
    assert "run the command as root" in result.output


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, host: Path) -> None:
    """What is given with the command."""
    monkeypatch.setenv("PYNET_ADMIN_SOCKET", "/given.sock")

    assert list(place.admin_sockets()) == [Path("/given.sock")]


def test_a_managed_plugin(managed: Path) -> None:
    """Its socket has too long a name for a Unix socket, and answers all the same."""
    socket = managed / "rootfs/run/pynet/admin.sock"
    result = CliRunner().invoke(group, ["status"])

    assert len(bytes(socket)) > UNIX_PATH_MAX
    assert result.exit_code == 0, result.output
    assert place.config().state == managed / "propagated-mount"


def test_neither(host: Path) -> None:
    """The service is what is missed."""
    result = CliRunner().invoke(group, ["status"])

    assert result.exit_code == 3
    assert f"no pynet answers at {host}/service/admin.sock" in result.output


def test_one_that_this_user_cannot_see(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may run."""
    monkeypatch.setattr(place, "may_look", lambda: False)
    monkeypatch.setattr("plugin.cli.client.may_look", lambda: False)
    result = CliRunner().invoke(group, ["status"])

    assert result.exit_code == 4
    assert "run the command as root" in result.output
