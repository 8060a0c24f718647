"""What a failed command says tells its cause."""

import pytest

from tests.lab.commands import CommandError
from tests.reliability.engines.storm import DOWN, ENDED, UNKNOWN, Tally, cause_of

SAID = {
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.": DOWN,
    'error during connect: Post "http://docker/v1.24/containers/create": EOF': ENDED,
    "Error response from daemon: network n1 id 0a has active endpoints": "the network is in use",
    "Error response from daemon: No such container: c7": "no such container",
    "Error response from daemon: a sentence that nobody has heard before": UNKNOWN,
}


@pytest.mark.parametrize(("said", "cause"), SAID.items())
def test_the_cause(said: str, cause: str) -> None:
    """Each by its words."""
    assert cause_of(said) == cause


def test_what_nobody_knows_is_kept() -> None:
    """Word for word, for the person who runs the proof."""
    tally = Tally()
    tally.count("run")
    tally.count("run", CommandError(["docker", "run"], 1, "a new sentence\n"))

    assert tally.done == {"run": 1}
    assert tally.causes == {UNKNOWN: 1}
    assert tally.examples == ["run: a new sentence"]
