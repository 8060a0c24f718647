"""Bounds for what containers send and receive: only ratios are compared, never a clock.

Bytes are counted from when the bucket is surely empty, so that what it held is not measured.
"""

import json
import socket
import threading
import time
from collections.abc import Callable

import pytest

from plugin.model.ids import port_name, redirect_name
from tests.kernel.netns import Netns
from tests.kernel.site import OUTSIDE4, Site

SUBNET = "10.1.0.0/24"
PORT = 7000
SLOW, FAST = "16mbit", "64mbit"
HEAD, BODY = 1 << 20, 3 << 19  # more than the largest bucket holds; what is measured


def seconds(server: Netns, client: Netns, address: str) -> float:
    """How long the body takes that the client sends after the head."""
    with (
        server.socket(socket.AF_INET, socket.SOCK_STREAM) as listener,
        client.socket(socket.AF_INET, socket.SOCK_STREAM) as sender,
    ):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, PORT))
        listener.listen()
        sender.connect((address, PORT))
        sender.settimeout(60)
        connection, _ = listener.accept()
        connection.settimeout(60)
        thread = threading.Thread(target=sender.sendall, args=(bytes(HEAD + BODY),))
        thread.start()
        with connection:
            _receive(connection, HEAD)
            began = time.monotonic()
            _receive(connection, BODY)
            taken = time.monotonic() - began
        thread.join()
    return taken


def _receive(sock: socket.socket, size: int) -> None:
    while size > 0:
        size -= len(sock.recv(min(size, 1 << 16)))


def sends(site: Site, network: dict[str, str], container: dict[str, str]) -> float:
    """A container to a machine outside."""
    made = site.container(site.network("blue", SUBNET, options=network), 2, options=container)
    return seconds(site.outside, made.netns, OUTSIDE4)


def receives(site: Site, network: dict[str, str], container: dict[str, str]) -> float:
    """The host to a container."""
    made = site.container(site.network("blue", SUBNET, options=network), 2, options=container)
    return seconds(made.netns, site.host, "10.1.0.2")


@pytest.mark.parametrize(
    ("transfer", "option", "other"),
    [(sends, "rate_from", "rate_to"), (receives, "rate_to", "rate_from")],
    ids=["sends", "receives"],
)
class TestRates:
    def test_four_times_the_rate_is_four_times_as_fast(
        self, transfer: Callable[..., float], option: str, other: str
    ) -> None:
        """More or less: queues and acknowledgements have their say."""
        ratio = _on(transfer, {option: SLOW}) / _on(transfer, {option: FAST})

        assert 2 < ratio < 8

    def test_the_other_direction_is_free(
        self, transfer: Callable[..., float], option: str, other: str
    ) -> None:
        """A bound is for one of them."""
        ratio = _on(transfer, {option: SLOW}) / _on(transfer, {other: SLOW})

        assert ratio > 4

    def test_a_containers_own_word_counts(
        self, transfer: Callable[..., float], option: str, other: str
    ) -> None:
        """More than its network's."""
        ratio = _on(transfer, {option: SLOW}) / _on(transfer, {option: SLOW}, {option: FAST})

        assert 2 < ratio < 8


def _on(
    transfer: Callable[..., float], network: dict[str, str], container: dict[str, str] | None = None
) -> float:
    site = Site()
    with site.host.entered():
        try:
            return transfer(site, network, container or {})
        finally:
            site.close()


@pytest.mark.parametrize("harm", ["link delete", "link set down", "tc qdisc delete"])
def test_a_detour_that_leads_nowhere_is_repaired(site: Site, harm: str) -> None:
    """What the container sends passes again, and not faster than it may."""
    network = site.network("blue", SUBNET, options={"rate_from": SLOW})
    made = site.container(network, 2)
    detour, port = redirect_name(made.endpoint.id), port_name(made.endpoint.id)
    if harm.startswith("link"):
        site.host.ip(f"{harm} dev {detour}")
    else:
        site.host.run("tc", "qdisc", "delete", "dev", port, "ingress")
    site.healer.heal()
    before = _bytes_of(site, detour)
    seconds(site.outside, made.netns, OUTSIDE4)

    assert _bytes_of(site, detour) - before > HEAD + BODY
    assert "rate 16Mbit" in site.host.run("tc", "qdisc", "show", "dev", detour)
    site.healer.heal()
    assert not site.health.conditions


def _bytes_of(site: Site, ifname: str) -> int:
    (link,) = json.loads(site.host.run("ip", "-json", "-stats", "link", "show", "dev", ifname))
    return int(link["stats64"]["tx"]["bytes"])
