"""``pynet doctor``: what is printed, and the exit status.  The checks have tests on real hosts."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugin.errors import NoPermissionError
from plugin.operator.doctor import checks
from plugin.operator.doctor.base import Check, Finding, Fix
from plugin.operator.doctor.host import Host, UnseenError
from tests.unit.admin.behind import Life
from tests.unit.cli.conftest import Shell

Find = Callable[[Host], Iterator[Finding]]


def wrong(host: Host) -> Iterator[Finding]:
    def do(host: Host) -> None:
        fixed.append("done")

    if not fixed:
        fix = Fix(what="fixed it", do=do)
        yield Finding(cause="it is broken", remedy="do this", about=("web",), fix=fix)


def doubt(host: Host) -> Iterator[Finding]:
    yield Finding(cause="it may be meant", remedy="or not", hint=True)


def blind(host: Host) -> Iterator[Finding]:
    raise UnseenError("ip is not installed")


def refused(host: Host) -> Iterator[Finding]:
    def do(host: Host) -> None:
        raise OSError("the host refused")

    yield Finding(cause="it is broken", remedy="do this", fix=Fix(what="fixed it", do=do))


fixed: list[str] = []


@pytest.fixture
def with_checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """The command, with checks of the test's own."""

    def use(*finds: Find) -> None:
        made = [Check(id=f"T{n}", title="a test", find=f) for n, f in enumerate(finds, 1)]
        monkeypatch.setattr(checks, "CHECKS", tuple(made))

    fixed.clear()
    yield use
    fixed.clear()


def test_all_is_well(pynet: Shell, with_checks: Callable[..., None]) -> None:
    """One line."""
    with_checks(lambda _: iter(()))
    result = pynet("doctor")

    assert (result.exit_code, result.output) == (0, "1 check: nothing found\n")


def test_something_is_wrong(pynet: Shell, with_checks: Callable[..., None]) -> None:
    """One line for each cause, for programs."""
    with_checks(wrong, doubt)
    result = pynet("doctor")

    assert result.exit_code == 1
    assert "T1\twrong\tweb\tit is broken\tdo this\nT2\thint\t-\tit may be meant\tor not\n" in (
        result.output
    )
    assert result.output.endswith("2 checks: 1 wrong, 1 hint\n")


def test_a_hint_alone(pynet: Shell, with_checks: Callable[..., None]) -> None:
    """It is not wrong."""
    with_checks(doubt)

    assert pynet("doctor").exit_code == 0


def test_what_cannot_be_looked_at(pynet: Shell, with_checks: Callable[..., None]) -> None:
    """It is named, with the reason."""
    with_checks(blind, blind)

    assert "not looked at: T1, T2 (ip is not installed)" in pynet("doctor").output


def test_fix(pynet: Shell, with_checks: Callable[..., None]) -> None:
    """It says what was done, and looks again."""
    with_checks(wrong)
    result = pynet("doctor", "--fix")

    assert (result.exit_code, result.output) == (
        0,
        "fixed T1: fixed it\n1 check: nothing found\n",
    )


def test_a_fix_that_fails(pynet: Shell, with_checks: Callable[..., None]) -> None:
    """It says why."""
    with_checks(refused)
    result = pynet("doctor", "--fix")

    assert result.exit_code == 1
    assert "T1: not fixed: the host refused\n" in result.output


def test_as_json(pynet: Shell, with_checks: Callable[..., None]) -> None:
    """For programs; every key is on the page."""
    with_checks(wrong, blind)
    result = pynet("doctor", "--json")
    found = json.loads(result.output)
    page = (Path(__file__).parents[3] / "docs" / "reference" / "cli.md").read_text()
    keys = {*found, *found["findings"][0], *found["unseen"][0]}

    assert result.exit_code == 1
    assert found["findings"][0]["cause"] == "it is broken"
    assert found["unseen"] == [{"check": "T2", "why": "ip is not installed"}]
    assert [key for key in keys if f"`{key}`" not in page] == []


def test_an_unknown_name(pynet: Shell) -> None:
    """One sentence."""
    result = pynet("doctor", "webb")

    assert result.exit_code == 1
    assert "there is no network of pynet, nor a container on one, 'webb'" in result.output


def test_without_a_plugin(tmp_path: Path) -> None:
    """Most is not looked at; the exit status is that of every command."""
    result = Shell(tmp_path / "none.sock")("doctor")

    assert result.exit_code == 3
    assert "D01\twrong\t-\tpynet is not running: no pynet answers at" in result.output


def test_a_network_by_its_id(pynet: Shell, life: Life, with_checks: Callable[..., None]) -> None:
    """As `pynet networks` shows it, if no engine tells names."""
    with_checks(wrong)
    (network,) = life.store().networks()

    assert pynet("doctor", network.id[:12]).exit_code in (0, 1)


def test_a_compose_file(pynet: Shell, tmp_path: Path) -> None:
    """What is wrong in it, with the line."""
    path = tmp_path / "compose.yml"
    path.write_text("networks:\n  a:\n    driver: pynet\n    ipam: {driver: pynet}\n")
    well = pynet("doctor", str(path))
    path.write_text("networks:\n  a:\n    driver: pynet\n    driver_opts: {ic: 'x'}\n")
    result = pynet("doctor", str(path))

    assert (well.exit_code, well.output) == (0, "1 check: nothing found\n")
    assert result.exit_code == 1
    assert "line 4: network a: option ic is unknown" in result.output


def test_every_check_is_on_the_page() -> None:
    """With its title."""
    page = (Path(__file__).parents[3] / "docs" / "reference" / "doctor.md").read_text()

    assert [c.id for c in checks.CHECKS if f"| {c.id} | {c.title} |" not in page] == []


def test_a_socket_that_this_user_may_not_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not say that pynet is not running."""

    def refused(*_: object, **__: object) -> None:
        raise NoPermissionError("run the command as root")

    monkeypatch.setattr("plugin.cli.this_host.ask", refused)
    result = Shell(tmp_path / "admin.sock")("doctor")

    assert (result.exit_code, result.output) == (4, "Error: run the command as root\n")


def test_a_plugin_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked once, for a short time, and said to be slow."""
    monkeypatch.setattr("plugin.cli.this_host._HEALTH_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "admin.sock"))
        silent.listen()
        result = Shell(tmp_path / "admin.sock")("doctor", "--json", DOCKER_HOST="unix:///nowhere")

    assert result.exit_code == 3
    assert "did not answer within 0.2 seconds" in json.loads(result.output)["findings"][0]["cause"]
