"""Names of networks and containers beside their ids."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.cli import names
from tests.unit.admin.behind import BLUE, ROW, WEB, Life
from tests.unit.cli.conftest import Shell, an_engine

NETWORK = {"Id": BLUE.id, "Name": "blue", "Driver": "pynet"}
CONTAINER = {
    "Names": ["/web"],
    "NetworkSettings": {
        "Networks": {"blue": {"EndpointID": WEB.id}, "other": {"EndpointID": "0" * 64}}
    },
}
ID = "1f0c5ad3b9e2"


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of an engine that knows the network and its container."""
    path = tmp_path / "docker.sock"
    with an_engine(path, [NETWORK], [CONTAINER]):
        yield {"DOCKER_HOST": f"unix://{path}"}


def test_a_sentence_has_names_behind_ids() -> None:
    """As of the hints, which the plugin writes without names."""
    known = names.Names(networks={ID + "0" * 52: "web"})

    assert known.told_in("network 1f0c5ad3b9e2 has no subnet, network 000000000000 has") == (
        "network 1f0c5ad3b9e2 (web) has no subnet, network 000000000000 has"
    )


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("web", "web"),
        ("a.b_c-1", "a.b_c-1"),
        ("", ID),
        ("a,b", ID),
        ("x' ; reboot", ID),
        ("-x", ID),
    ],
)
def test_a_command_has_the_name_in_the_place_of_the_id(name: str, typed: str) -> None:
    """If it is one that a shell and docker take as it is; else the id, which always works."""
    known = names.Names(networks={ID + "0" * 52: name})

    assert known.told_in(
        f"give it 'docker run --network name={ID},driver-opt=spoof_guard=false'"
    ) == (f"give it 'docker run --network name={typed},driver-opt=spoof_guard=false'")


def test_in_tables(pynet: Shell, docker: dict[str, str]) -> None:
    """One row a line, with tabs, and nothing cut."""
    head, row = (line.split("\t") for line in pynet("networks", **docker).output.splitlines())
    found = dict(zip(head, row, strict=True))

    assert (found["network"], found["name"]) == (BLUE.id[:12], "blue")
    assert (found["endpoint"], found["container"]) == (WEB.id[:12], "web")
    assert found["subnets"] == "10.1.0.0/24,fd00:1::/64"
    assert "blue\tweb" in pynet("ports", **docker).output


def test_in_json(pynet: Shell, docker: dict[str, str]) -> None:
    """Beside the ids."""
    ((network),) = json.loads(pynet("networks", "--json", **docker).output)
    port, _ = json.loads(pynet("ports", "--json", **docker).output)

    assert (network["name"], network["endpoints"][0]["container"]) == ("blue", "web")
    assert (port["network_name"], port["container_name"]) == ("blue", "web")


def test_what_differs(pynet: Shell, life: Life, docker: dict[str, str]) -> None:
    """Its network is known by a short id there."""
    life.maintenance().wrong = [{**ROW, "network": BLUE.id[:12]}]

    assert f"{BLUE.id[:12]}\tblue\tBridge" in pynet("check", **docker).output


def test_a_container_is_explained_by_its_name(pynet: Shell, docker: dict[str, str]) -> None:
    """Whatever other networks it is on."""
    lines = pynet("explain", "web", **docker).output.splitlines()

    assert lines[0].startswith(f"## network {BLUE.id[:12]} blue: bridge")
    assert lines[1].startswith(f"## endpoint {WEB.id[:12]} web: 10.1.0.2/24")


def test_a_name_that_is_nearly_right(pynet: Shell, docker: dict[str, str]) -> None:
    """The nearest is said."""
    result = pynet("explain", "bleu", **docker)

    assert result.exit_code == 1
    assert "did you mean blue?" in result.output


def test_without_an_engine_they_are_those_that_it_told_last(
    pynet: Shell, docker: dict[str, str], tmp_path: Path
) -> None:
    """It is restarting, or dead."""
    pynet("networks", **docker)
    gone = f"unix://{tmp_path}/none.sock"

    assert "\tblue\t" in pynet("networks", DOCKER_HOST=gone).output
    assert (tmp_path / "names.json").stat().st_mode & 0o777 == 0o600


def test_where_no_engine_ever_told_them(pynet: Shell, tmp_path: Path) -> None:
    """Ids are shown all the same."""
    output = pynet("networks", DOCKER_HOST=f"unix://{tmp_path}/none.sock").output

    assert f"{BLUE.id[:12]}\t-\tbridge" in output


def test_an_engine_that_does_not_answer_is_waited_for_once(
    pynet: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the connection and says nothing."""
    monkeypatch.setattr(names, "_SECONDS", 0.05)
    path = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        result = pynet("networks", DOCKER_HOST=f"unix://{path}")

    assert result.exit_code == 0
    assert BLUE.id[:12] in result.output


@pytest.mark.parametrize("text", ["", "[]", '{"networks": 1, "other": 2}'])
def test_damaged_memory_is_none(pynet: Shell, tmp_path: Path, text: str) -> None:
    """Names are no reason to fail."""
    (tmp_path / "names.json").write_text(text)

    assert pynet("networks", DOCKER_HOST=f"unix://{tmp_path}/none.sock").exit_code == 0


def test_a_name_cannot_be_a_line_or_a_command(pynet: Shell, tmp_path: Path) -> None:
    """Docker takes any text for the name of a network, and what is printed may be given to a shell."""
    path = tmp_path / "docker.sock"
    with an_engine(path, [{**NETWORK, "Name": "a\nreboot\x1b[2J"}]):
        output = pynet("explain", BLUE.id, DOCKER_HOST=f"unix://{path}").output

    assert output.startswith(f"## network {BLUE.id[:12]} a reboot?[2J: bridge")
