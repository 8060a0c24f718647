"""The command line, talking to an admin socket as it does in life."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from plugin import __version__
from plugin.cli.commands import COMMANDS, group
from plugin.errors import RefusedError
from tests.unit.admin.behind import BLUE, WEB, Life
from tests.unit.cli.conftest import Shell


class TestTables:
    def test_networks(self, pynet: Shell) -> None:
        """With their endpoints."""
        output = pynet("networks").output

        for text in ("subnets", BLUE.id[:12], "bridge", "10.1.0.0/24", "active", WEB.id[:12]):
            assert text in output

    def test_ports(self, pynet: Shell) -> None:
        """Addresses of IPv6 in brackets, as everywhere with a port."""
        output = pynet("ports").output

        assert "0.0.0.0:8080" in output
        assert "[::]:8080" in output

    def test_pools(self, pynet: Shell) -> None:
        """With how much of each is used."""
        head, row = (line.split("\t") for line in pynet("pools").output.splitlines())

        assert dict(zip(head, row, strict=True)) == {
            "pool": "10.1.0.0/24",
            "network": "-",
            "space": "pynet-local",
            "tenant": "-",
            "bound": "3",
            "reserved": "0",
            "resting": "0",
            "free": "251",
            "size": "254",
        }

    @pytest.mark.parametrize("command", ["networks", "ports", "pools"])
    def test_as_json(self, pynet: Shell, command: str) -> None:
        """What the socket said."""
        assert isinstance(json.loads(pynet(command, "--json").output), list)


class TestReservations:
    def test_one_by_its_owner(self, pynet: Shell) -> None:
        """As the list of one."""
        result = pynet("reserve", "10.1.0.9", "--name", "web")

        assert result.output == "1 reserved\n"
        assert json.loads(pynet("reservations").output) == {
            "reservations": [{"address": "10.1.0.9", "name": "web"}]
        }

    def test_the_short_form(self, pynet: Shell) -> None:
        """As the long one."""
        assert pynet("reserve", "web.1=10.1.0.9").output == "1 reserved\n"
        assert json.loads(pynet("reservations").output) == {
            "reservations": [{"address": "10.1.0.9", "name": "web.1"}]
        }

    def test_a_list(self, pynet: Shell) -> None:
        """As it was printed."""
        assert pynet("reserve", "-f", "-", stdin="a: b\n").output == "1 reserved\n"
        assert pynet("reservations").output == "a: b\n"

    def test_giving_one_up(self, pynet: Shell) -> None:
        """Whatever it was reserved for."""
        pynet("reserve", "10.1.0.9", "--name", "web")

        assert pynet("unreserve", "10.1.0.9").output == "1 unreserved\n"

    def test_giving_up_what_nobody_keeps(self, pynet: Shell) -> None:
        """A mistyped address is not passed over."""
        result = pynet("unreserve", "10.1.0.8")

        again = pynet("unreserve", "10.1.0.8", "--json")

        assert result.exit_code == again.exit_code == 1
        assert result.output == again.output
        assert result.output == (
            "Error: 10.1.0.8 is not reserved; `pynet reservations` lists what is\n"
        )

    def test_giving_up_a_part(self, pynet: Shell, life: Life) -> None:
        """What was not reserved is named beside the number, and is no failure of the rest."""
        life.addresses().missing = ["10.1.0.8", "10.1.0.7"]
        pynet("reserve", "10.1.0.9", "--name", "web")
        result = pynet("unreserve", "-f", "-", stdin="a: b\n")

        assert result.exit_code == 0
        assert result.output == "1 unreserved\nnote: 10.1.0.8, 10.1.0.7 were not reserved\n"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("reserve", "-f", "-", "--name", "web"), "--name is for one ADDRESS; say it in"),
            (("unreserve", "-f", "-", "--tenant", "t"), "--tenant is for one ADDRESS; say it in"),
            (("reserve", "db=10.1.0.9", "--name", "web"), "give the name once, as db=10.1.0.9 or"),
        ],
    )
    def test_nothing_that_is_said_is_passed_over(
        self, pynet: Shell, arguments: tuple[str, ...], said: str
    ) -> None:
        """A list says of each address what is said of one with options."""
        result = pynet(*arguments, stdin="a: b\n")

        assert result.exit_code == 2
        assert said in result.output

    @pytest.mark.parametrize("command", ["reserve", "unreserve"])
    def test_a_file_that_is_no_text(self, pynet: Shell, tmp_path: Path, command: str) -> None:
        """Is named, with the place in it."""
        there = tmp_path / "list"
        there.write_bytes(b"reser\xff")
        result = pynet(command, "-f", str(there))

        assert result.exit_code == 1
        assert result.output == f"Error: {there} is no text in UTF-8, at byte 5\n"

    @pytest.mark.parametrize("arguments", [(), ("10.1.0.9", "-f", "-")])
    def test_neither_and_both_are_refused(self, pynet: Shell, arguments: tuple[str, ...]) -> None:
        """It is not clear what is meant."""
        result = pynet("reserve", *arguments, stdin="x")

        assert result.exit_code == 2
        assert "give one ADDRESS, or a list with --file" in result.output

    def test_one_without_an_owner(self, pynet: Shell) -> None:
        """With the options that name one."""
        result = pynet("reserve", "10.1.0.9")

        assert result.exit_code == 2
        assert "say whom the address is for: --name, --mac or --tag" in result.output

    def test_as_json(self, pynet: Shell) -> None:
        """For programs."""
        reserved = pynet("reserve", "10.1.0.9", "--name", "web", "--json").output
        listed = pynet("reservations", "--json").output
        freed = pynet("unreserve", "10.1.0.9", "--json").output

        assert json.loads(reserved) == {"reserved": 1, "note": ""}
        assert json.loads(listed) == [{"address": "10.1.0.9", "name": "web"}]
        assert json.loads(freed) == {"unreserved": 1, "missing": []}

    def test_what_does_nothing_here_is_said(self, pynet: Shell, life: Life) -> None:
        """An engine that names no container gives a reservation by name to nobody."""
        life.addresses().note = "this host's Docker says nothing"
        result = pynet("reserve", "10.1.0.9", "--name", "web")

        assert result.exit_code == 0
        assert result.output == "1 reserved\nnote: this host's Docker says nothing\n"

    def test_one_address_is_no_list(
        self, pynet: Shell, life: Life, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """What is wrong with it is said without its place in a list; of a file, with it."""

        def refuse(_: str) -> None:
            raise RefusedError("reservations[0]: address 'x' is no address")

        monkeypatch.setattr(life.addresses(), "reserve", refuse)
        (tmp_path / "list").touch()

        assert pynet("reserve", "x", "--tag", "t").output == "Error: address 'x' is no address\n"
        assert "reservations[0]" in pynet("reserve", "-f", str(tmp_path / "list")).output

    def test_what_the_plugin_refuses(self, pynet: Shell) -> None:
        """In its words."""
        result = pynet("reserve", "nonsense", "--name", "web")

        assert (result.exit_code, result.output) == (1, "Error: that is no reservation\n")


class TestGroup:
    def test_help_says_of_every_command_what_its_own_help_says(self, pynet: Shell) -> None:
        """Short texts, which nothing is imported for."""
        output = pynet("--help").output
        for name, (_, about) in COMMANDS.items():
            assert f"\n  {name} " in output
            own = pynet(name, "--help").output.split("\n\n")[1]
            assert " ".join(own.split()).startswith(about)

    def test_version(self, pynet: Shell) -> None:
        """The package's."""
        assert pynet("--version").output == f"pynet, version {__version__}\n"

    def test_an_unknown_command(self, pynet: Shell) -> None:
        """With the nearest."""
        result = pynet("statu")

        assert result.exit_code == 2
        assert "there is no command 'statu'; did you mean status?" in result.output
        assert "'pynet --help' lists them" in pynet("juggle").output

    def test_a_bad_setting_is_refused(self, tmp_path: Path) -> None:
        """In one sentence, without a trace."""
        result = CliRunner().invoke(group, ["status"], env={"PYNET_TICK": "soon"})

        assert result.exit_code == 1
        assert result.output == ("Error: PYNET_TICK is 'soon', expected a number from 1 to 3600\n")


def test_ports_show_the_containers_address_of_ipv6(pynet: Shell) -> None:
    """Brackets are text, whatever the terminal library makes of them."""
    assert "[fd00:1::2]:80" in pynet("ports").output


class TestCluster:
    def test_hosts_and_networks(self, pynet: Shell) -> None:
        """In two tables, or as JSON."""
        result = pynet("cluster")

        assert result.exit_code == 0
        assert "one (this one)" in result.output
        assert "silent" in result.output
        assert "10.50.0.0/16" in result.output
        assert json.loads(pynet("cluster", "--json").output)["networks"]

    def test_a_host_is_forgotten(self, pynet: Shell) -> None:
        """Once its containers are gone."""
        result = pynet("cluster", "forget", "two")

        assert result.output == "two (1f1f1f1f1f1f) is forgotten; 3 blocks are free\n"

    def test_the_name_of_a_host_controls_no_terminal(self, pynet: Shell) -> None:
        """The host has chosen it."""
        result = pynet("cluster", "forget", "1f1f")

        assert result.output == "?[2Jtwo (1f1f1f1f1f1f) is forgotten; 3 blocks are free\n"

    def test_one_that_is_none(self, pynet: Shell) -> None:
        """In a sentence."""
        result = pynet("cluster", "forget", "six")

        assert result.exit_code == 1
        assert "none of the cluster's" in result.output
