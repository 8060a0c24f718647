"""``pynet explain``: text to copy, and JSON."""

import json
from pathlib import Path

import pytest

from tests.unit.admin.behind import BLUE, WEB
from tests.unit.cli.conftest import Shell, an_engine


def test_a_network(pynet: Shell) -> None:
    """Its commands, each below its reason, and its containers'."""
    lines = pynet("explain", BLUE.id[:12]).output.splitlines()
    at = lines.index("# the host's own address on pnb-" + _hash(lines))

    assert lines[0] == f"## network {BLUE.id[:12]}: bridge, 10.1.0.0/24, fd00:1::/64"
    assert lines[at + 1].startswith("ip address replace 10.1.0.1/24 dev pnb-")
    assert any(line.startswith(f"## endpoint {WEB.id[:12]}: 10.1.0.2/24") for line in lines)


def test_by_its_name(pynet: Shell, tmp_path: Path) -> None:
    """If the engine tells; the name then stands beside the id."""
    path = tmp_path / "docker.sock"
    with an_engine(path, [{"Id": BLUE.id, "Name": "blue", "Driver": "pynet"}]):
        result = pynet("explain", "blue", DOCKER_HOST=f"unix://{path}")

    assert result.output.startswith(f"## network {BLUE.id[:12]} blue: bridge")


def test_in_korean(pynet: Shell) -> None:
    """The commands are the same."""
    result = pynet("explain", BLUE.id, "--lang", "ko")

    assert "# 소프트웨어 스위치입니다." in result.output


def test_lines_are_whole(pynet: Shell) -> None:
    """On a narrow terminal, too: a broken command cannot be copied."""
    narrow = pynet("explain", BLUE.id, COLUMNS="40").output

    assert narrow == pynet("explain", BLUE.id).output


def test_everything_but_commands_is_a_comment(pynet: Shell) -> None:
    """The whole can be given to a shell."""
    programs = {
        line.split()[0]
        for line in pynet("explain", BLUE.id).output.splitlines()
        if not line.startswith("#")
    }

    assert programs <= {"ip", "bridge", "sysctl", "nft", "tc", "pynet"}


def test_as_json(pynet: Shell) -> None:
    """For programs."""
    network, container = json.loads(pynet("explain", BLUE.id, "--json").output)

    assert network.keys() == {
        *("network", "name", "mode", "subnets", "endpoint", "container", "addresses", "steps")
    }
    assert container["endpoint"] == WEB.id
    assert network["steps"][0].keys() == {"command", "why"}


def test_the_rules(pynet: Shell) -> None:
    """As nft reads them."""
    assert pynet("explain", "--rules").output == "add table inet t\n"
    assert json.loads(pynet("explain", "--rules", "--json").output) == {"nft": "add table inet t\n"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either a network or a container, or --rules"),
        (("x", "--rules"), "give either a network or a container, or --rules"),
        (("--rules", "--lang", "ko"), "--rules prints no sentences; leave out --lang"),
        (("nowhere",), "Error: 'nowhere' is no network or endpoint that pynet knows"),
        ((BLUE.id, "--lang", "de"), "Error: --lang is 'de', expected one of en, ko"),
    ],
)
def test_mistakes(pynet: Shell, arguments: tuple[str, ...], message: str) -> None:
    """One sentence, and an exit status that scripts see."""
    result = pynet("explain", *arguments)

    assert result.exit_code != 0
    assert message in result.output


def _hash(lines: list[str]) -> str:
    return next(line for line in lines if " name pnb-" in line).split("pnb-")[1].split()[0]


def test_a_name_where_no_engine_tells_names(pynet: Shell, tmp_path: Path) -> None:
    """It is not the name that is wrong."""
    nowhere = f"unix://{tmp_path}/none.sock"
    result = pynet("explain", "web", DOCKER_HOST=nowhere)

    assert result.exit_code == 1
    assert f"names are not known: no engine answers at {nowhere}" in result.output
