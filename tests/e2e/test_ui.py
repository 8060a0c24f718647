"""`pynet ui` on hosts with real engines: what a browser is sent, before and after a change."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.lab.commands import CommandError
from tests.lab.dockerd import SOCKET
from tests.lab.installed import PluginProcess
from tests.lab.namespace import enter, ip
from tests.lab.netns import free_port, inside
from tests.lab.site import Site

SECONDS = 60


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    """What the command prints; it has to end by itself when it is told to."""
    plugin = site.installed
    assert isinstance(plugin, PluginProcess)
    port = free_port(site.host.netns)
    command = subprocess.Popen(
        enter(site.host.netns, f"{sys.prefix}/bin/pynet", "ui", "--listen", f"127.0.0.1:{port}"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={
            **os.environ,
            **site.host.lab.env,
            "PYNET_ADMIN_SOCKET": str(plugin.admin_socket),
            "DOCKER_HOST": f"unix://{site.host.path(SOCKET)}",
        },
    )
    with command:
        assert command.stdout
        try:
            yield command.stdout.readline().strip()
        finally:
            command.send_signal(signal.SIGTERM)
            assert command.wait(SECONDS) == 0


@contextmanager
def asked(site: Site, address: str, path: str) -> Iterator[http.client.HTTPResponse]:
    """An answer, with the key that is behind the address."""
    page = urlsplit(address)
    assert page.hostname
    connection = http.client.HTTPConnection(page.hostname, page.port, timeout=SECONDS)
    try:
        with inside(site.host.netns):
            connection.connect()
        key, answer_key = page.fragment.split(".")
        connection.request("GET", f"{path}key={key}")
        answer = connection.getresponse()
        assert answer.headers["Pynet-Answer-Key"] == answer_key
        yield answer
    finally:
        connection.close()


def next_of(
    events: http.client.HTTPResponse,
    wanted: Callable[[dict[str, Any]], object],
    *,
    meanwhile: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """The next event that is as wanted, with something done again before each line."""
    end = time.monotonic() + SECONDS
    meanwhile()
    for line in events:  # one at least each ten seconds
        assert time.monotonic() < end
        meanwhile()
        if line.startswith(b"data: {"):
            seen: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
            if "away" not in seen and wanted(seen):
                return seen
    raise AssertionError("the stream ended")


def labels(seen: dict[str, Any]) -> list[list[str]]:
    """The names in each column."""
    return [[each["label"] for each in seen["nodes"] if each["column"] == n] for n in range(4)]


def test_ui(site: Site, address: str) -> None:
    """Networks and containers with their names, a port, an explanation, and an address that is gone."""
    one, other = site.network(), site.network("--internal")
    web = site.web("--network", one, "-p", "8099:80")
    alone = site.run("--network", other)
    with asked(site, address, "/events?") as events:
        seen = next_of(events, lambda each: {web, alone} <= set(labels(each)[3]))
        _, links, networks, _ = labels(seen)
        container = next(each for each in seen["nodes"] if each["label"] == web)

        assert {one, other} <= set(networks)
        assert [each["text"] for each in container["ports"]] == ["8099→80/tcp"]
        assert {each["state"] for each in seen["nodes"]} == {"ok"}

        bridge = next(
            each["start"]
            for each in seen["edges"]
            if each["end"] == f"network {site.inspect('network', one)['Id']}"
        )
        (link,) = (each for each in seen["nodes"] if each["id"] == bridge)
        assert link["label"] in links

        def delete_address() -> None:
            """What the kernel still announces of the containers may have pynet restore it at once."""
            with suppress(CommandError):
                ip(site.host.netns, f"address delete {link['lines'][1]} dev {link['label']}")

        next_of(
            events,
            lambda each: "drift" in {node["state"] for node in each["nodes"]},
            meanwhile=delete_address,
        )
        site.installed.reconcile()
        next_of(events, lambda each: {node["state"] for node in each["nodes"]} == {"ok"})
    with asked(site, address, f"/explain?id={container['explain'][0]}&") as answer:
        (part,) = json.loads(answer.read())

    assert any("master" in step["command"] for step in part["steps"])
