"""What commands print that show what happens: at 80 columns, in a pipe, and as JSON.

Of a host where all is well and of one in trouble; test_command_output.py has the other commands, on
real hosts.  The pages are in tests/golden/data/commands; PYNET_WRITE_GOLDEN=1 writes them.
"""

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from rich.console import Console

from plugin.cli import events, logs, output, top
from plugin.cli.byte_counts import Counted, Sample
from plugin.cli.top import _drawn, _host, _rows, _sorted
from plugin.log import RECENT, Log
from tests.unit.admin.behind import BLUE, WEB, Life
from tests.unit.cli.conftest import Shell, an_engine
from tests.unit.cli.test_leases import LAN
from tests.unit.cli.test_leases import WEB as LEASED

DATA: Final = Path(__file__).parents[2] / "golden" / "data" / "commands"
EVENTS: Final = ("events", "--once", "--last", "2")
COMMANDS: Final = (
    EVENTS,
    ("logs", "-n", "3"),
    ("logs", "--level", "error"),
    ("top",),
    ("top", "--sort", "total"),
    ("leases",),
    ("cluster",),
    ("explain", "blue"),
    ("explain", "web", "--lang", "ko"),
)
IN_TROUBLE: Final = (
    *COMMANDS[:-2],
    ("explain", "blu"),
    ("explain", "blue", "--lang", "fr"),
    ("leases", "renew", "wbe"),
    ("cluster", "forget", "one"),
)
# What is another at each run.
_TIMES: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_NUMBERS: Final = ("number", "renews_in", "ends_in")
_LOGGED: Final = {
    True: "2026-01-01T00:00:00.000Z info network.created network=626c75650000 mode=bridge\n",
    False: "2026-01-01T00:00:00.000Z info plugin.started status=ok\n"
    "2026-01-01T00:00:01.000Z error rpc.failed method=NetworkDriver.Join reason='a reason of a kernel "
    "that is longer than a terminal is wide, and has \x1b[31mcolours'\n",
}


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With a journal, bytes that are counted, and events that are remembered, as in a plugin."""
    program = tmp_path / "journalctl"
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/log\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    seconds = count(1)

    def sample(_: object) -> Sample:
        now = next(seconds)
        each = Counted(received=123_456_000 * now, sent=10 * now)
        return Sample(at=float(now), endpoints={WEB.id: each, LEASED.id: each})

    monkeypatch.setattr("plugin.cli.top.sample", sample)
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("plugin.cli.leases._time", lambda left: "" if left is None else "9 min")
    logger = logging.getLogger("pynet")
    before = logger.level
    logger.addHandler(RECENT)
    logger.setLevel(logging.INFO)
    yield
    logger.removeHandler(RECENT)
    logger.setLevel(before)


@pytest.fixture
def docker(life: Life, tmp_path: Path) -> Iterator[str]:
    """An engine that knows the names of two networks and two containers, one of them on a LAN."""
    life.rig.host.add_parent("eth0")
    life.rig.networks.create(LAN)
    life.rig.endpoints.create(LEASED)
    attached = {
        "web": ("blue", {"blue": {"EndpointID": WEB.id}}),
        "television": ("lan", {"lan": {"EndpointID": LEASED.id}}),
    }
    containers = [
        {"Id": name, "Names": [f"/{name}"], "NetworkSettings": {"Networks": networks}}
        for name, (_, networks) in attached.items()
    ]
    networks = [{"Id": BLUE.id, "Name": "blue"}, {"Id": LAN.id, "Name": "lan"}]
    with an_engine(tmp_path / "docker.sock", networks, containers):
        yield f"unix://{tmp_path}/docker.sock"


def test_healthy(
    pynet: Shell, docker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is wrong."""
    (tmp_path / "log").write_text(_LOGGED[True])
    Log("test").info("network.created", network=BLUE.id[:12], mode="bridge")
    Log("test").info("endpoint.joined", endpoint=WEB.id[:12], network=BLUE.id[:12])

    _compare("asked-healthy", _printed(pynet, docker, COMMANDS, monkeypatch))


def test_in_trouble(
    pynet: Shell, life: Life, docker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program changed a rule, a container is gone, frames are dropped, no cluster is there."""
    (tmp_path / "log").write_text(_LOGGED[False])
    gone = replace(LEASED, id=type(LEASED.id)("db" * 8), mac_address=type(LEASED.mac_address)(""))
    life.rig.endpoints.create(replace(gone, mac_chosen=False))
    life.rig.endpoints.delete(LAN.id, gone.id)
    life.hosts = None
    Log("test").warning("drift.healed", network=BLUE.id[:12], Published="1", chains="a\nb")
    Log("test").warning(
        "rpc.refused", method="NetworkDriver.CreateNetwork", reason="option \x1b[2J"
    )

    _compare("asked-broken", _printed(pynet, docker, IN_TROUBLE, monkeypatch))


def test_without_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and its exit status."""
    (tmp_path / "log").write_text("")
    shell = Shell(Path("/nowhere/admin.sock"))

    _compare("asked-alone", _printed(shell, "unix:///nowhere.sock", COMMANDS, monkeypatch))


def _printed(
    pynet: Shell,
    docker: str,
    commands: tuple[tuple[str, ...], ...],
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    parts = []
    for words in commands:
        for way in ("terminal", "pipe", "json"):
            with monkeypatch.context() as patch:
                if way == "terminal":
                    for module in (output, events, logs, top):
                        patch.setattr(module, "is_terminal", lambda: True)
                    patch.setattr(top, "_watch", _one_frame)
                asked = (*words, *(("--json",) if way == "json" else ()))
                done = pynet(*asked, DOCKER_HOST=docker, COLUMNS="80")
            head = f"## pynet {' '.join(asked)} ({way}): exit status {done.exit_code}"
            parts.append(f"{head}\n{_plain(done.output, way)}")
    return "\n".join(parts)


def _one_frame(before: Sample, every: float, sort: str) -> None:
    """What `pynet top` draws first."""
    host = _host()
    rows = _sorted(_rows(host, before, top.sample(host)), sort)
    Console(width=80).print(_drawn(rows, sort))


def _plain(text: str, way: str) -> str:
    """Without what differs from run to run."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    if way == "json":
        with suppress(ValueError):
            text = json.dumps(_still(json.loads(text)), indent=2, ensure_ascii=False) + "\n"
        text = re.sub(r'"number": \d+', '"number": 1', text)
    return _TIMES.sub("2026-01-01T00:00:00Z", text)


def _still(value: Any) -> Any:
    if isinstance(value, list):
        return [_still(each) for each in value]
    if isinstance(value, dict):
        return {k: 1 if v and k in _NUMBERS else _still(v) for k, v in value.items()}
    return value


def _compare(name: str, text: str) -> None:
    page = DATA / f"{name}.txt"
    if os.environ.get("PYNET_WRITE_GOLDEN"):
        page.write_text(text)
    assert text == page.read_text()
