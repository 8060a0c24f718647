"""``pynet bugreport``: everything a report needs, and nothing that is secret."""

import json
import tarfile
from pathlib import Path

import pytest

from tests.unit.admin.behind import BLUE, WEB
from tests.unit.cli.conftest import Shell, an_engine

SECRET = "a secret that these hosts have in common"


def contents(path: Path) -> dict[str, str]:
    """The files of a report."""
    with tarfile.open(path) as tar:
        return {
            Path(each.name).name: found.read().decode()
            for each in tar
            if (found := tar.extractfile(each)) is not None
        }


@pytest.fixture
def report(pynet: Shell, tmp_path: Path) -> Path:
    """One of a host with a network and a container that have names."""
    path, docker = tmp_path / "report.tar.gz", tmp_path / "docker.sock"
    network = {"Id": BLUE.id, "Name": "blue"}
    container = {
        "Names": ["/web"],
        "NetworkSettings": {"Networks": {"blue": {"EndpointID": WEB.id}}},
    }
    with an_engine(docker, [network], [container]):
        result = pynet(
            *("bugreport", str(path)), DOCKER_HOST=f"unix://{docker}", PYNET_SECRET=SECRET
        )
    assert result.exit_code == 0, result.output
    return path


def test_what_is_in_it(report: Path) -> None:
    """Answers of the plugin, what programs print of the host, and settings."""
    found = contents(report)

    assert json.loads(found["status.json"])["status"] == "ok"
    assert BLUE.id in found["networks.json"]
    assert {"links.txt", "rules.txt", "log.txt", "engine.json"} <= found.keys()
    assert "PYNET_ADMIN_SOCKET=" in found["about.txt"]


def test_what_is_not(report: Path) -> None:
    """A secret; and only its owner may read it."""
    assert not [name for name, text in contents(report).items() if SECRET in text]
    assert report.stat().st_mode & 0o777 == 0o600


def test_without_names(pynet: Shell, report: Path, tmp_path: Path) -> None:
    """The same name is the same word everywhere."""
    path = tmp_path / "redacted.tar.gz"
    pynet("bugreport", "--redact", str(path), DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    text = "\n".join(contents(path).values())

    assert "blue" not in text.split()
    assert BLUE.id in text


def test_one_that_is_there_stays(pynet: Shell, report: Path) -> None:
    """It may be another report."""
    before = report.read_bytes()
    result = pynet("bugreport", str(report))

    assert result.exit_code == 1
    assert "cannot be written: File exists" in result.output
    assert report.read_bytes() == before


def test_without_a_plugin(tmp_path: Path) -> None:
    """Then the host is all the more of interest."""
    path = tmp_path / "report.tar.gz"
    result = Shell(tmp_path / "nobody.sock")("bugreport", str(path), "--json")

    assert result.exit_code == 0
    assert json.loads(result.output)["file"] == str(path)
    assert "no pynet answers" in contents(path)["status.json"]
