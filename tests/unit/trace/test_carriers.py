"""Who carries a port into a container, by the process behind its socket."""

from typing import Any

import pytest

from plugin.trace.carriers import PublishedPorts, command_line
from plugin.trace.listeners import Listener
from tests.unit.trace.rules import LOCAL, packet

ROW: dict[str, Any] = {
    "protocol": "tcp", "host": "::", "host_port": 80, "container": "10.1.0.2", "container_port": 8080,
}  # fmt: skip
LISTENER = Listener(protocol="tcp", address="::", port=80, processes=(("python", 7),))


@pytest.mark.parametrize(
    ("words", "carried"),
    [
        (["python", "-m", "plugin.kernel.proxy.relay"], ("10.1.0.2", 8080)),
        (["/usr/bin/docker-proxy", "-container-ip", "172.17.0.2", "-container-port", "90"], ("172.17.0.2", 90)),
        (["/usr/bin/docker-proxy", "-unknown"], None),
        (["nginx"], None),
        ([], None),
    ],
)  # fmt: skip
def test_by_its_words(words: list[str], carried: tuple[str, int] | None) -> None:
    """pynet's proxy asks its table, Docker's tells on its command line."""
    found = PublishedPorts([ROW], lambda _: words).carried(packet(destination=LOCAL), LISTENER)

    assert (None if found is None else (str(found[0]), found[1])) == carried


def test_held_ports() -> None:
    """Sockets of published ports, and no others."""
    ports = PublishedPorts([ROW], lambda _: [])

    assert ports.is_held(LISTENER)
    assert not ports.is_held(Listener(protocol="tcp", address="::", port=81, processes=()))


def test_a_process_that_has_ended() -> None:
    """Has no words."""
    assert command_line(2**22 + 1) == ()
