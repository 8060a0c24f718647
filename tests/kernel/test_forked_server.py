"""The plugin that proofs fork: it never outlives the process that started it."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.kernel.netns import wait_until

REPOSITORY = Path(__file__).parents[2]
SCRIPT = """
import signal
from tests.reliability.serving import serving
with serving() as server:
    print(server.worker(), flush=True)
    signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_its_proof(number: signal.Signals) -> None:
    """However that ends: a process in a session of its own gets no signal of the terminal's."""
    with tempfile.TemporaryDirectory() as folder:  # with paths short enough for sockets
        proof = subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            cwd=REPOSITORY,
            env={**os.environ, "TMPDIR": folder},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert proof.stdout
        worker = int(proof.stdout.readline())
        master = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
        proof.send_signal(number)
        proof.wait(60)
        proof.stdout.close()
        try:
            for process in (worker, master):
                wait_until(partial(_is_gone, process), "it runs on")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(master, signal.SIGKILL)


def _is_gone(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()
