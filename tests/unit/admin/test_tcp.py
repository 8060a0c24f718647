"""Metrics by TCP, however slowly a client asks."""

import errno
import http.client
import json
import socket
from contextlib import ExitStack, suppress
from ipaddress import ip_address

import pytest

from plugin.admin import tcp
from plugin.admin.tcp import TcpMetrics
from plugin.health import Health
from plugin.sockets import Listener
from tests.lab.commands import wait_until

PATIENCE = 30.0
CROWD = 150  # more than are let in


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def get(port: int, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.headers["Content-Type"], answer.read()


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def port(health: Health, monkeypatch: pytest.MonkeyPatch) -> int:
    """Where metrics are served; the thread ends with the tests."""
    monkeypatch.setattr(tcp, "_RETRY_SECONDS", 0.05)
    found = a_free_port()
    TcpMetrics(Listener(address=ip_address("127.0.0.1"), port=found), health).start()
    wait_until(lambda: answers(found), "the metrics", deadline=PATIENCE)
    return found


def test_what_is_served(port: int) -> None:
    """The metrics and the health, and nothing else."""
    status, kind, body = get(port, "/metrics")
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    assert b"# TYPE pynet_drift_total counter" in body
    status, _, body = get(port, "/health?probe")
    assert (status, json.loads(body)["status"]) == (200, "starting")

    assert get(port, "/v1/networks")[0] == 404
    assert get(port, "/metrics", "POST")[0] == 405


def asked_as(port: int, host: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.putrequest("GET", "/metrics", skip_host=True)
    for each in filter(None, host.split(" and ")):
        connection.putheader("Host", each)
    connection.endheaders()
    return connection.getresponse().status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9610", 200),
        ("LocalHost", 200),
        ("[::1]:9610", 200),
        ("10.0.0.1", 200),  # forwarded from there by its owner: no name leads here
        ("", 200),  # as HTTP/1.0 may, and no browser
        ("evil.example:9610", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("[evil.example]", 421),
        ("localhost and evil.example", 421),
        (":9610", 421),
    ],
)
def test_a_web_page_cannot_have_a_browser_ask(port: int, host: str, status: int) -> None:
    """Its name may lead to the loopback, and the header Host has that name."""
    assert asked_as(port, host) == status


def test_on_the_lan_any_name_leads_there(health: Health) -> None:
    """Any machine may ask there, so a name keeps nothing from anyone."""
    found = a_free_port()
    TcpMetrics(Listener(address=ip_address("0.0.0.0"), port=found), health).start()
    wait_until(lambda: answers(found), "the metrics", deadline=PATIENCE)

    assert asked_as(found, "host1.example:9610") == 200


def test_no_other_address_is_listened_at(port: int) -> None:
    """Those of the LAN are as 127.0.0.2 is: the host's, and not the setting's."""
    with socket.socket() as asking:
        assert asking.connect_ex(("127.0.0.2", port)) == errno.ECONNREFUSED


def test_who_says_nothing_is_waited_for_a_moment(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any user of the host may connect."""
    monkeypatch.setattr(tcp, "_SECONDS", 0.05)
    with ExitStack() as stack:
        for _ in range(3):
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            silent.send(b"GET /metr")

        assert get(port, "/health")[0] == 200


@pytest.mark.parametrize("said", [b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\n\r\n"])
def test_a_crowd_keeps_no_scraper_waiting(
    port: int, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    """However long its connections stay that say nothing, or read nothing of their answer."""
    monkeypatch.setattr(tcp, "_SECONDS", 3600)
    monkeypatch.setattr(tcp, "exposition", lambda: b"x" * 400_000)
    with ExitStack() as stack:
        for _ in range(CROWD):
            each = stack.enter_context(socket.socket())
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            each.connect(("127.0.0.1", port))
            each.sendall(said)

        assert get(port, "/health")[0] == 200


@pytest.mark.parametrize(
    "request_", [b"\r\n\r\n", b"x" * 9000, b"GET\r\n\r\n", b"\xff \xff\r\n\r\n"]
)
def test_nonsense(port: int, request_: bytes) -> None:
    """It ends nothing."""
    # The rest of a long request is not read, which the kernel tells by a reset.
    with socket.create_connection(("127.0.0.1", port)) as asking, suppress(OSError):
        asking.sendall(request_)
        asking.shutdown(socket.SHUT_WR)

    assert get(port, "/health")[0] == 200


def test_a_port_that_is_taken(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported, and served when it is free."""
    monkeypatch.setattr(tcp, "_RETRY_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = int(other.getsockname()[1])
        TcpMetrics(Listener(address=ip_address("127.0.0.1"), port=port), health).start()
        wait_until(lambda: bool(health.conditions), "the report", deadline=PATIENCE)
        (condition,) = health.conditions
    wait_until(lambda: not health.conditions, "the port", deadline=PATIENCE)

    assert f"PYNET_METRICS cannot be served at 127.0.0.1:{port}" in condition.why
    assert get(port, "/health")[0] == 200
