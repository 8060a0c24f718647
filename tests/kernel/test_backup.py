"""Saving the state and bringing it back: beside a plugin that runs, and without one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugin.bootstrap.supervisor import Supervisor
from plugin.health import Status
from tests.kernel.netns import Netns
from tests.kernel.supervised import (
    BRIDGE,
    NETWORK,
    call,
    give_back,
    make_network,
    settings,
    start_container,
    stop,
    supervised,
    take_address,
)
from tests.unit.cli.conftest import Shell


@pytest.fixture
def environ(netns: Netns, tmp_path: Path) -> dict[str, str]:
    """Settings of the plugin and of the command."""
    return settings(tmp_path)


@pytest.fixture
def pynet(environ: dict[str, str]) -> Shell:
    """The command, as an administrator runs it on the host."""
    return Shell(Path(environ["PYNET_ADMIN_SOCKET"]), **environ)


@pytest.fixture
def run(environ: dict[str, str]) -> Iterator[Callable[..., Supervisor]]:
    """Starts a plugin, with its admin socket; ``stop`` of the last one ends it."""
    with supervised(environ) as start:
        yield start


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Where the state is saved."""
    return tmp_path / "saved.tar"


@pytest.fixture
def later(
    run: Callable[..., Supervisor], pynet: Shell, netns: Netns, saved: Path
) -> Iterator[tuple[Supervisor, Netns, str]]:
    """A plugin, and the sandbox and the address of a container that came after the backup."""
    life, sandbox = run(), Netns()
    make_network(life)
    pynet("backup", str(saved))
    address = take_address(life)
    start_container(life, netns, sandbox, address)
    yield life, sandbox, address
    sandbox.close()


def test_saved_while_it_runs_and_brought_back(
    run: Callable[..., Supervisor],
    pynet: Shell,
    environ: dict[str, str],
    saved: Path,
    netns: Netns,
) -> None:
    """After a loss, the next start makes everything again."""
    life = run()
    make_network(life)
    told = pynet("backup", str(saved))
    busy = pynet("restore", str(saved))
    call(life, "NetworkDriver.DeleteNetwork", NETWORK)
    stop(life, environ)
    restored = pynet("restore", str(saved))
    links = netns.run("ip", "link")
    run()

    assert told.output == f"saved {environ['PYNET_STATE']} in {saved}\n"
    assert saved.stat().st_mode & 0o777 == 0o600
    assert (busy.exit_code, "stop it first" in busy.output) == (1, True)
    assert restored.exit_code == 0
    assert "what was there is in" in restored.output
    assert BRIDGE not in links
    assert BRIDGE in netns.run("ip", "link")
    assert pynet("check").exit_code == 0


def test_what_came_after_it_runs_on(
    later: tuple[Supervisor, Netns, str],
    run: Callable[..., Supervisor],
    pynet: Shell,
    environ: dict[str, str],
    saved: Path,
    netns: Netns,
) -> None:
    """And keeps its address, until the engine gives it back."""
    life, _, address = later
    before = netns.run("ip", "-o", "link"), netns.run("nft", "list", "ruleset")
    stop(life, environ)
    pynet("restore", str(saved))
    again = run(Status.DEGRADED)
    (condition,) = again.health.conditions
    after = netns.run("ip", "-o", "link"), netns.run("nft", "list", "ruleset")
    taken = take_address(again)
    give_back(again, address)

    assert condition.what == "left-overs"
    assert "was restored or copied, and lacks" in condition.why
    assert after == before
    assert taken != address
    assert take_address(again, address) == address


def test_what_has_ended_since_then_keeps_no_address(
    later: tuple[Supervisor, Netns, str],
    run: Callable[..., Supervisor],
    pynet: Shell,
    environ: dict[str, str],
    saved: Path,
) -> None:
    """The engine has given it back already, while no plugin ran."""
    life, sandbox, address = later
    stop(life, environ)
    sandbox.ip("link set eth0 down")
    pynet("restore", str(saved))

    assert take_address(run(Status.DEGRADED), address) == address


def test_to_a_place_that_cannot_be_written(
    run: Callable[..., Supervisor], pynet: Shell, tmp_path: Path
) -> None:
    """Nothing half is left."""
    run()
    result = pynet("backup", str(tmp_path / "nowhere/saved.tar"))

    assert result.exit_code == 1
    assert "nowhere/saved.tar cannot be written: No such file or directory" in result.output
