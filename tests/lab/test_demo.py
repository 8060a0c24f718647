"""`make demo` from beginning to end."""

import subprocess
import sys

import pytest

from tests.lab.demo import ACTS, PAGE
from tests.lab.installed import REPOSITORY


@pytest.mark.nightly
def test_four_acts() -> None:
    """Each shows what it says, and the demo itself has looked that nothing is left."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.demo"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout
    assert [act for act in ACTS if act not in done.stdout] == []
    assert done.stdout.count(PAGE) == 3
    assert "did you mean icc?" in " ".join(done.stdout.split())
    assert "All of it is removed again." in done.stdout
