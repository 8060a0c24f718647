"""``pynet status``: everything in one look, honest to scripts."""

import json
from pathlib import Path

import pytest

from ipam.errors import StoreError
from plugin import __version__
from plugin.admin.flask_app import create_app
from tests.unit.admin.behind import BLUE, ROW, Life
from tests.unit.cli.conftest import Shell, an_engine, serving


def test_a_plugin_that_is_well(pynet: Shell) -> None:
    """In about ten lines."""
    result = pynet("status")
    head, *lines = result.output.splitlines()
    fields = dict(line.split("\t") for line in lines)

    assert result.exit_code == 0
    assert head.startswith(f"pynet {__version__}: ok since ")
    assert fields["networks"] == "1 (1 bridge), 1 container, 1 published port"
    assert fields["addresses"] == "1 pool, 3 addresses in use"
    assert fields["compared"] == "0 s ago, nothing differs"
    assert fields.keys() == {
        *(
            "process",
            "engine",
            "firewall",
            "networks",
            "addresses",
            "compared",
            "repaired",
            "dropped",
        )
    }


def test_one_that_is_not(pynet: Shell, life: Life) -> None:
    """What is missing, why, and what to do; scripts see the exit status."""
    life.health.degrade("firewall", "nft is not there", "install nftables")
    result = pynet("status")

    assert result.exit_code == 1
    assert "degraded\tfirewall: nft is not there\nremedy\tinstall nftables\n" in result.output


def test_a_host_that_differs(pynet: Shell, life: Life) -> None:
    """It is not ok, whatever the plugin knows of it."""
    life.maintenance().wrong = [ROW]
    result = pynet("status", "--short")

    assert result.exit_code == 1
    assert ": degraded since" in result.output
    assert "'pynet check' lists them" in result.output


def test_in_short(pynet: Shell) -> None:
    """One line, where all is well."""
    assert len(pynet("status", "--short").output.splitlines()) == 1


def test_hints(pynet: Shell, life: Life) -> None:
    """What works and may surprise."""
    life.health.advise(["eth0 is a virtual card"], about="parents")

    assert "hint\teth0 is a virtual card\n" in pynet("status").output


def test_a_service_whose_name_leads_nowhere(pynet: Shell, tmp_path: Path) -> None:
    """Of pynet's networks alone: Docker's own overlay serves virtual addresses."""
    path = tmp_path / "docker.sock"
    ids = {"blue": BLUE.id, "other": "0" * 64}
    addresses = [{"NetworkID": each, "Addr": "10.0.0.2/24"} for each in ids.values()]
    web = {"Spec": {"Name": "web"}, "Endpoint": {"VirtualIPs": addresses}}
    networks = [{"Id": each, "Name": name} for name, each in ids.items()]
    with an_engine(path, networks, services=[web]):
        said = pynet("status", DOCKER_HOST=f"unix://{path}").output

    assert said.count("hint\t") == 1
    assert "service web resolves to its virtual address 10.0.0.2 on network blue" in said
    assert "docker service update --endpoint-mode dnsrr web" in said


def test_one_that_cannot_start(tmp_path: Path) -> None:
    """Why, also on a manager of a swarm, where else the networks would be asked for."""
    life = Life(started=False)
    life.health.degrade("start", "the state is of a newer pynet", "run that version")
    engine = tmp_path / "docker.sock"
    web = {"Spec": {"Name": "web"}, "Endpoint": {"VirtualIPs": [{"NetworkID": BLUE.id}]}}
    with (
        serving(tmp_path / "admin.sock", create_app(life)),
        an_engine(engine, [], services=[web]),
    ):
        result = Shell(tmp_path / "admin.sock")("status", DOCKER_HOST=f"unix://{engine}")

    assert result.exit_code == 1
    assert "degraded\tstart: the state is of a newer pynet\n" in result.output


def test_a_pool_that_is_nearly_full(
    pynet: Shell, life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many are left."""
    full = {**life.addresses().pools()[0], "prefix": "10.2.0.0/29", "size": 6, "free": 0}
    monkeypatch.setattr(life.addresses(), "pools", lambda: [full])

    assert "10.2.0.0/29 has 0 of 6 left" in pynet("status").output


def test_addresses_that_cannot_be_read(
    pynet: Shell, life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is shown all the same."""

    def away() -> list[dict[str, object]]:
        raise StoreError("etcd does not answer")

    monkeypatch.setattr(life.addresses(), "pools", away)

    assert "addresses\tcannot be read now\n" in pynet("status").output


def test_as_json(pynet: Shell) -> None:
    """For programs; every key is on the page."""
    found = json.loads(pynet("status", "--json").output)
    page = (Path(__file__).parents[3] / "docs" / "reference" / "cli.md").read_text()

    assert found["status"] == "ok"
    assert [key for key in found if f"`{key}`" not in page] == []


def test_without_a_plugin(tmp_path: Path) -> None:
    """With what to look at, and an exit status of its own."""
    result = Shell(tmp_path / "nobody.sock")("status")

    assert result.exit_code == 3
    assert f"Error: no pynet answers at {tmp_path}/nobody.sock" in result.output
    assert result.output.endswith(
        "(No such file or directory): it does not run, or its PYNET_ADMIN_SOCKET is another; "
        "see 'pynet doctor'\n"
    )


def test_an_older_plugin(pynet: Shell, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, with both versions."""
    monkeypatch.setattr("plugin.cli.status._PATH", "/v9/status")
    result = pynet("status")

    assert result.exit_code == 1
    assert f"the pynet that runs is of version {__version__}" in result.output
