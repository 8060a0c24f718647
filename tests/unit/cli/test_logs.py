"""``pynet logs``: from the journal or a file, of both installs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from flask import Flask, jsonify

from tests.unit.cli.conftest import Shell, serving

ID: Final = "0f" * 32
OWN: Final = "2026-01-01T00:00:00.000Z info network.created network=1f0c mode=bridge"
BAD: Final = "2026-01-01T00:00:01.000Z warning rpc.refused reason='a \"b\"'"
QUOTED: Final = BAD.replace('"', '\\"')
DOCKERS: Final = f"""\
time="2026-01-01T00:00:00Z" level=info msg="{OWN}" plugin={ID}
time="2026-01-01T00:00:00Z" level=info msg="API listen on /run/docker.sock"
time="2026-01-01T00:00:01Z" level=error msg="{QUOTED}" plugin={ID}
time="2026-01-01T00:00:02Z" level=error msg="{OWN}" plugin={"1e" * 32}
"""
JOURNAL: Final = "#!/bin/sh\necho $@ >{0}/asked\ncat {0}/$1\n"


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal whose units are files."""
    program = tmp_path / "journalctl"
    program.write_text(JOURNAL.format(tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[str]:
    """An engine with the managed plugin."""
    app = Flask("engine")
    plugin = {"Id": ID, "Enabled": True, "Settings": {"Env": ["PYNET_POOLS="]}}
    app.add_url_rule("/plugins", "plugins", lambda: jsonify([plugin]))
    with serving(tmp_path / "docker.sock", app):
        yield f"unix://{tmp_path}/docker.sock"


def test_of_the_service(pynet: Shell, journal: Path) -> None:
    """Its own unit, and its lines alone."""
    (journal / "--unit=pynet").write_text(f"Started pynet.\n{OWN}\n{BAD}\n")
    result = pynet("logs", DOCKER_HOST="unix:///nowhere")

    assert (result.exit_code, result.output) == (0, f"{OWN}\n{BAD}\n")


def test_of_the_managed_plugin(pynet: Shell, journal: Path, engine: str) -> None:
    """Its lines among dockerd's, as it printed them."""
    (journal / "--unit=docker").write_text(DOCKERS)

    assert pynet("logs", DOCKER_HOST=engine).output == f"{OWN}\n{BAD}\n"


def test_with_names(pynet: Shell, tmp_path: Path) -> None:
    """Behind ids, as the engine tells them; in JSON by keys of their own."""
    network, endpoint = "1f0c" * 16, "2e" * 32
    app = Flask("engine")
    attached = {"blue": {"NetworkID": network, "EndpointID": endpoint}}
    web = {"Id": "3d" * 32, "Names": ["/web"], "NetworkSettings": {"Networks": attached}}
    listed = {"/networks": [{"Id": network, "Name": "blue"}], "/containers/json": [web]}
    for path, rows in listed.items():
        app.add_url_rule(path, path, lambda rows=rows: jsonify(rows))
    joined = f"2026-01-01T00:00:00Z info endpoint.joined endpoint={endpoint[:12]} network="
    (tmp_path / "log").write_text(f"{joined}{network[:12]}\n{joined}{'4b' * 6}\n")
    asked = ("logs", "--file", str(tmp_path / "log"))
    with serving(tmp_path / "docker.sock", app):
        where = f"unix://{tmp_path}/docker.sock"
        shown = pynet(*asked, DOCKER_HOST=where).output.splitlines()
        told = pynet(*asked, "--json", DOCKER_HOST=where).output.splitlines()

    assert shown[0].endswith(f"endpoint={endpoint[:12]} (web) network={network[:12]} (blue)")
    assert shown[1].endswith(f" (web) network={'4b' * 6}")
    names = [(row["network_name"], row["container_name"]) for row in map(json.loads, told)]
    assert names == [("blue", "web"), ("", "web")]


def test_nothing_there(pynet: Shell, journal: Path) -> None:
    """It says where it looked, and not on standard output."""
    (journal / "--unit=pynet").write_text(f"Started pynet.\n{OWN}\n")
    result = pynet("logs", "--level=error", DOCKER_HOST="unix:///nowhere")
    of_file = pynet("logs", "--file", str(journal / "asked"))

    assert (result.exit_code, result.stdout) == (0, "")
    assert "the journal of pynet (journalctl --unit=pynet) has no line of level error or above" in (
        result.stderr
    )
    assert "asked has no line of pynet" in of_file.stderr


def test_of_a_file(pynet: Shell, tmp_path: Path) -> None:
    """For a dockerd that writes its log elsewhere."""
    path = tmp_path / "docker.log"
    path.write_text(DOCKERS)

    assert pynet("logs", "--file", str(path)).output == f"{OWN}\n{BAD}\n{OWN}\n"
    assert pynet("logs", "--file", str(path), "-n", "1").output == f"{OWN}\n"
    assert pynet("logs", "--file", str(path), "--level", "warning").output == f"{BAD}\n"


def test_as_json(pynet: Shell, tmp_path: Path) -> None:
    """One line each; every key is on the page."""
    path = tmp_path / "pynet.log"
    path.write_text(f"{OWN}\n")
    found = json.loads(pynet("logs", "--json", "--file", str(path)).output)
    page = (Path(__file__).parents[3] / "docs" / "reference" / "cli.md").read_text()

    assert found == {
        "at": "2026-01-01T00:00:00.000Z",
        "level": "info",
        "event": "network.created",
        "text": "network=1f0c mode=bridge",
        "network_name": "",
        "container_name": "",
    }
    assert [key for key in found if f"`{key}`" not in page] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--file", "/nowhere/pynet.log"), "/nowhere/pynet.log cannot be read: No such file"),
        ((), "this host has no journal"),
    ],
)
def test_refused(
    pynet: Shell, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    """One sentence."""
    monkeypatch.setenv("PATH", "/nowhere")
    result = pynet("logs", *words)

    assert result.exit_code == 1
    assert message in result.output


def test_a_journal_that_refuses(pynet: Shell, journal: Path) -> None:
    """Its own words."""
    (journal / "journalctl").write_text("#!/bin/sh\necho no journal files >&2\nexit 1\n")
    result = pynet("logs")

    assert result.exit_code == 1
    assert "journalctl: no journal files" in result.output


def test_a_value_is_not_a_line_of_dockerds(pynet: Shell, tmp_path: Path) -> None:
    """What a host of the LAN calls itself stands in the line that pynet printed."""
    path = tmp_path / "pynet.log"
    forged = f"{OWN.split()[0]} warning dhcp.said domain='msg=\"{BAD}\" plugin={ID}'"
    path.write_text(f"{forged}\n")

    assert pynet("logs", "--file", str(path)).output == f"{forged}\n"


def test_nothing_controls_the_terminal(pynet: Shell, tmp_path: Path) -> None:
    """dockerd's log has what others wrote, with Go's escapes."""
    path = tmp_path / "docker.log"
    path.write_text(f'level=info msg="{OWN} x=\\u001b[2J" plugin={ID}\n{OWN} y=\x1b[2J\n')

    assert pynet("logs", "--file", str(path)).output == f"{OWN} x=?[2J\n{OWN} y=?[2J\n"


def test_a_journal_with_bytes_that_are_no_text(pynet: Shell, journal: Path) -> None:
    """The other lines are shown."""
    (journal / "--unit=pynet").write_bytes(b"\xff\xfe\n" + OWN.encode() + b"\n")
    result = pynet("logs", DOCKER_HOST="unix:///nowhere")

    assert (result.exit_code, result.output) == (0, f"{OWN}\n")
