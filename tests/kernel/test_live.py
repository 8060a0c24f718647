"""nftables' own trace of real packets, which leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from plugin.errors import HostError
from plugin.model.network import Protocol
from plugin.trace import live
from plugin.trace.packet import Packet
from tests.fakes.values import a_binding
from tests.kernel.netns import wait_until
from tests.kernel.site import HOST4, OUTSIDE4, Site
from tests.kernel.talk import sender

TO = (HOST4, 8080)
# As the command does it: what nft tells, line by line, until the time is over.
COMMAND = f"""
from ipaddress import ip_address
from plugin.trace import live
from plugin.trace.packet import Packet
packet = Packet(source=ip_address({OUTSIDE4!r}), destination=ip_address({HOST4!r}), protocol="udp", dport=8080)
for line in live.watch(packet, SECONDS):
    print(line, flush=True)
"""


@pytest.fixture
def site() -> Iterator[Site]:
    """A host with a container that publishes a port."""
    made = Site(br_netfilter=True, docker=True)
    with made.host.entered():
        network = made.network("web", "10.1.0.0/24")
        made.container(network, 2, [a_binding(80, 8080, protocol=Protocol.UDP)])
        yield made
        made.close()


@contextmanager
def watching(site: Site, seconds: int) -> Iterator[subprocess.Popen[str]]:
    """The command, from the moment when packets are marked."""
    words = [sys.executable, "-c", COMMAND.replace("SECONDS", str(seconds))]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: is_marked(site), "no table of a trace")
            yield process
        finally:
            process.kill()


def is_marked(site: Site) -> bool:
    """Whether there is a table of a trace."""
    return "pynet_trace" in site.host.run("nft", "list", "tables")


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_there(pid: int) -> bool:
    """Whether a process runs."""
    return Path(f"/proc/{pid}/cmdline").exists() and bool(Path(f"/proc/{pid}/cmdline").read_bytes())


def keep_sending(site: Site, ended: threading.Event) -> None:
    """Until it has ended: nft may listen a little later than packets are marked."""
    send = sender(site.outside, TO)
    while not ended.wait(0.05):
        send(b"!")


def test_what_rules_do(site: Site) -> None:
    """The rules are named, and the table is gone with the command."""
    ended = threading.Event()
    with watching(site, 60) as process, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(keep_sending, site, ended)
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "pn_forward" in line:
                break
        ended.set()
        sending.result()
    wait_until(lambda: not is_marked(site), "the table of the trace stays")

    assert any(OUTSIDE4 in line for line in lines)


def test_it_ends_by_itself(site: Site) -> None:
    """After its time, whatever comes."""
    with watching(site, 1) as process:
        assert process.wait(60) == 0

    assert not is_marked(site)


def test_the_users_nft_history(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the user's: nft has one of what people type."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with watching(site, 1) as process:
        assert process.wait(60) == 0

    assert list(tmp_path.iterdir()) == []


def test_a_trace_that_is_killed(site: Site) -> None:
    """The kernel deletes the table with its process."""
    with watching(site, 60) as process:
        monitors = children(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        wait_until(lambda: not is_marked(site), "the table of the trace stays")
        wait_until(lambda: not any(map(is_there, monitors)), "a process of the trace stays")

    assert monitors


@pytest.mark.usefixtures("site")
def test_a_monitor_that_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is not the same as no packet."""
    real = shutil.which("nft")
    wrapper = tmp_path / "nft"
    wrapper.write_text(
        f'#!/bin/sh\n[ "$1" != monitor ] || {{ echo no socket >&2; exit 1; }}\nexec {real} "$@"\n'
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    here = ip_address(HOST4)
    packet = Packet(source=here, destination=here, protocol="udp", dport=1)

    with pytest.raises(HostError, match="nft cannot tell what rules do: no socket"):
        list(live.watch(packet, 5))


@pytest.mark.usefixtures("site")
def test_a_kernel_that_has_no_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and nothing stays."""
    monkeypatch.setattr(
        live, "script", lambda _, table: f"table inet {table} {{ flags nothing; }};"
    )
    here = ip_address(HOST4)
    packet = Packet(source=here, destination=here, protocol="udp", dport=1)

    with pytest.raises(HostError, match=r"nft cannot mark packets for a trace: .*Linux 5\.12"):
        list(live.watch(packet, 5))
