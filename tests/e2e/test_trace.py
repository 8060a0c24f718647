"""`pynet trace` on real engines: its verdict beside what the same question comes to."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab.clients import Address, reaches
from tests.lab.commands import CommandError, run
from tests.lab.dockerd import SOCKET
from tests.lab.namespace import Peer, enter
from tests.lab.site import Site


def traced(site: Site, *arguments: str) -> dict[str, Any]:
    """What `pynet trace --json` prints, with the exit status."""
    env = {
        **site.host.lab.env,
        "DOCKER_HOST": f"unix://{site.host.path(SOCKET)}",
        "PYNET_ADMIN_SOCKET": str(site.installed.admin_socket),
    }
    words = (f"{sys.prefix}/bin/pynet", "trace", "--json", *arguments)
    try:
        said, code = run(enter(site.host.netns, *words), env=env), 0
    except CommandError as error:
        said, code = error.output, error.code
    return {**json.loads(said), "code": code}


def test_traces(site: Site, peer: Peer) -> None:
    """Of every kind of end: reached, dropped by pynet, Docker or the user, refused, nowhere."""
    net, other = site.network(), site.network()
    inside = site.network("--internal")
    web = site.web("--network", net, "-p", "8080:80")
    near, far = site.run("--network", net), site.run("--network", other)
    hidden = site.web("--network", inside)
    docks = site.web("-p", "9090:80")
    host = str(site.host.address)
    own, its = site.address(web, net), site.address(docks, "bridge")

    asked: dict[str, tuple[str, str, Path, Address, int]] = {
        "near": (near, f"{web}:80", site.netns(near), own, 80),
        "closed": (near, f"{web}:81", site.netns(near), own, 81),
        "far": (far, f"{web}:80", site.netns(far), own, 80),
        "published": (far, f"{host}:8080", site.netns(far), host, 8080),
        "itself": (web, "host:8080", site.netns(web), host, 8080),
        "docker": (near, f"{docks}:80", site.netns(near), its, 80),
        "docker's": (near, "host:9090", site.netns(near), host, 9090),
        "docker-proxy": ("host", "127.0.0.1:9090", site.host.netns, "127.0.0.1", 9090),
        "docker-proxy6": ("host", "[::1]:9090", site.host.netns, "::1", 9090),
        "hairpin": (docks, "host:9090", site.netns(docks), host, 9090),
        "peer": (str(peer.address), "host:8080", peer.netns, host, 8080),
        "peer's": (str(peer.address), f"{web}:80", peer.netns, own, 80),
        "nothing": (near, "host:7777", site.netns(near), host, 7777),
        "hidden": (hidden, f"{peer.address}:80", site.netns(hidden), peer.address, 80),
    }
    found = {name: traced(site, *each[:2]) for name, each in asked.items()}
    reached = {name: reaches(each[2], each[3], each[4]) for name, each in asked.items()}

    assert {name: each["verdict"] == "reached" for name, each in found.items()} == reached
    assert {name: each["code"] == 0 for name, each in found.items()} == reached
    ends = {name: each["hops"][-1] for name, each in found.items()}
    assert "pn_drop_unpublished" in ends["far"]["rule"]
    assert found["closed"]["verdict"] == found["nothing"]["verdict"] == "refused"
    assert found["hidden"]["verdict"] == "unreachable"
    assert "no route" in ends["hidden"]["what"]


def test_a_trace_names_the_rule_of_the_user(site: Site, peer: Peer) -> None:
    """As the user wrote it, with the place."""
    web = site.web("--network", site.network(), "-p", "8080:80")
    rule = ("DOCKER-USER", "-s", f"{peer.address}/32", "-p", "tcp", "-j", "DROP")
    run(enter(site.host.netns, "iptables", "-I", *rule))
    try:
        found = traced(site, str(peer.address), "host:8080")
        reached = reaches(peer.netns, site.host.address, 8080)
    finally:
        run(enter(site.host.netns, "iptables", "-D", *rule))
    after = traced(site, str(peer.address), "host:8080")

    assert (found["verdict"], reached) == ("dropped", False)
    assert found["hops"][-1]["rule"] == f"-A DOCKER-USER -s {peer.address}/32 -p tcp -j DROP"
    assert after["verdict"] == "reached"
    assert after["hops"][-1]["where"] == "host"
    assert any(hop["where"] == web for hop in after["hops"])


@pytest.mark.parametrize("access", ["true", "false"])
def test_a_trace_to_a_macvlan(site: Site, peer: Peer, access: str) -> None:
    """The host reaches it if the network says so, its neighbours and the LAN always."""
    network = site.network(
        *("--subnet", "10.99.0.0/24", "--ip-range", "10.99.0.64/28", "--gateway", "10.99.0.254"),
        *("-o", "mode=macvlan", "-o", "parent=eth0", "-o", f"host_access={access}"),
    )
    web, near = site.web("--network", network), site.run("--network", network)
    own = site.address(web, network)
    found = {
        "host": traced(site, "host", f"{web}:80"),
        "near": traced(site, near, f"{web}:80"),
        "peer": traced(site, near, f"{peer.address}:80"),
    }

    assert found["near"]["verdict"] == "reached"
    assert found["peer"]["verdict"] == "leaves"
    assert (found["host"]["verdict"] == "reached") is reaches(site.host.netns, own, 80)
    assert (found["host"]["verdict"] == "reached") is (access == "true")
