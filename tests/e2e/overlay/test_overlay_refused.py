"""What cannot be a network on several hosts: each engine says why, and nothing is left of it."""

import socket
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool

from tests.e2e.spanning import SECRET, App, Two
from tests.lab.commands import wait_until
from tests.lab.namespace import ip
from tests.lab.netns import inside
from tests.lab.site import Site
from tests.lab.traces import Traces, take

# What is wrong with a network, and what the engine is to say of it; `vni` is another network's.
REFUSED: Final = (
    ((), "none are named; give their addresses with -o peers="),
    (("peers=192.0.2.77,192.0.2.78",), "none of these is an address of this host"),
    (("peers={own},fd00:99::77",), "expected addresses of hosts, of one family"),
    (
        ("peers={own},10.99.0.77", "vni={vni}"),
        "vni {vni} on port 4789 is in use on this host by net",
    ),
    (
        ("peers={own},10.99.0.77", "vni=53"),
        "vni 53 on port 4789 is in use on this host by link foreign0",
    ),
    (("peers={own},10.99.0.77", "vxlan_port={taken}"), "UDP port {taken} is in use on this host"),
    (("peers={own},10.99.0.77", "mtu=1451"), "mtu is '1451', expected at most 1450 bytes"),
    (("peers={own6},fd00:99::77", "mtu=1431"), "mtu is '1431', expected at most 1430 bytes"),
    (("peers={own},10.99.0.77", "encrypted=", "mtu=1371"), "expected at most 1370 bytes"),
    (
        ("peers={own},10.99.0.77", "encrypted=", "wireguard_port={taken}"),
        "UDP port {taken} is in use on this host",
    ),
)


def test_refused(two: Two, app: App) -> None:
    """In one sentence, and nothing is left of it."""
    for number, site in enumerate(two.sites):
        host = site.host
        device = app.two.tunnel(number, app.networks[number])
        words = {"own": host.address, "own6": host.address6, "vni": two.vxlan(number, device)["id"]}
        ip(host.netns, "link add foreign0 type vxlan id 53 dstport 4789 local 127.0.0.1")
        before = take(host.netns)
        with inside(host.netns):
            other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with other:
            other.bind(("", 0))
            words["taken"] = other.getsockname()[1]
            said = [
                (
                    expected.format(**words),
                    _refusal(site, [each.format(**words) for each in options]),
                )
                for options, expected in REFUSED
            ]

        assert [(right, answer) for right, answer in said if right not in answer] == []
        wait_until(partial(_is_as, host.netns, before), "the removal of all traces")
        ip(host.netns, "link delete foreign0")


@pytest.mark.nightly
def test_without_a_secret(two: Two) -> None:
    """Those that are encrypted are refused, with the remedy."""
    site, process = two.sites[1], two.processes[1]
    process.restart_with(PYNET_SECRET="")
    said = _refusal(site, [f"peers={site.host.address},10.99.0.77", "encrypted="])
    process.restart_with(PYNET_SECRET=SECRET)

    assert "pynet has no secret to make keys of; give it PYNET_SECRET_FILE or PYNET_SECRET" in said


def _refusal(site: Site, options: list[str]) -> str:
    """What the engine says of a network."""
    words = dict(each.split("=") for each in ("mode=overlay", *options))
    pool = IPAMPool(subnet="10.51.0.0/24", gateway="10.51.0.1")
    with pytest.raises(APIError) as caught:
        site.host.client.api.create_network(
            "refused",
            driver=site.driver,
            options=words,
            ipam=IPAMConfig(driver=site.driver, pool_configs=[pool]),
        )
    return str(caught.value.explanation)


def _is_as(netns: Path, before: Traces) -> bool:
    """Whether nothing is there that was not: what was removed before may go meanwhile."""
    return not take(netns).beyond(before)
