"""What the doctor says of published ports and of what a network's options mean."""

import contextlib
import socket
import subprocess
from typing import Any

import pytest

from tests.kernel.doctored import Doctored, a_network, a_port, the


def test_d22_published_on_the_loopback(doctored: Doctored) -> None:
    """It is said to who asks about the container."""
    doctored.plugin["/v1/ports"] = [a_port("127.0.0.1")]

    assert doctored.examine(only="D22") == []
    (outcome,) = doctored.examine("site", only="D22")
    found = the(list(outcome.findings))
    assert "127.0.0.1:8080/tcp of site is published on the loopback" in found.cause


def test_d24_a_taken_port(doctored: Doctored) -> None:
    """With the program that has it."""
    doctored.plugin["/v1/ports"] = [{**a_port("0.0.0.0"), "served": False}]
    with doctored.netns.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("0.0.0.0", 8080))
        other.listen()
        (outcome,) = doctored.examine(only="D24")
    cause = the(list(outcome.findings)).cause

    assert cause.startswith("0.0.0.0:8080/tcp of site is not served: ")
    assert "(pid " in cause


def test_d24_the_port_of_the_other_family(doctored: Doctored) -> None:
    """Who serves the same port by IPv6 alone, or at another address, is not in the way."""
    doctored.plugin["/v1/ports"] = [{**a_port("0.0.0.0"), "served": False}]
    with contextlib.ExitStack() as stack:
        for family, address in ((socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")):
            sock = doctored.netns.socket(family, socket.SOCK_STREAM)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, 8080))
            sock.listen()
            holder = subprocess.Popen(("sleep", "60"), pass_fds=(sock.fileno(),))
            stack.callback(holder.wait)
            stack.callback(holder.kill)
            sock.close()
        (both,) = doctored.examine(only="D24")
        doctored.plugin["/v1/ports"] = [{**a_port("::"), "served": False}]
        (of_ipv6,) = doctored.examine(only="D24")

    assert f"(pid {holder.pid}) has the port" in the(list(both.findings)).cause
    assert f"(pid {holder.pid}) has the port" not in the(list(of_ipv6.findings)).cause


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"internal": True}, "network web is internal"),
        ({"options": {"icc": "false"}}, "web has icc=false: containers do not reach each other"),
        ({"options": {"isolation": "strict"}}, "web has isolation=strict"),
        ({"options": {"userland_proxy": "false"}}, "web has userland_proxy=false: [::1]"),
    ],
)
def test_d25_by_design(doctored: Doctored, changes: dict[str, Any], said: str) -> None:
    """It is said to who asks about the network, and is not wrong."""
    doctored.plugin["/v1/networks"] = [a_network(**changes)]
    found = the(doctored.finds("D25", "web"))

    assert said in found.cause
    assert found.hint
    assert doctored.finds("D25") == []


def test_d38_traefik(doctored: Doctored) -> None:
    """It finds no port, because Docker shows none."""
    labels = {"traefik.enable": "true"}
    doctored.engine["/containers/json?all=1"][0]["Labels"] = labels
    found = the(doctored.finds("D38"))
    labels["traefik.http.services.site.loadbalancer.server.port"] = "80"

    assert "container site is for Traefik, which finds no port of it" in found.cause
    assert doctored.finds("D38") == []


def test_d24_a_holder_with_a_strange_name(doctored: Doctored) -> None:
    """A process names itself, with any bytes."""
    doctored.plugin["/v1/ports"] = [{**a_port("0.0.0.0"), "served": False}]
    other = doctored.netns.socket(socket.AF_INET, socket.SOCK_STREAM)
    other.bind(("0.0.0.0", 8080))
    other.listen()
    script = r"printf '\377\033[2J' >/proc/$$/comm; echo; read _"
    with subprocess.Popen(
        ("sh", "-c", script),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(other.fileno(),),
    ) as holder:
        other.close()
        assert holder.stdout
        holder.stdout.readline()
        (outcome,) = doctored.examine(only="D24")
        holder.communicate()

    assert f"(pid {holder.pid}) has the port" in the(list(outcome.findings)).cause
