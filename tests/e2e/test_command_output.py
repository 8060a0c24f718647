"""What each command prints on a healthy and on a broken host: at 80 columns, in a pipe, and as JSON.

The pages are in tests/golden/data/commands; PYNET_WRITE_GOLDEN=1 writes them.
"""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from plugin import __version__
from plugin.model.ids import NetworkID, bridge_name
from tests.lab.clients import reaches
from tests.lab.commands import CommandError, run, wait_until
from tests.lab.dockerd import SOCKET
from tests.lab.installed import PluginProcess
from tests.lab.namespace import enter, ip
from tests.lab.site import WEB, Site

DATA: Final = Path(__file__).parents[1] / "golden" / "data" / "commands"
NETWORK: Final = "golden-web"
OTHER: Final = "golden-other"
CONTAINERS: Final = ("golden-site", "golden-deaf", "golden-stranger")
COMMANDS: Final = (
    ("status",),
    ("status", "--short"),
    ("networks",),
    ("ports",),
    ("pools",),
    ("reservations",),
    ("drops",),
    ("check",),
    ("gc", "--dry-run"),
    ("doctor",),
    ("doctor", "golden-deaf"),
    ("doctor", "golden-sit"),
    ("trace", "host", "golden-site:80"),
    ("trace", "golden-site", "golden-stranger"),
    ("statu",),
)
# What is another at each run, of the same length.
_IDS: Final = re.compile(
    r"\b(?:[0-9a-f]{64}|[0-9a-f]{12})\b|(?<=\bpn[a-z]-)[0-9a-f]{11}\b|\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b"
)
_TIMES: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_NUMBERS: Final = (
    (re.compile(rf"\b{re.escape(__version__)}\b"), "0.0.0"),
    (re.compile(r"\d+ (s|min|h) ago"), "0 s ago"),
    (re.compile(r"\b10\.99\.0\.\d\b"), "10.99.0.1"),  # the host's own
    (re.compile(r"\d+ checks"), "33 checks"),
    (re.compile(r'"checks": \d+'), '"checks": 33'),
    (re.compile(r'"age_seconds": [\d.]+'), '"age_seconds": 0.0'),
    (re.compile(r'"number": \d+'), '"number": 1'),
)
_AFTER_SECONDS: Final = (
    2.0  # so long after, what the kernel announced of a container has been seen to
)
# Paths, sizes and counts, which wrap otherwise at each run.
_OF_THE_PROCESS: Final = ("process", "engine", "repaired")


@pytest.fixture
def plugin(site: Site) -> Iterator[PluginProcess]:
    """It looks at the host only when it is asked."""
    assert isinstance(site.installed, PluginProcess)
    plugin = site.installed
    plugin.restart_with(PYNET_TICK="3600")
    yield plugin
    plugin.restart_with(PYNET_TICK="30")


@pytest.fixture
def network(site: Site) -> Iterator[str]:
    """Two networks with names and addresses that are the same at each run; their id."""
    for name, subnet in ((NETWORK, "10.60.0.0/24"), (OTHER, "10.61.0.0/24")):
        options = ("--ipam-driver", site.driver, "--subnet", subnet)
        site.docker("network", "create", "-d", site.driver, *options, name)
    _start(site, NETWORK, CONTAINERS[0], "10.60.0.2", "-p", "8088:80", command=WEB)
    wait_until(lambda: reaches(site.netns(CONTAINERS[0]), "127.0.0.1", 80), "the httpd")
    run(enter(site.host.netns, "nft", "reset", "counters"))
    yield str(site.inspect("network", NETWORK)["Id"])
    with suppress(Exception):
        site.docker("rm", "-f", *CONTAINERS)
    for name in (NETWORK, OTHER):
        site.docker("network", "rm", name)


def _start(
    site: Site, network: str, name: str, address: str, *options: str, command: tuple[str, ...]
) -> None:
    own = ("--name", name, "--hostname", name, "--network", network, "--ip", address)
    site.docker("run", "-d", "--stop-signal=KILL", *own, *options, "busybox:local", *command)


def test_healthy(site: Site, plugin: PluginProcess, network: str) -> None:
    """Nothing is wrong."""
    _compare("healthy", _printed(site, plugin))


def test_broken(site: Site, plugin: PluginProcess, network: str) -> None:
    """The bridge lost its address, a program does not listen, and a packet was dropped."""
    sleep = ("sleep", "3600")
    _start(site, NETWORK, CONTAINERS[1], "10.60.0.3", "-p", "8089:81", command=sleep)
    _start(site, OTHER, CONTAINERS[2], "10.61.0.2", command=sleep)
    assert not site.pings(CONTAINERS[2], "10.60.0.2")
    bridge = bridge_name(NetworkID(network))

    def stays_broken() -> bool:
        """What the kernel still announces of the containers has pynet look at the network again."""
        with suppress(CommandError):
            ip(site.host.netns, f"address delete 10.60.0.1/24 dev {bridge}")
            return False
        time.sleep(_AFTER_SECONDS)
        return "degraded" in _run(site, plugin, ("status", "--short"), terminal=False)[0]

    wait_until(stays_broken, "the bridge without its address")
    _compare("broken", _printed(site, plugin))


def _printed(site: Site, plugin: PluginProcess) -> str:
    parts = []
    for command in COMMANDS:
        for way in ("terminal", "pipe", "json"):
            words = (*command, *(("--json",) if way == "json" else ()))
            text, code = _run(site, plugin, words, terminal=way == "terminal")
            parts.append(
                f"## pynet {' '.join(words)} ({way}): exit status {code}\n{_plain(text, way)}"
            )
    return "\n".join(parts)


def _run(
    site: Site, plugin: PluginProcess, words: tuple[str, ...], *, terminal: bool
) -> tuple[str, int]:
    env = {
        **{name: value for name, value in site.host.lab.env.items() if name != "COLUMNS"},
        "PYNET_ADMIN_SOCKET": str(plugin.admin_socket),
        "PYNET_STATE": str(plugin.state),
        "PYNET_PLUGIN_SOCKETS": str(plugin.socket),
        "DOCKER_HOST": f"unix://{site.host.path(SOCKET)}",
        "TERM": "dumb",
    }
    argv = enter(site.host.netns, f"{sys.prefix}/bin/pynet", *words)
    if not terminal:
        done = subprocess.run(
            argv, env=env, capture_output=True, text=True, check=False, timeout=120
        )
        return done.stdout + done.stderr, done.returncode
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    with subprocess.Popen(argv, env=env, stdin=writer, stdout=writer, stderr=writer) as process:
        os.close(writer)
        said = b""
        with suppress(OSError):  # EIO: the program has closed it
            while more := os.read(reader, 65536):
                said += more
    os.close(reader)
    return said.decode().replace("\r\n", "\n"), process.returncode


def _plain(text: str, way: str) -> str:
    """Without what differs from run to run."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    if way == "json":
        with suppress(ValueError):
            text = json.dumps(_without(json.loads(text)), indent=2) + "\n"
    else:
        text = _without_lines(text)
    text = _IDS.sub(lambda found: re.sub("[0-9a-f]", "0", found[0]), text)
    text = _TIMES.sub("2026-01-01T00:00:00Z", text)
    for pattern, plain in _NUMBERS:
        text = pattern.sub(plain, text)
    return text


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if key not in _OF_THE_PROCESS}
    return value


def _without_lines(text: str) -> str:
    """A field goes with the lines that it wraps into."""
    kept, leaving = [], False
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.startswith("     "):
            leaving = line.split()[0] in _OF_THE_PROCESS
        if not leaving:
            kept.append(line)
    return "".join(kept)


def _compare(name: str, text: str) -> None:
    page = DATA / f"{name}.txt"
    if os.environ.get("PYNET_WRITE_GOLDEN"):
        page.parent.mkdir(exist_ok=True)
        page.write_text(text)
    assert text == page.read_text()
