"""Every command in every trouble: one sentence, an exit status, and nothing else.

They run in a network namespace without a plugin, as the user and with the state, the mounts and
the socket that the trouble is about.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from werkzeug.serving import make_server

from plugin.operator.archive import backup as write_backup
from plugin.server.flask_app import create_app
from plugin.store.sqlite import SqliteStore
from tests.kernel.netns import Netns

NOBODY: Final = 65534
ROOT: Final = Path(__file__).parents[2]

ASKING: Final = ("status", "networks", "ports", "pools", "reservations")
CHANGING: Final = ("reserve 10.0.0.1 --name x", "unreserve 10.0.0.1")
EITHER_WAY: Final = ("check", "repair", "gc")
SAVING: Final = ("backup -",)
RESTORING: Final = ("restore {backup}",)
REMOVING: Final = ("uninstall --without-engine",)
EVERY: Final = (*ASKING, *CHANGING, *EITHER_WAY, *SAVING, *RESTORING, *REMOVING)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What is wrong, and what which commands say of it."""

    name: str
    says: dict[tuple[str, ...], str]
    state: str = "{folder}/state"
    admin: str = "{folder}/nobody.sock"
    user: int = 0
    mounts: str = ""  # shell commands that only the command sees
    unanswered: int = 1  # exit status of the commands that ask a plugin

    def exit_status(self, command: str, text: str) -> int:
        """Of a command that says this: 4 where root might, 1 for what asks no plugin and fails."""
        if "root" in text:
            return 4
        return self.unanswered if command in (*ASKING, *CHANGING, *EITHER_WAY) else 1


def ask_but_no_plugin(*others: str) -> dict[tuple[str, ...], str]:
    (either_way,) = others
    nobody = "no pynet answers at {folder}/nobody.sock"
    return {ASKING: nobody, CHANGING: nobody, EITHER_WAY: either_way}


TROUBLES: Final = (
    Trouble(
        name="another user, and no plugin",
        user=NOBODY,
        says={
            (*ASKING, *CHANGING, *EITHER_WAY): "this user would not see a managed plugin; "
            "run the command as root",
            SAVING: "cannot be used by this user (Permission denied); be root",
            ("backup {folder}/new.tar",): "new.tar cannot be written: Permission denied",
            RESTORING: "another user; be root",
            REMOVING: "to remove pynet changes the host's network; run it as root",
        },
    ),
    Trouble(
        name="another user, and a plugin",
        user=NOBODY,
        admin="{folder}/private/admin.sock",
        says={
            (*ASKING, *CHANGING, *EITHER_WAY): "{folder}/private/admin.sock cannot be used "
            "(Permission denied); run the command as root",
        },
    ),
    Trouble(
        name="the plugin's socket in the place of the admin socket",
        admin="{folder}/other.sock",
        says={
            (*ASKING, *CHANGING, *EITHER_WAY): "what answers at {folder}/other.sock is not pynet's "
            "admin socket; set PYNET_ADMIN_SOCKET"
        },
    ),
    Trouble(
        name="no state",
        unanswered=3,
        state="{folder}/none",
        says={**ask_but_no_plugin("there is no state in"), SAVING: "there is no state in"},
    ),
    Trouble(
        name="a relative path",
        state="state",
        says={EVERY: "PYNET_STATE is 'state', expected an absolute path"},
    ),
    Trouble(
        name="a file for a directory",
        unanswered=3,
        state="{folder}/file",
        says={
            **ask_but_no_plugin("there is no state in"),
            SAVING: "there is no state in",
            RESTORING: "{folder}/file is a file; set it to a directory",
        },
    ),
    Trouble(
        name="a directory that cannot be made",
        unanswered=3,
        state="/proc/1/nothing",
        says={**ask_but_no_plugin("there is no state"), RESTORING: "cannot be made"},
    ),
    Trouble(
        name="a state that is something else",
        unanswered=3,
        state="{folder}/foreign",
        says={
            **ask_but_no_plugin("file is not a database"),
            SAVING: "file is not a database",
            REMOVING: "file is not a database",
        },
    ),
    Trouble(
        name="a state of a later version",
        unanswered=3,
        state="{folder}/later",
        says={
            **ask_but_no_plugin("written by a newer pynet"),
            REMOVING: "to remove pynet all the same, move {folder}/later/pynet.db to another folder",
        },
    ),
    Trouble(
        name="a full disk",
        mounts="mount -t tmpfs -o size=64k none {folder}/state; "
        "cp {folder}/saved.db {folder}/state/pynet.db; "
        "dd if=/dev/zero of={folder}/state/rest bs=1k 2>/dev/null || true",
        says={RESTORING: "No space left on device"},
    ),
    Trouble(
        name="a disk that cannot be written",
        unanswered=3,
        mounts="mount --bind {folder}/state {folder}/state; "
        "mount -o remount,ro,bind {folder}/state",
        says={
            **ask_but_no_plugin("cannot be written; make its file system writable"),
            RESTORING: "cannot be written; make its file system writable",
        },
    ),
)
# Runs commands one after the other; its output is how each ended, and what it printed.
RUNNER: Final = """
import json, sys
from click.testing import CliRunner
from plugin.cli.commands import group
done = [CliRunner().invoke(group, each.split()) for each in json.loads(sys.argv[1])]
print(json.dumps([[each.exit_code, each.output] for each in done]))
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that other users may look into, with states and sockets of all sorts."""
    with tempfile.TemporaryDirectory(prefix="pynet-trouble-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "file").write_text("")
        for state in ("state", "foreign", "later"):
            (folder / state).mkdir(mode=0o700)
            SqliteStore(folder / state / "pynet.db").close()
        (folder / "foreign" / "pynet.db").write_bytes(b"no database, however it is read" * 99)
        with_version(folder / "later" / "pynet.db", 99)
        (folder / "saved.db").write_bytes((folder / "state" / "pynet.db").read_bytes())
        with (folder / "backup.tar").open("wb") as out:
            write_backup(folder / "state", out)
        (folder / "private").mkdir(mode=0o700)
        with plugin_socket(folder / "other.sock"), plugin_socket(folder / "private/admin.sock"):
            yield folder


def with_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {version}")


def _no_method(_: str) -> None:
    return None


@contextmanager
def plugin_socket(path: Path) -> Iterator[None]:
    """What the engine talks to, which knows nothing of the admin socket's paths."""
    server = make_server(f"unix://{path}", 0, create_app(_no_method), threaded=True)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_one_sentence(netns: Netns, folder: Path, trouble: Trouble) -> None:
    """What is wrong and what would help, without a trace; and the state is as it was."""
    before = contents(folder / "state")
    expected = [
        (command.format(folder=folder, backup=folder / "backup.tar"), text.format(folder=folder))
        for commands, text in trouble.says.items()
        for command in commands
    ]
    ended = run(netns, folder, trouble, [command for command, _ in expected])

    for (command, text), (code, output) in zip(expected, ended, strict=True):
        said = f"{command}: {code} {output}"
        assert code == trouble.exit_status(command, text), said
        assert output.startswith("Error: "), said
        assert len(output.splitlines()) == 1, said
        assert text in output, said
    assert contents(folder / "state") == before


def run(netns: Netns, folder: Path, trouble: Trouble, commands: list[str]) -> list[tuple[int, str]]:
    """The exit status of each command, and all that it printed."""
    user = f"setpriv --reuid={trouble.user} --regid={trouble.user} --clear-groups"
    script = f'{trouble.mounts.format(folder=folder)}\nexec {user} "$@"'
    environ = {
        **os.environ,
        "PYNET_STATE": trouble.state.format(folder=folder),
        "PYNET_ADMIN_SOCKET": trouble.admin.format(folder=folder),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    python = [sys.executable, "-c", RUNNER, json.dumps(commands)]
    with netns.entered():
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-ec", script, "sh", *python],
            env=environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return [(code, output) for code, output in json.loads(done.stdout)]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.iterdir()}
