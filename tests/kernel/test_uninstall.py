"""``pynet uninstall`` in a namespace: refused while pynet is in use, and thorough when it is not."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plugin.bootstrap.supervisor import Supervisor
from plugin.config import read_config
from plugin.health import Status
from tests.kernel.firewalld import Firewalld, ensure_firewalld
from tests.kernel.netns import Netns, wait_until
from tests.kernel.supervised import BRIDGE, as_the_plugin, make_network
from tests.unit.cli.conftest import Shell, an_engine

NETWORK = "a" * 64
USED: dict[str, Any] = {"Id": NETWORK, "Name": "web", "Driver": "pynet", "IPAM": {}}
DOCKERS: dict[str, Any] = {"Id": "b" * 64, "Name": "bridge", "Driver": "bridge", "IPAM": {}}
MINE = ("-I DOCKER-USER -i eth9 -j DROP", "-t nat -A POSTROUTING -o tun9 -j ACCEPT")


@pytest.fixture
def networks(tmp_path: Path) -> Iterator[list[dict[str, Any]]]:
    """What an engine on this host lists."""
    listed = [DOCKERS]
    with an_engine(tmp_path / "docker.sock", listed):
        yield listed


@pytest.fixture
def pynet(tmp_path: Path) -> Shell:
    """The command, as an administrator runs it on the host."""
    return Shell(
        tmp_path / "admin.sock",
        PYNET_STATE=str(tmp_path / "state"),
        PYNET_PLUGIN_SOCKETS=str(tmp_path / "pynet.sock"),
        DOCKER_HOST=f"unix://{tmp_path}/docker.sock",
    )


@pytest.fixture
def plugin(netns: Netns, tmp_path: Path) -> Iterator[Callable[[], Supervisor]]:
    """Starts a plugin on a host with a Docker, and with rules of its user's."""
    for command in ("iptables", "ip6tables"):
        for rule in ("-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", *MINE):
            netns.run(command, *rule.split())
    started = []

    def start() -> Supervisor:
        environ = {"PYNET_STATE": str(tmp_path / "state"), "PYNET_TICK": "3600"}
        life = Supervisor(read_config(environ))
        threading.Thread(target=life.run, daemon=True).start()
        started.append(life)
        wait_until(lambda: life.health.status is not Status.STARTING, "it did not start")
        return life

    with as_the_plugin():
        yield start
        for life in started:
            life.stop()


def traces(netns: Netns) -> tuple[str, ...]:
    """All rules and links of the host, without counters."""
    rules = [netns.run(f"{command}-save") for command in ("iptables", "ip6tables")]
    kept = [line for text in rules for line in text.splitlines() if line[:1] == "-"]
    return (*kept, netns.run("nft", "list", "tables"), netns.run("ip", "-brief", "link"))


def test_it_leaves_the_host_as_it_was(
    netns: Netns,
    plugin: Callable[[], Supervisor],
    pynet: Shell,
    networks: list[dict[str, Any]],
    tmp_path: Path,
) -> None:
    """Links, tables, rules and the state go; rules of others and Docker's chains stay."""
    netns.ip("link add mine type bridge")
    before = traces(netns)
    life = plugin()
    make_network(life)
    running = pynet("uninstall")
    networks.append(USED)
    used_and_running = pynet("uninstall", "--dry-run")
    life.stop()
    used = pynet("uninstall")
    networks.remove(USED)
    kept = pynet("uninstall")
    forgotten = pynet("gc", "--forgotten", NETWORK[:12])
    netns.ip("link add left-over type bridge", "link set left-over group 28782 alias pynet:x")
    shown = pynet("uninstall", "--dry-run", "--state")
    after_showing = traces(netns)
    removed = pynet("uninstall", "--state")

    for refused, why in (
        (running, "another pynet works on this host's network already; stop it first"),
        (used_and_running, "Docker uses networks of pynet: web; remove them with"),
        (used, "Docker uses networks of pynet: web; remove them with"),
        (kept, f"remove them with `pynet gc --forgotten {NETWORK[:12]}`"),
    ):
        assert refused.exit_code == 1, refused.output
        assert why in refused.output
    assert forgotten.exit_code == 0, forgotten.output
    assert shown.output.count("would remove rule ") == 8
    assert after_showing != before
    for each in ("table inet pynet", "table bridge pynet", "link left-over", "state "):
        assert f"would remove {each}" in shown.output
    assert removed.output == shown.output.replace("would remove", "removed")
    assert removed.exit_code == 0
    assert traces(netns) == before
    assert not (tmp_path / "state").exists()
    assert pynet("uninstall").output == "there is nothing of pynet on this host\n"


def test_containers_of_another_engine(
    netns: Netns, plugin: Callable[[], Supervisor], pynet: Shell, networks: object, tmp_path: Path
) -> None:
    """The state is lost, and the engine that answers is not the one that runs them."""
    life = plugin()
    make_network(life)
    life.stop()
    shutil.rmtree(tmp_path / "state")
    sandbox = Netns()
    pair, child = f"pynet:{NETWORK}/{'b' * 64}", f"pynet:{NETWORK}/{'c' * 64}"
    netns.ip(
        f"link add pnv-1 group 28782 type veth peer name pnc-1 netns {sandbox.path}",
        f"link set pnv-1 alias {pair}",
        "link add up0 type veth peer name up1",
        "link add pnc-2 link up0 group 28782 type macvlan",
        f"link set pnc-2 alias {child}",
        f"link set pnc-2 netns {sandbox.path}",
    )
    refused = [pynet("uninstall", option) for option in ("--dry-run", "--state")]
    told = pynet("uninstall", "--with-containers")
    sandbox.close()

    for each in refused:
        assert each.exit_code == 1, each.output
        for endpoint in "bc":
            assert f"endpoint {endpoint * 12} of network {NETWORK[:12]}" in each.output
        assert "or use --with-containers" in each.output
    assert "removed link pnv-1" in told.output
    assert told.exit_code == 0, told.output


@pytest.mark.parametrize("command", ["iptables-legacy", "ip6tables-legacy"])
def test_rules_in_legacy_tables(
    netns: Netns, plugin: Callable[[], Supervisor], pynet: Shell, networks: object, command: str
) -> None:
    """They go from the tables of that command as well; what the user has there stays."""
    for rule in ("-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", MINE[0]):
        netns.run(command, *rule.split())
    before = netns.run(command, "-S")
    plugin().stop()
    laid = netns.run(command, "-S")
    removed = pynet("uninstall")

    assert laid != before
    assert removed.output.count(f"{command} -t filter -A DOCKER-USER") == 1, removed.output
    assert netns.run(command, "-S") == before


def test_links_in_a_zone_of_firewalld(
    netns: Netns,
    plugin: Callable[[], Supervisor],
    pynet: Shell,
    networks: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """firewalld forgets pynet's bridges, without an option."""
    firewalld = Firewalld(ensure_firewalld(), tmp_path)
    for name, value in firewalld.environ.items():
        monkeypatch.setenv(name, value)
    try:
        firewalld.start()
        life = plugin()
        make_network(life)
        life.heal()
        wait_until(lambda: zone_of(firewalld) != "", "the bridge came into no zone")
        life.stop()
        pynet("gc", "--forgotten", NETWORK[:12])
        removed = pynet("uninstall")
        zone = zone_of(firewalld)
    finally:
        firewalld.close()

    assert removed.exit_code == 0, removed.output
    assert f"removed firewalld interface {BRIDGE}" in removed.output
    assert zone == ""


def zone_of(firewalld: Firewalld) -> str:
    """Where firewalld has the bridge of the network."""
    return "".join(firewalld.call("zone.getZoneOfInterface", BRIDGE))


def test_without_an_engine(netns: Netns, pynet: Shell) -> None:
    """No engine can tell that no container is on a network; the user may say so."""
    netns.ip(f"link add {BRIDGE} type bridge", f"link set {BRIDGE} group 28782")
    asked = pynet("uninstall")
    told = pynet("uninstall", "--without-engine")

    assert asked.exit_code == 1
    assert "no engine answers at unix://" in asked.output
    assert "use --without-engine if it is not on this host any more" in asked.output
    assert told.output == f"removed link {BRIDGE}\n"
