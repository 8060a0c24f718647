"""HTTP as engines speak it: bytes on a Unix socket, to the server that real ones talk to."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kernel.netns import wait_until

ROOT = Path(__file__).parents[2]
AGENT = b"User-Agent: Go-http-client/1.1\r\n"
ACCEPT = b"Accept: application/vnd.docker.plugins.v1.2+json\r\n"
NETWORK = json.dumps({"NetworkID": "n" * 64, "Options": None, "IPv4Data": [], "IPv6Data": []})


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a server of its own."""
    found = tmp_path_factory.mktemp("http") / "pynet.sock"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.serve", str(found)],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    wait_until(found.is_socket, "the server does not start")
    yield found
    server.terminate()
    server.wait(60)


def send(path: Path, *requests: bytes) -> list[tuple[int, dict[str, str], Any]]:
    """Status, headers and body of the answer to each request, on connections of their own."""
    return [_send(path, request) for request in requests]


def _send(path: Path, request: bytes) -> tuple[int, dict[str, str], Any]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(str(path))
        sock.sendall(request)
        data = b""
        while chunk := sock.recv(65536):  # until the server closes: it keeps nothing alive
            data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, json.loads(body) if body else None


def a_request(method: str, body: str = "", host: bytes = b"plugin.moby.localhost") -> bytes:
    """The very bytes of an engine."""
    data = body.encode()
    return (
        f"POST /{method} HTTP/1.1\r\n".encode()
        + b"Host: "
        + host
        + b"\r\n"
        + AGENT
        + f"Content-Length: {len(data)}\r\n".encode()
        + ACCEPT
        + b"\r\n"
        + data
    )


class TestEngines:
    @pytest.mark.parametrize("host", [b"plugin.moby.localhost", b"", b"pynet.sock"])
    def test_whatever_host_they_name(self, path: Path, host: bytes) -> None:
        """20.10 names none."""
        ((status, headers, answer),) = send(path, a_request("Plugin.Activate", host=host))

        assert (status, answer) == (200, {"Implements": ["NetworkDriver", "IpamDriver"]})
        assert headers["content-type"] == "application/json"

    def test_a_body_without_a_content_type(self, path: Path) -> None:
        """None of them sends one."""
        delete = a_request("NetworkDriver.DeleteNetwork", NETWORK)
        answers = send(path, a_request("NetworkDriver.CreateNetwork", NETWORK), delete, delete)

        assert [(status, body) for status, _, body in answers] == [(200, {})] * 3

    def test_no_connection_is_kept(self, path: Path) -> None:
        """An idle one that closes makes an engine repeat a call without its body."""
        ((_, headers, _),) = send(path, a_request("NetworkDriver.GetCapabilities"))

        assert headers["connection"] == "close"

    def test_a_repeated_call_without_its_body_is_refused(self, path: Path) -> None:
        """It is not known what was asked for."""
        ((status, _, answer),) = send(path, a_request("NetworkDriver.CreateNetwork"))

        assert status == 400
        assert answer["Err"] == answer["Error"]
        assert answer["Err"].startswith("$: the body is empty")


class TestElse:
    @pytest.mark.parametrize(
        ("request_", "status"),
        [
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404),
            (b"GET /Plugin.Activate HTTP/1.0\r\n\r\n", 405),
            (a_request("NetworkDriver.Nonsense"), 404),
            (a_request("NetworkDriver.CreateNetwork", "{"), 400),
            (a_request("NetworkDriver.CreateNetwork", "<html>"), 400),
            (
                b"POST /Plugin.Activate HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
                413,
            ),
        ],
    )
    def test_it_is_answered_in_json(self, path: Path, request_: bytes, status: int) -> None:
        """Whatever program sends the request."""
        ((code, headers, answer),) = send(path, request_)

        assert code == status
        assert headers["content-type"] == "application/json"
        assert answer["Err"] == answer["Error"]

    def test_chunks(self, path: Path) -> None:
        """No engine sends them; HTTP allows them."""
        data = NETWORK.encode()
        chunked = (
            b"POST /NetworkDriver.DeleteNetwork HTTP/1.1\r\nHost: x\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)
        )
        ((status, _, answer),) = send(path, chunked)

        assert (status, answer) == (200, {})

    def test_what_is_no_http_ends_nothing_but_itself(self, path: Path) -> None:
        """The next one is served."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(60)
            sock.connect(str(path))
            sock.sendall(b"\x16\x03\x01hello\r\n\r\n")
            sock.recv(65536)

        assert send(path, a_request("Plugin.Activate"))[0][0] == 200
