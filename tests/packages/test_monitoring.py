"""A real Prometheus scrapes an installed pynet, and answers every query of the board and the rules."""

import json
import re
import shutil
import signal
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab.clients import http_get, reaches
from tests.lab.commands import run, wait_until
from tests.lab.host import IMAGE, Host
from tests.lab.installed import REPOSITORY
from tests.lab.managed import ManagedPlugin
from tests.lab.namespace import Peer, enter
from tests.lab.process import Process
from tests.lab.systemd_host import SystemdHost
from tests.packages.conftest import apt, put
from tests.unit.test_monitoring import board_queries, rule_queries

Ask = Callable[[str], list[Any]]

PAGE = REPOSITORY / "docs/reference/monitoring.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What is empty while all is well.
QUIET = ("pynet_condition", "pynet_drift_total", "pynet_dropped_packets_total", "failed|fault")
LIMIT = re.compile(
    r" (==|<|>) [0-9.]+$"
)  # of an alert, which would leave nothing while all is well
CONFIG = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: pynet
    static_configs: [{{targets: ["127.0.0.1:9610"]}}]
"""


@pytest.fixture
def prometheus() -> str:
    """The program."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("needs prometheus")
    return program


@contextmanager
def scraping(host: Host, prometheus: str, folder: Path) -> Iterator[Ask]:
    """Run a Prometheus on the host, with pynet's rules; ask it for what a query finds."""
    config = folder / "prometheus.yml"
    config.write_text(CONFIG.format(rules=REPOSITORY / "packaging/monitoring/alerts.yml"))
    server = Process(
        enter(
            host.netns,
            *(prometheus, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"),
            "--web.listen-address=127.0.0.1:9090",
        ),
        log=folder / "log",
        lab=host.lab,
    )

    def ask(query: str) -> list[Any]:
        try:
            path = f"/api/v1/query?query={urllib.parse.quote(query)}"
            answer = json.loads(http_get(host.netns, "127.0.0.1", 9090, path))
        except (OSError, json.JSONDecodeError):  # it is starting
            return []
        assert answer["status"] == "success", answer
        found: list[Any] = answer["data"]["result"]
        return found

    try:
        # Rates need two samples of a counter.
        wait_until(
            lambda: ask("count_over_time(pynet_healthy[1m]) > 3"), f"Prometheus {server.tail()}"
        )
        yield ask
    finally:
        server.end(signal.SIGTERM)


def look(host: Host, peer: Peer, prometheus: str, folder: Path) -> None:
    """With a network and a container, ask everything that people ask; others get no answer."""
    host.docker("network", "create", "-d", "pynet", "--ipam-driver", "pynet", "web")
    site = ("--name", "site", "--network", "web", "-p", "80:80", IMAGE, "sleep", "999")
    host.docker("run", "-d", *site)
    try:
        with scraping(host, prometheus, folder) as ask:
            for asked in [*map(_as_grafana_sends, board_queries()), *rule_queries()]:
                query = LIMIT.sub("", asked)
                found = ask(query)
                assert found or any(quiet in query for quiet in QUIET), query
            assert ask('sum(pynet_endpoints{mode="bridge"}) == 1')
            assert ask('ALERTS{alertstate="firing"}') == []
        metrics = http_get(host.netns, "127.0.0.1", 9610, "/metrics") + "\n"
        promtool = run(["promtool", "check", "metrics"], stdin=metrics)
        assert promtool == ""  # it has nothing to say of names, units and help texts
        assert reaches(host.netns, "127.0.0.1", 9610)
        assert not reaches(peer.netns, host.address, 9610)
        inside = host.path(f"/proc/{host.docker('inspect', '-f', '{{.State.Pid}}', 'site')}/ns/net")
        assert not reaches(inside, host.address, 9610)
    finally:
        host.docker("rm", "-f", "site")
        host.docker("network", "rm", "web")


def test_the_service(
    machine: SystemdHost, peer: Peer, deb: Callable[[int], Path], prometheus: str, tmp_path: Path
) -> None:
    """As docs/reference/monitoring.md has it set up."""
    service, _, _ = BLOCK.findall(PAGE.read_text())
    apt(machine, "install", put(machine, deb(1)))
    try:
        machine.run("sh", "-ec", service)
        look(machine, peer, prometheus, tmp_path)
    finally:
        apt(machine, "purge", "pynet")


def test_the_managed_plugin(plain: Host, peer: Peer, prometheus: str, tmp_path: Path) -> None:
    """The same from inside Docker, on the newer engine."""
    _, setting, _ = BLOCK.findall(PAGE.read_text())
    managed = ManagedPlugin(plain)
    managed.install()
    try:
        plain.run("sh", "-ec", setting)
        managed.wait_ready()
        look(plain, peer, prometheus, tmp_path)
    finally:
        managed.disable()
        plain.docker("plugin", "rm", managed.driver)


def _as_grafana_sends(query: str) -> str:
    return query.replace("$instance", ".*").replace("$__rate_interval", "1m")
