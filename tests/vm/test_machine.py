"""That no failure in the virtual machine goes unnoticed."""

import pytest

from tests.vm.machine import MachineError, run


def test_the_exit_status_comes_out(capfd: pytest.CaptureFixture[str]) -> None:
    """With everything that the command said."""
    assert run(["sh", "-c", "echo out; echo err >&2; exit 7"]) == 7
    assert capfd.readouterr().out == "out\nerr\n"


def test_a_machine_that_dies_is_no_success() -> None:
    """Even if the command had said that all is well."""
    with pytest.raises(MachineError, match="sysrq triggered crash"):
        run(["sh", "-c", "echo 1 passed; echo c >/proc/sysrq-trigger"])


def test_a_machine_that_does_not_end_is_ended() -> None:
    """Whatever it does."""
    with pytest.raises(MachineError, match="no end after 1 s"):
        run(["sleep", "infinity"], deadline=1)
