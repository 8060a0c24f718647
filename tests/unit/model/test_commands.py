"""A command as one line for a shell."""

import subprocess

import pytest

from plugin.model.commands import Command, Step
from plugin.model.ids import link_name


@pytest.mark.parametrize("name", ["lan", "a;b", "$HOME", "it's", "#1", "&", "`id`", "-x", "~"])
def test_a_name_is_one_word_to_a_shell(name: str) -> None:
    """Whatever the kernel takes for a link's name."""
    command = Command(words=("printf", "%s", link_name(name)), topic=Step.BRIDGE, about=None)
    done = subprocess.run(["sh", "-c", command.text], capture_output=True, text=True, check=True)

    assert done.stdout == name


def test_a_remark_is_no_command() -> None:
    """Nothing to run."""
    assert not Command(topic=Step.HOST_PORT, about=None).text


def test_a_condition_stands_before_the_command() -> None:
    """As shell text."""
    command = Command(words=("b", "c d"), topic=Step.BRIDGE, about=None, condition="a ||")

    assert command.text == "a || b 'c d'"
