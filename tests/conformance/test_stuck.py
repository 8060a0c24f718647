"""The kernel keeps calls: each is answered all the same, and what it still makes is undone."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.test_http import ROOT, a_request, send
from tests.kernel.netns import wait_until

MANY = 40  # more than there are threads while all is well
HANDSHAKE = (200, {"Implements": ["NetworkDriver", "IpamDriver"]})


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """For as long as it is there, nobody makes a link."""
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


@pytest.fixture
def path(tmp_path: Path, fifo: Path) -> Iterator[Path]:
    """The socket of a server on such a host."""
    found = tmp_path / "pynet.sock"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.serve_stuck", str(found), str(fifo)],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stderr=subprocess.DEVNULL,  # it has much to say
    )
    wait_until(found.is_socket, "the server does not start")
    yield found
    server.kill()
    server.wait(60)


def network(number: int, subnet: int | None = None) -> str:
    pool = f"10.{number if subnet is None else subnet}.0"
    data = {"AddressSpace": "LocalDefault", "Pool": f"{pool}.0/24", "Gateway": f"{pool}.1/24"}
    return json.dumps(
        {"NetworkID": f"{number:064x}", "Options": None, "IPv4Data": [data], "IPv6Data": []}
    )


def call(path: Path, method: str, body: str = "") -> tuple[int, Any]:
    ((status, _, answer),) = send(path, a_request(method, body))
    return status, answer


def create(path: Path, number: int) -> tuple[int, Any]:
    return call(path, "NetworkDriver.CreateNetwork", network(number))


def release(fifo: Path) -> None:
    """Let a thread that waits go on; later ones do not wait."""
    aside = fifo.with_name("aside")
    fifo.rename(aside)
    os.close(os.open(aside, os.O_RDWR | os.O_NONBLOCK))


def test_every_call_is_answered_and_others_are_served(path: Path) -> None:
    """However many are stuck, and the handshake without a wait."""
    with ThreadPoolExecutor(MANY) as pool:
        stuck = [pool.submit(create, path, number) for number in range(MANY)]
        wait_until(lambda: call(path, "Plugin.Activate") == HANDSHAKE, "no handshake")
        spaces = partial(call, path, "IpamDriver.GetDefaultAddressSpaces")
        wait_until(lambda: spaces()[0] == 200, "others are not served")
        answers = [each.result(60) for each in stuck]

    for status, answer in answers:
        assert status == 500
        assert "NetworkDriver.CreateNetwork has not ended" in answer["Err"]
        assert answer["Error"] == answer["Err"]


def test_what_is_made_after_the_answer_is_undone(path: Path, fifo: Path) -> None:
    """dockerd saw a failure, and will never say that the network is to go."""
    status, _ = create(path, 1)
    release(fifo)

    def is_free() -> bool:
        again = call(path, "NetworkDriver.CreateNetwork", network(2, subnet=1))
        return again == (200, {})

    assert status == 500
    wait_until(is_free, "the network that nobody has keeps its subnet")
    call(path, "NetworkDriver.DeleteNetwork", network(2))


def test_the_network_is_busy_meanwhile_and_deleted_later(path: Path, fifo: Path) -> None:
    """What dockerd deletes while it is stuck is gone in the end."""
    create(path, 1)
    status, answer = call(path, "NetworkDriver.DeleteNetwork", network(1))
    release(fifo)

    assert status == 500
    assert "Network" in answer["Err"]
    wait_until(
        lambda: call(path, "NetworkDriver.CreateNetwork", network(3, subnet=1)) == (200, {}),
        "the network that was deleted keeps its subnet",
    )
