"""One pynet for each network namespace, and nobody but root can be taken for one."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from plugin.errors import KernelError
from plugin.kernel.instance_lock import NAME, claim
from tests.kernel.netns import Netns

pytestmark = pytest.mark.kernels

NOBODY = 65534
SQUATTER = """
import ctypes, os, socket, sys
os.setgroups([])
os.setresgid({user}, {user}, {user})
os.setresuid({user}, {user}, {user})
if {own_namespace}:
    assert ctypes.CDLL(None).unshare(0x10000000) == 0  # CLONE_NEWUSER
    print("unshared", flush=True)
    sys.stdin.readline()
held = []
for name in sys.argv[1:]:
    held.append(socket.socket(socket.AF_UNIX))
    held[-1].bind("\\0" + name)
    held[-1].listen()
print("held", os.getuid(), flush=True)
sys.stdin.read()
"""


@contextmanager
def squatter(*names: str, own_namespace: bool = False) -> Iterator[None]:
    """A process of nobody's which has the abstract names."""
    script = SQUATTER.format(user=NOBODY, own_namespace=own_namespace)
    with subprocess.Popen(
        [sys.executable, "-c", script, *names], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        if own_namespace:
            assert process.stdout.readline() == b"unshared\n"
            Path(f"/proc/{process.pid}/uid_map").write_text(f"0 {NOBODY} 1")
            process.stdin.write(b"go on\n")
            process.stdin.flush()
        shown_as = 0 if own_namespace else NOBODY
        assert process.stdout.readline() == b"held %d\n" % shown_as
        yield
        process.stdin.close()


def test_there_is_one(netns: Netns) -> None:
    """In a namespace; the next one has its own."""
    other = Netns()
    with claim():
        with pytest.raises(KernelError, match="another pynet works"):
            claim()
        with other.entered():
            claim().close()
    other.close()
    claim().close()


@pytest.mark.parametrize("names", [["pynet"], ["pynet", "pynet-0123456789abcdef", "pynet-x"]])
def test_another_user_keeps_nobody_out(netns: Netns, names: list[str]) -> None:
    """Whatever names it takes, and there is still one only."""
    with squatter(*names), claim(), pytest.raises(KernelError, match="another pynet works"):
        claim()
    claim().close()


def test_root_of_another_user_namespace_keeps_nobody_out(netns: Netns) -> None:
    """As in a container that is root only to itself."""
    with (
        squatter("pynet", own_namespace=True),
        claim(),
        pytest.raises(KernelError, match="another pynet works"),
    ):
        claim()


def test_one_that_had_to_take_another_name_is_seen_when_the_first_is_free(netns: Netns) -> None:
    """The squatter has gone: the name is no claim by itself."""
    with ExitStack() as stack:
        with squatter("pynet"):
            stack.enter_context(claim())
        with pytest.raises(KernelError, match="another pynet works"):
            claim()


def test_one_of_an_earlier_version_is_seen(netns: Netns) -> None:
    """It has the first name and does not listen."""
    with socket.socket(socket.AF_UNIX) as earlier:
        earlier.bind(NAME)
        with pytest.raises(KernelError, match="another pynet works"):
            claim()


def test_of_many_at_once_one_has_it(netns: Netns) -> None:
    """Beside a squatter, where each has a name of its own."""
    script = (
        "import sys\n"
        "from plugin.errors import KernelError\n"
        "from plugin.kernel.instance_lock import claim\n"
        "print(flush=True), sys.stdin.readline()\n"
        "try:\n    held = claim()\n    print('mine', flush=True)\n"
        "except KernelError:\n    print('refused', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with squatter("pynet"), ExitStack() as stack:
        claimants = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", script],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env=os.environ | {"PYTHONPATH": ":".join(filter(None, sys.path))},
                )
            )
            for _ in range(4)
        ]
        for each in claimants:
            assert each.stdout is not None
            assert each.stdout.readline() == "\n"
        for each in claimants:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        found = [each.stdout.readline().strip() for each in claimants if each.stdout]
        for each in claimants:
            assert each.stdin is not None
            each.stdin.close()

    assert found.count("mine") <= 1
    claim().close()
