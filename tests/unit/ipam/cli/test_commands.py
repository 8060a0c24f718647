"""``python -m ipam`` as people use it."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from ipam.__main__ import main
from ipam.store.schema import VERSION
from ipam.store.sqlite import SqliteStore

POOL = "pynet-local/10.1.2.0/24"

Say = Callable[..., str]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ipam.db"


@pytest.fixture
def say(path: Path) -> Say:
    """Runs a command and answers with what it printed; ``status`` is the one it must have."""

    def run(*words: str, status: int = 0, stdin: str | None = None) -> str:
        arguments = ["--store", str(path), "--pools", "10.9.0.0/16:24", *words]
        result = CliRunner().invoke(main, arguments, input=stdin, env={"COLUMNS": "100"})
        assert result.exit_code == status, result.output
        return result.output

    return run


class TestPoolsAndAddresses:
    def test_a_pool_is_requested_used_and_released(self, say: Say) -> None:
        """Ids and addresses are printed alone, for scripts."""
        said = [
            say("request-pool"),
            say("request-pool", "10.1.2.0/24", "--sub-pool", "10.1.2.128/25"),
            say("request", POOL, "--gateway"),
            say("request", POOL, "--name", "web"),
            say("request", POOL, "10.1.2.7", "--mac", "02-42-0A-00-00-01"),
            say("release", POOL, "10.1.2.7"),
            say("release-pool", "pynet-local/10.9.0.0/24"),
            say("release-pool", "pynet-local/10.9.0.0/24"),
        ]

        assert said == [
            "pynet-local/10.9.0.0/24\n",
            f"{POOL}\n",
            "10.1.2.1/24\n",
            "10.1.2.128/24\n",
            "10.1.2.7/24\n",
            "",
            "",
            "",
        ]

    def test_options_are_those_of_docker(self, say: Say) -> None:
        """``--option`` is what ``--ipam-opt`` is there."""
        pool = say("request-pool", "--option", "prefix=28", "--option", "tenant=blue").strip()

        assert pool == "pynet-local:blue/10.9.0.0/28"
        assert say("request-pool", "--v6").startswith("pynet-local/fd")

    def test_an_owner_gets_its_pool_again(self, say: Say) -> None:
        """A script may be run again."""
        assert len({say("request-pool", "--owner", "me") for _ in range(2)}) == 1


class TestShow:
    @pytest.fixture(autouse=True)
    def _pool(self, say: Say) -> None:
        say("request-pool", "10.1.2.0/24")
        say("request", POOL, "--gateway")
        say("request", POOL, "--name", "web")
        say("reserve", "10.1.2.4", "--name", "db")

    def test_lists_every_pool_with_its_use(self, say: Say) -> None:
        """At one line each."""
        lines = say("show").splitlines()

        assert lines[0].split() == ["POOL", "NETWORK", "BOUND", "RESERVED", "RESTING", "OF"]
        assert lines[1].split() == [POOL, "-", "2", "0", "0", "256"]

    def test_draws_a_pool_and_lists_its_leases(self, say: Say) -> None:
        """The picture has a legend."""
        said = say("show", POOL)

        assert "xG█·k···" in said
        assert "█ bound  ▒ reserved  ░ resting  G gateway" in said
        assert [line.split() for line in said.splitlines() if "endpoint" in line] == [
            ["10.1.2.2", "endpoint", "bound", "name", "web", "-"]
        ]

    def test_an_unknown_pool_is_named(self, say: Say) -> None:
        """With the way to the known ones."""
        assert "pool x is not held; list all with show" in say("show", "x", status=1)


class TestReservations:
    def test_they_are_exported_and_imported_as_yaml(self, say: Say, tmp_path: Path) -> None:
        """What is exported can be imported, again and elsewhere."""
        say("reserve", "10.1.2.80", "--name", "web")
        say("reserve", "10.1.2.81", "--mac", "52:54:00:12:34:56", "--tenant", "blue")
        exported = say("export")
        say("unreserve", "10.1.2.80")
        say("unreserve", "10.1.2.81", "--tenant", "blue")
        nothing = say("export")
        unknown = say("unreserve", "10.1.2.80", status=1)
        for _ in range(2):
            say("import", "-", stdin=exported)

        assert nothing == "reservations: []\n"
        assert "10.1.2.80 is not reserved; export lists what is" in unknown
        assert say("export") == exported
        assert exported.count("address") == 2

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ("address: 10.1.2.82", "reservations[1]: reservation of 10.1.2.82 has 0 owners"),
            ("address: 10.1.2.80, name: bb", "is reserved for name web, not for name bb"),
            ("address: 10.1.2.81, name: bb", "is reserved for name aa, not for name bb"),
            ("address: 10.1.2.0, name: bb", "10.1.2.0 stands for all of 10.1.2.0/24"),
            ("address: 10.1.2.82, name: bb, space: x", "address space is 'x'"),
        ],
        ids=["no owner", "kept already", "kept by the file", "nobody's", "nowhere"],
    )
    def test_a_file_is_imported_wholly_or_refused(self, say: Say, entry: str, message: str) -> None:
        """One wrong line changes nothing."""
        say("request-pool", "10.1.2.0/24")
        say("reserve", "10.1.2.80", "--name", "web")
        before = say("export")
        further = "{address: 10.1.2.99, name: cc, space: pynet-global}"
        text = f"reservations: [{{address: 10.1.2.81, name: aa}}, {{{entry}}}, {further}]"

        said = say("import", "-", stdin=text, status=1)

        assert message in said
        assert say("export") == before

    def test_a_file_that_is_no_text(self, say: Say, tmp_path: Path) -> None:
        """Is refused in a sentence."""
        there = tmp_path / "list"
        there.write_bytes(b"\xff")

        assert "the file is no text in UTF-8, at byte 0" in say("import", str(there), status=1)

    @pytest.mark.parametrize("verb", ["reserve", "unreserve"])
    def test_a_subnet_is_no_address(self, say: Say, verb: str) -> None:
        """Only its first address would be kept."""
        say("request-pool", "10.1.2.0/24")
        whom = ("--name", "web") if verb == "reserve" else ()

        assert "expected one address such as 10.1.2.16" in say(
            verb, "10.1.2.16/28", *whom, status=1
        )


class TestCheck:
    def test_a_sound_store_has_no_faults(self, say: Say) -> None:
        """Nothing is printed then."""
        say("request-pool", "10.1.2.0/24")
        say("request", POOL)

        assert say("check") == ""

    def test_faults_are_printed_and_the_status_is_1(self, say: Say, path: Path) -> None:
        """They can come from a hand, or from a bug."""
        say("request-pool", "10.1.2.0/24")
        say("request-pool", "10.1.4.0/24")
        say("request", POOL)
        say("request", "pynet-local/10.1.4.0/24")
        with closing(sqlite3.connect(path, isolation_level=None)) as file:
            file.execute("UPDATE leases SET address = x'0a010200' WHERE pool = ?", (POOL,))
            file.execute("UPDATE leases SET state = 'resting' WHERE pool <> ?", (POOL,))
            file.execute("UPDATE pools SET prefix = '10.1.2.0/25' WHERE id <> ?", (POOL,))

        said = say("check", status=1)

        assert "10.1.2.0 is no address of 10.1.2.0/24 that a host may have" in said
        assert "is resting and has no end" in said
        assert "pool pynet-local/10.1.4.0/24 should have the id pynet-local/10.1.2.0/25" in said
        assert f"overlaps {POOL}" in said


class TestRefusals:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["request-pool", "10.0.0.0/33"], "Error: pool '10.0.0.0/33' is not a prefix"),
            (["request-pool", "--option", "x=y"], "Error: 'x' is not an option of a pool"),
            (["show"], "ipam.db does not exist; name one with --store"),
            (["reserve", "10.0.0.1"], "Error: reservation of 10.0.0.1 has 0 owners"),
            (["reserve", "10.0.0.1", "--name", "a", "--space", "x"], "address space is 'x'"),
        ],
    )
    def test_are_one_sentence(self, say: Say, words: list[str], message: str) -> None:
        """And no traceback."""
        said = say(*words, status=1)

        assert message in said
        assert said.count("\n") == 1

    def test_of_a_newer_file_is_one_too(self, say: Say, path: Path) -> None:
        """It says which version would be right."""
        SqliteStore(path).close()
        with closing(sqlite3.connect(path)) as file:
            file.execute(f"PRAGMA user_version = {VERSION + 1}")

        assert f"this program knows {VERSION}" in say("show", status=1)


class TestModule:
    def test_it_runs_as_one(self) -> None:
        """Help needs no store."""
        done = subprocess.run(
            [sys.executable, "-m", "ipam", "show", "--help"],
            capture_output=True,
            text=True,
            check=True,
        )

        assert done.stdout.startswith("Usage: python -m ipam show")
