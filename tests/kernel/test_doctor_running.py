"""What the doctor says of pynet and the engine that run here."""

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.kernel.doctored import BRIDGE, Doctored, the
from tests.kernel.netns import Netns


@pytest.mark.parametrize(
    ("check", "what"),
    [
        ("D07", "firewall"),
        ("D09", "iptables"),
        ("D11", "firewalld"),
        ("D33", "parent eth0"),
        ("D40", "state"),
        ("D43", "announcements"),
    ],
)
def test_what_pynet_misses(doctored: Doctored, check: str, what: str) -> None:
    """Each condition of the health is one check's, with its own remedy."""
    doctored.degrade(what, "it went away", "bring it back")
    found = the(doctored.finds(check))

    assert found.cause == f"{what}: it went away"
    assert found.remedy == "bring it back"


def test_d04_another_version(doctored: Doctored) -> None:
    """The command is newer than what runs."""
    doctored.plugin["/health"]["version"] = "0.0.9"

    assert "pynet 0.0.9 runs" in the(doctored.finds("D04")).cause


@pytest.mark.parametrize(
    ("path", "key", "value", "said"),
    [
        ("/version", "Version", "19.03.15", "Docker Engine 19.03.15 is older than 20.10"),
        ("/info", "SecurityOptions", ["name=rootless"], "the engine is rootless"),
        ("/info", "OperatingSystem", "Docker Desktop", "the engine is Docker Desktop's"),
        ("/info", "DockerRootDir", "/var/snap/docker/common", "the engine is a snap's"),
    ],
)
def test_d05_engines(doctored: Doctored, path: str, key: str, value: object, said: str) -> None:
    """Those that pynet does not work with."""
    doctored.engine[path][key] = value

    assert said in the(doctored.finds("D05")).cause


def test_d05_no_engine(doctored: Doctored) -> None:
    """Docker is stopped; where it would look for the socket is not known then."""
    doctored.engine.clear()

    assert "no Docker Engine answers" in the(doctored.finds("D05")).cause
    assert [each.check.id for each in doctored.examine() if each.findings] == ["D05"]


def test_d05_within_the_managed_plugin(doctored: Doctored) -> None:
    """No engine is seen there, and one runs."""
    doctored.engine.clear()
    doctored.sockets = ("/run/docker/plugins/pynet.sock", "/host/plugins/pynet.sock")

    assert [each.check.id for each in doctored.examine() if each.findings] == []


def test_d28_hints(doctored: Doctored) -> None:
    """What works and may surprise."""
    doctored.plugin["/health"]["hints"] = ["parent eth0 is a virtual card; choose mode=ipvlan"]
    found = the(doctored.finds("D28"))

    assert (found.cause, found.remedy) == ("parent eth0 is a virtual card", "choose mode=ipvlan")
    assert found.hint


def test_d40_little_space(
    doctored: Doctored, netns: Netns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state's disk is nearly full."""

    class Full:
        f_bavail, f_frsize = 100, 1024

    monkeypatch.setattr("os.statvfs", lambda _: Full())

    assert "has 100 KiB left" in the(doctored.finds("D40")).cause


def test_d42_what_differs(doctored: Doctored) -> None:
    """The fix has pynet repair it."""
    row = {"network": "1f", "kind": "Bridge", "which": BRIDGE, "fault": "missing"}
    doctored.plugin["/v1/check"] = [row, {**row, "network": "2f"}]
    doctored.plugin["/v1/repair"] = {"repaired": [row], "left": []}
    found = the(doctored.finds("D42"))
    assert found.fix
    found.fix.do(doctored.host())

    assert found.cause == f"the host is not as it should be: Bridge {BRIDGE} missing"
    assert doctored.asked[-1] == "POST /v1/repair"


def test_d01_a_managed_plugin_that_is_disabled(doctored: Doctored) -> None:
    """It is enabled by name."""
    doctored.plugin.clear()
    settings = {"Env": ["PYNET_STATE=/var/lib/pynet"]}
    doctored.engine["/plugins"] = [
        {"Name": "pynet/pynet:latest", "Enabled": False, "Settings": settings}
    ]
    (outcome,) = doctored.examine(only="D01")

    assert the(list(outcome.findings)).remedy == "run: docker plugin enable pynet/pynet:latest"


ROW = "\0\n0: 2 0 00010000 0001 01 {number} /run/pynet-{number}/admin.sock"


@pytest.mark.parametrize("user", [0, 65534])
def test_d02_a_second_pynet(doctored: Doctored, tmp_path: Path, user: int) -> None:
    """Only root runs one: any user of the host may listen at such a path, and at a name with line breaks."""
    paths = [str(tmp_path / name / "admin.sock") for name in ("pynet", "pynet-2")]
    rows = [ROW.format(number=number) for number in range(2)]
    with ExitStack() as stack:
        for path in paths:
            Path(path).parent.mkdir()
        for name in (*paths, *rows):
            os.seteuid(0 if name == paths[0] else user)
            try:
                listening = stack.enter_context(socket.socket(socket.AF_UNIX))
            finally:
                os.seteuid(0)
            listening.bind(name)
            listening.listen()
        found = doctored.finds("D02")

    said = f"two pynets run on this host, with admin sockets {' and '.join(sorted(paths))}; "
    assert [each.cause for each in found] == ([f"{said}the second waits"] if user == 0 else [])
