"""Commands of commands."""

import json

import pytest

from tests.unit.cli.conftest import Shell


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("leases", "renw"), "there is no command 'renw'; did you mean renew?"),
        (("cluster", "x"), "there is no command 'x'; 'pynet cluster --help' lists them"),
    ],
)
def test_a_command_of_a_command(pynet: Shell, arguments: tuple[str, ...], said: str) -> None:
    """Is looked for as one of pynet."""
    result = pynet(*arguments)

    assert result.exit_code == 2
    assert said in result.output


def test_json_before_the_command_or_behind_it(pynet: Shell) -> None:
    """Both mean the same."""
    before, behind = pynet("cluster", "--json", "forget", "two"), pynet("cluster", "forget", "two")

    assert before.exit_code == behind.exit_code
    assert json.loads(before.output)["name"] == "two"
