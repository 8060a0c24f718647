"""Programs of the host that are run for what they print."""

import pytest

from plugin.errors import HostError
from plugin.operator.programs import run


def test_what_it_prints() -> None:
    """Bytes that are no text do not fail it; the exit status is told."""
    done = run(("sh", "-c", r"printf '\377x'; echo no >&2; exit 3"), 60)

    assert (done.stdout, done.stderr, done.returncode) == ("\ufffdx", "no\n", 3)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("no-such-program",), "no-such-program is not installed"),
        (("sleep", "60"), "sleep did not answer: .* timed out"),
    ],
)
def test_one_that_does_not_answer(command: tuple[str, ...], said: str) -> None:
    """One sentence."""
    with pytest.raises(HostError, match=said):
        run(command, 0.01)
