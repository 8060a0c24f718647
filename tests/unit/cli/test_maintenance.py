"""Commands that check, repair and remove, through a running plugin."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.cli import maintenance
from tests.unit.admin.behind import ROW, Life
from tests.unit.cli.conftest import Shell, an_engine

OTHER = {**ROW, "which": "pnb-[2]"}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look comes at once."""
    monkeypatch.setattr(maintenance, "_SECOND_LOOK_SECONDS", 0.0)


NETWORKS = [
    {"Id": "known", "IPAM": {"Config": [{"Subnet": "10.1.0.1/24"}, {"Gateway": "10.9.0.1"}]}},
    {"Id": "host", "IPAM": {"Config": None}},
    {"Id": "known-network", "IPAM": {"Driver": "pynet", "Config": [{"Subnet": "10.8.0.0/24"}]}},
]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of an engine that knows one network."""
    path = tmp_path / "docker.sock"
    with an_engine(path, NETWORKS):
        yield {"DOCKER_HOST": f"unix://{path}"}


class TestCheck:
    def test_all_is_well(self, pynet: Shell) -> None:
        """The ordinary case."""
        result = pynet("check")

        assert (result.exit_code, result.output) == (
            0,
            "nothing differs from what should be\n",
        )

    def test_what_differs(self, pynet: Shell, life: Life) -> None:
        """As a table; scripts see the exit status."""
        life.maintenance().wrong = [ROW, OTHER]
        result = pynet("check")
        head, *rows = result.output.splitlines()

        assert result.exit_code == 1
        assert head.split("\t") == ["network", "name", "kind", "which", "fault"]
        assert [row.split("\t") for row in rows] == [
            ["0123", "-", "Bridge", "pnb-1", "missing"],
            ["0123", "-", "Bridge", "pnb-[2]", "missing"],
        ]

    def test_a_container_that_ends_meanwhile(
        self, pynet: Shell, life: Life, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its endpoint is without a sandbox for a moment, and gone at a second look."""
        looks = iter([[{**ROW, "fault": "no longer in use"}], []])
        monkeypatch.setattr(life.maintenance(), "check", lambda: next(looks))

        assert pynet("check").exit_code == 0

    def test_as_json(self, pynet: Shell, life: Life) -> None:
        """An empty list is one, too."""
        assert json.loads(pynet("check", "--json").output) == []
        life.maintenance().wrong = [ROW]

        assert json.loads(pynet("check", "--json").output) == [{**ROW, "name": ""}]


class TestRepair:
    def test_what_was_repaired_and_what_is_left(self, pynet: Shell, life: Life) -> None:
        """Status 0 only if nothing is."""
        life.maintenance().wrong = [ROW, OTHER]
        first, second, third = (pynet("repair") for _ in range(3))

        assert first.exit_code == 1
        assert first.output.index("pnb-1") < first.output.index("what is left:")
        assert first.output.index("what is left:") < first.output.index("pnb-[2]")
        assert (second.exit_code, "pnb-[2]" in second.output) == (0, True)
        assert third.output == "there was nothing to repair\n"

    def test_as_json(self, pynet: Shell, life: Life) -> None:
        """Both lists."""
        life.maintenance().wrong = [ROW]

        assert json.loads(pynet("repair", "--json").output) == {
            "repaired": [{**ROW, "name": ""}],
            "left": [],
        }


class TestGc:
    def test_there_is_none(self, pynet: Shell, engine: dict[str, str]) -> None:
        """A network that Docker knows is none, whether it is used or not."""
        assert pynet("gc", **engine).output == "there is no garbage\n"

    def test_a_dry_run_takes_nothing_away(
        self, pynet: Shell, life: Life, engine: dict[str, str]
    ) -> None:
        """It shows what would go, networks that Docker has forgotten among it."""
        life.maintenance().wrong = [ROW]
        life.maintenance().idle = ["known", "forgotten-network"]
        output = pynet("gc", "--dry-run", **engine).output

        assert "pnb-1" in output
        assert "forgotten-ne" in output
        assert "known" not in output
        assert life.maintenance().taken == []

    def test_networks_that_docker_has_forgotten_go(
        self, pynet: Shell, life: Life, engine: dict[str, str]
    ) -> None:
        """It was removed while the plugin was away, and nobody would ever say so again."""
        life.maintenance().idle = ["known", "forgotten-network"]
        pynet("gc", **engine)

        assert life.maintenance().taken == ["forgotten-network"]

    def test_pools_that_docker_has_forgotten_go(
        self, pynet: Shell, life: Life, engine: dict[str, str]
    ) -> None:
        """The engine was killed between its request for the pool and its note of the network."""
        life.maintenance().pools = [
            {"id": "pynet-local/10.1.0.0/24", "prefix": "10.1.0.0/24"},
            {"id": "pynet-local/10.2.0.0/24", "prefix": "10.2.0.0/24"},
        ]
        shown = pynet("gc", "--dry-run", **engine).output
        pynet("gc", **engine)

        assert "pynet-local/10.2.0.0/24" in shown
        assert life.maintenance().taken == ["pynet-local/10.2.0.0/24"]

    def test_without_an_engine_no_network_is_called_forgotten(
        self, pynet: Shell, life: Life, tmp_path: Path
    ) -> None:
        """And that is said."""
        life.maintenance().idle = ["network"]
        result = pynet("gc", DOCKER_HOST=f"unix://{tmp_path}/none.sock")

        assert (
            f"no engine answers at unix://{tmp_path}/none.sock; kept what Docker may"
            in result.output
        )
        assert "forgotten: network. Remove those that" in result.output
        assert "there is no garbage" in result.output
        assert life.maintenance().taken == []

    def test_another_engine_is_not_believed(
        self, pynet: Shell, life: Life, engine: dict[str, str]
    ) -> None:
        """A second engine or podman knows nothing of pynet, which says nothing of what is unused."""
        life.maintenance().networks = life.maintenance().idle = ["of-another-engine"]
        life.maintenance().pools = [{"id": "pynet-local/10.2.0.0/24", "prefix": "10.2.0.0/24"}]
        life.maintenance().prefixes = ["10.1.0.0/24", "10.2.0.0/24"]
        result = pynet("gc", **engine)

        assert "lists no network that uses pynet" in result.output
        assert "forgotten: of-another-e, pynet-local/10.2.0.0/24. Remove" in result.output
        assert life.maintenance().taken == []

    def test_an_engine_is_known_by_a_subnet_it_has_of_pynet(
        self, pynet: Shell, life: Life, engine: dict[str, str]
    ) -> None:
        """Where all networks are of other drivers."""
        life.maintenance().networks = []
        life.maintenance().pools = [{"id": "pynet-local/10.2.0.0/24", "prefix": "10.2.0.0/24"}]
        life.maintenance().prefixes = ["10.8.0.0/24", "10.2.0.0/24"]
        pynet("gc", **engine)

        assert life.maintenance().taken == ["pynet-local/10.2.0.0/24"]

    def test_what_is_named_goes_without_an_engine(self, pynet: Shell, life: Life) -> None:
        """The managed plugin has none to ask; ids are as Docker lists them."""
        life.maintenance().idle = ["0123456789abcdef", "fedcba987654"]
        life.maintenance().pools = [{"id": "pynet-local/10.2.0.0/24", "prefix": "10.2.0.0/24"}]
        named = ("--forgotten", "0123456789ab", "--forgotten", "pynet-local/10.2.0.0/24")
        result = pynet("gc", *named, DOCKER_HOST="tcp://1.2.3.4")

        assert "forgotten: fedcba987654. Remove" in result.output
        assert life.maintenance().taken == ["0123456789abcdef", "pynet-local/10.2.0.0/24"]

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ("0123456789", "expected the id of a network"),
            ("used-network", "expected the id of a network"),
            ("known-network", "lists that network; remove it with `docker network rm"),
        ],
    )
    def test_what_is_named_wrongly_stays(
        self, pynet: Shell, life: Life, engine: dict[str, str], given: str, why: str
    ) -> None:
        """A network that Docker lists, too."""
        life.maintenance().idle = ["0123456789abcdef", "known-network"]
        life.maintenance().networks = [*life.maintenance().idle, "used-network"]
        result = pynet("gc", "--forgotten", given, **engine)

        assert (result.exit_code, why in result.output) == (1, True)
        assert life.maintenance().taken == []


@pytest.mark.parametrize("command", ["check", "repair", "gc"])
def test_without_a_plugin_and_without_a_state(tmp_path: Path, command: str) -> None:
    """Both are said."""
    shell = Shell(tmp_path / "nobody.sock", PYNET_STATE=str(tmp_path / "nothing"))
    result = shell(command)

    assert result.exit_code == 3
    assert "Error: no pynet answers at" in result.output
    assert f"there is no state in {tmp_path}/nothing" in result.output
    assert not (tmp_path / "nothing").exists()
