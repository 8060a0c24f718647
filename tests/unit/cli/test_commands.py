"""The command line, talking to an admin socket as it does in life."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from plugin import __version__
from plugin.cli.commands import group
from tests.unit.admin.behind import BLUE, WEB, Life
from tests.unit.cli.conftest import Shell


class TestStatus:
    def test_a_plugin_that_is_well(self, pynet: Shell) -> None:
        """In one line."""
        result = pynet("status")

        assert result.exit_code == 0
        assert result.output.startswith(f"pynet {__version__}: ok since ")

    def test_one_that_is_not(self, pynet: Shell, life: Life) -> None:
        """What is missing, why, and what to do; scripts see the exit status."""
        life.health.degrade("firewall", "nft is not there", "install nftables")
        result = pynet("status")

        assert result.exit_code == 1
        assert "degraded" in result.output
        assert "firewall: nft is not there\n    remedy: install nftables" in result.output

    def test_as_json(self, pynet: Shell) -> None:
        """For programs."""
        assert json.loads(pynet("status", "--json").output)["status"] == "ok"

    def test_without_a_plugin(self, tmp_path: Path) -> None:
        """With what to look at."""
        result = Shell(tmp_path / "nobody.sock")("status")

        assert result.exit_code == 1
        assert f"Error: no pynet answers at {tmp_path}/nobody.sock" in result.output
        assert "is it running" in result.output


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
        head, row = pynet("pools").output.splitlines()

        assert head.split() == ["pool", "space", "tenant", "bound", "reserved", "resting"]
        assert row.split() == ["10.1.0.0/24", "pynet-local", "3", "0", "0"]

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

    def test_a_list(self, pynet: Shell) -> None:
        """As it was printed."""
        assert pynet("reserve", "-f", "-", stdin="a: b\n").output == "1 reserved\n"
        assert pynet("reservations").output == "a: b\n"

    def test_giving_one_up(self, pynet: Shell) -> None:
        """Whoever it was kept for."""
        pynet("reserve", "10.1.0.9", "--name", "web")

        assert pynet("unreserve", "10.1.0.9").output == "1 unreserved\n"

    def test_giving_up_what_nobody_keeps(self, pynet: Shell) -> None:
        """A mistyped address is not passed over."""
        result = pynet("unreserve", "10.1.0.8")

        assert result.exit_code == 1
        assert result.output.splitlines() == [
            "0 unreserved",
            "Error: 10.1.0.8 is not reserved; `pynet reservations` lists what is",
        ]

    @pytest.mark.parametrize("arguments", [(), ("10.1.0.9", "-f", "-")])
    def test_neither_and_both_are_refused(self, pynet: Shell, arguments: tuple[str, ...]) -> None:
        """Nobody knows what is meant."""
        result = pynet("reserve", *arguments, stdin="x")

        assert result.exit_code == 2
        assert "give one ADDRESS, or a list with --file" in result.output

    def test_what_does_nothing_here_is_said(self, pynet: Shell, life: Life) -> None:
        """An engine that names no container gives a reservation by name to nobody."""
        life.addresses().note = "this host's Docker says nothing"
        result = pynet("reserve", "10.1.0.9", "--name", "web")

        assert result.exit_code == 0
        assert result.output == "1 reserved\nnote: this host's Docker says nothing\n"

    def test_what_the_plugin_refuses(self, pynet: Shell) -> None:
        """In its words."""
        result = pynet("reserve", "nonsense")

        assert (result.exit_code, result.output) == (1, "Error: that is no reservation\n")


class TestGroup:
    def test_help_knows_every_command(self, pynet: Shell) -> None:
        """And what it is for."""
        output = pynet("--help").output

        for command in (
            "serve",
            "status",
            "networks",
            "ports",
            "pools",
            "reserve",
            "unreserve",
            "reservations",
            "check",
            "repair",
            "gc",
            "backup",
            "restore",
        ):
            assert f"\n  {command} " in output

    def test_version(self, pynet: Shell) -> None:
        """The package's."""
        assert pynet("--version").output == f"pynet, version {__version__}\n"

    def test_an_unknown_command(self, pynet: Shell) -> None:
        """Is none."""
        assert pynet("dance").exit_code == 2

    def test_a_bad_setting_is_refused(self, tmp_path: Path) -> None:
        """In one sentence, without a trace."""
        result = CliRunner().invoke(group, ["status"], env={"PYNET_TICK": "soon"})

        assert result.exit_code == 1
        assert result.output == ("Error: PYNET_TICK is 'soon', expected a number from 1 to 3600\n")


def test_ports_show_the_containers_address_of_ipv6(pynet: Shell) -> None:
    """Brackets are text, whatever the terminal library makes of them."""
    assert "[fd00:1::2]:80" in pynet("ports").output


def test_brackets_in_a_reason_are_shown(pynet: Shell, life: Life) -> None:
    """The kernel's words often have them."""
    life.health.degrade("networks", "Bind for [fd00::2]:80 failed: [Errno 98] in use", "wait")

    assert "Bind for [fd00::2]:80 failed: [Errno 98] in use" in pynet("status").output
