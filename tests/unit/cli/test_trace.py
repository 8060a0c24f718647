"""``pynet trace``: what people may ask, and what they are told."""

import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from plugin.cli.trace import drawn
from plugin.cli.traced import real_packet, target_of
from plugin.errors import RefusedError
from plugin.trace.live import script
from plugin.trace.packet import Course, Hop, Packet, Verdict
from tests.unit.cli.conftest import Shell, an_engine

WEB: dict[str, Any] = {
    "Id": "a" * 64,
    "Names": ["/web"],
    "NetworkSettings": {"Networks": {"blue": {"IPAddress": "10.1.0.2", "EndpointID": "e" * 64}}},
}


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("web", ("web", None, "")),
        ("web:80", ("web", 80, "tcp")),
        ("web:53/UDP", ("web", 53, "udp")),
        ("10.1.0.2:80", ("10.1.0.2", 80, "tcp")),
        ("fd00::2", ("fd00::2", None, "")),
        ("[fd00::2]:80/tcp", ("fd00::2", 80, "tcp")),
        ("a.b-c_1:8080/sctp", ("a.b-c_1", 8080, "sctp")),
    ],
)
def test_destinations(text: str, target: tuple[str, int | None, str]) -> None:
    """A name or an address, with a port or without."""
    assert target_of(text) == target


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("web:0", "0 is no port"),
        ("web:70000", "70000 is no port"),
        ("web:80/icmp", "'icmp' is no protocol"),
        ("", "as in web:80"),
        ("[fd00::2", "as in web:80"),
    ],
)
def test_destinations_that_are_none(text: str, complaint: str) -> None:
    """One sentence each."""
    with pytest.raises(RefusedError, match=complaint.replace("[", r"\[")):
        target_of(text)


def test_an_unknown_name(pynet: Shell, tmp_path: Path) -> None:
    """The nearest is told."""
    path = tmp_path / "docker.sock"
    with an_engine(path, [], [WEB]):
        result = pynet("trace", "wbe", "host:80", DOCKER_HOST=f"unix://{path}")

    assert result.exit_code == 1
    assert result.output == "Error: no container that runs is named 'wbe'; did you mean web?\n"


def test_a_network(pynet: Shell, tmp_path: Path) -> None:
    """It has no address of its own: its containers are told."""
    path = tmp_path / "docker.sock"
    with an_engine(path, [], [WEB, {**WEB, "Id": "b" * 64, "Names": ["/db"]}]):
        result = pynet("trace", "web", "blue:80", DOCKER_HOST=f"unix://{path}")

    assert result.exit_code == 1
    assert "'blue' is a network; name a container of it (db, web)" in result.output


@pytest.mark.parametrize("dest", ["host", "internet", "10.1.0.2"])
def test_a_network_is_for_a_container(pynet: Shell, tmp_path: Path, dest: str) -> None:
    """Nothing else has an address on it."""
    path = tmp_path / "docker.sock"
    with an_engine(path, [], [WEB]):
        result = pynet("trace", "host", dest, "--network", "blue", DOCKER_HOST=f"unix://{path}")

    assert result.exit_code == 1
    assert f"--network is 'blue', and DEST is {dest}; name a container" in result.output


@pytest.mark.parametrize("arguments", [("10.1.0.2", "host"), ("host", "10.1.0.2:80")])
def test_ipv6_of_an_ipv4_address(pynet: Shell, tmp_path: Path, arguments: tuple[str, str]) -> None:
    """It is not clear what is meant."""
    path = tmp_path / "docker.sock"
    with an_engine(path, [], [WEB]):
        result = pynet("trace", "-6", *arguments, DOCKER_HOST=f"unix://{path}")

    assert result.exit_code == 1
    assert "-6 asks for IPv6, and 10.1.0.2 is an address of IPv4; leave out -6" in result.output


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("host:99999",), 1, "99999 is no port"),
        (("host:80", "--seconds", "3"), 2, "--seconds is how long --live looks; add --live"),
    ],
)
def test_mistakes_come_first(
    pynet: Shell, tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    """Before an engine is looked for."""
    nowhere = f"unix://{tmp_path}/none.sock"
    result = pynet("trace", "web", *arguments, DOCKER_HOST=nowhere)

    assert result.exit_code == status
    assert said in result.output


def test_no_engine(pynet: Shell, tmp_path: Path) -> None:
    """Only the engine knows where containers are."""
    result = pynet("trace", "web", "host:80", DOCKER_HOST=f"unix://{tmp_path}/none.sock")

    assert result.exit_code == 1
    assert "no engine answers at unix://" in result.output


def test_from_the_host_to_itself(pynet: Shell, tmp_path: Path) -> None:
    """A port at which nothing listens, as JSON; and the exit status says that it did not arrive."""
    path = tmp_path / "docker.sock"
    with an_engine(path, [], [WEB]):
        result = pynet("trace", "host", "127.0.0.1:1", "--json", DOCKER_HOST=f"unix://{path}")
    found = json.loads(result.stdout)

    assert result.exit_code == 1
    assert found["verdict"] == "refused"
    assert found["packet"] == "127.0.0.1:50000 → 127.0.0.1:1"
    assert found["hops"][-1] == {
        "where": "host",
        "what": "nothing listens on port 1/tcp",
        "ok": False,
        "rule": "",
        "remedy": "publish the port with -p, or ask at one that is ('pynet ports')",
    }


def test_in_a_pipe(pynet: Shell, tmp_path: Path) -> None:
    """A row for each hop, and the verdict."""
    path = tmp_path / "docker.sock"
    with an_engine(path, [], [WEB]):
        lines = pynet(
            "trace", "host", "127.0.0.1:1", DOCKER_HOST=f"unix://{path}"
        ).output.splitlines()

    assert lines[0] == "hop\tstate\twhere\twhat\trule\tremedy"
    assert lines[1].split("\t")[:3] == ["1", "ok", "host"]
    assert lines[-1] == "verdict\trefused"


def test_a_network_that_it_is_not_on(pynet: Shell, tmp_path: Path) -> None:
    """Those that it is on are told."""
    path = tmp_path / "docker.sock"
    with an_engine(path, [], [{**WEB, "HostConfig": {"NetworkMode": "host"}}]):
        result = pynet("trace", "host", "web:80", "--network", "red", DOCKER_HOST=f"unix://{path}")

    assert result.exit_code == 1
    assert "does not tell where the container web runs" in result.output


def test_the_internet_is_any_address() -> None:
    """For packets that are to come; the walk takes one."""
    asked = Packet(
        source=ip_address("198.51.100.1"),
        destination=ip_address("192.0.2.2"),
        protocol="tcp",
        dport=80,
    )
    text = script(real_packet(asked), "t")

    assert "198.51.100.1" not in text
    assert "ip daddr 192.0.2.2 meta protocol ip meta l4proto tcp th dport 80 limit rate" in text
    assert text.count("flags owner") == 2


HEALTHY = Course(
    verdict=Verdict.REACHED,
    hops=(
        Hop(where="web", what="10.208.0.2:50000 → 10.208.0.3:80 by eth0"),
        Hop(where="host", what="pnb-1 gets it from pnv-1"),
        Hop(where="db", what="10.208.0.2:50000 → 10.208.0.3:80 arrives at httpd"),
        Hop(where="db", what="10.208.0.3:80 → 10.208.0.2:50000 by eth0"),
        Hop(where="host", what="pnb-1 gets it from pnv-2"),
        Hop(where="web", what="the answer arrives"),
    ),
)
BROKEN = Course(
    verdict=Verdict.DROPPED,
    hops=(
        Hop(where="web", what="10.208.0.2:50000 → 10.208.1.2:80 by eth0 via 10.208.0.1"),
        Hop(
            where="host",
            what="dropped by chain pn_in of table inet pynet: from outside a network to a port of a "
            "container that is not published",
            ok=False,
            rule='counter name "pn_drop_unpublished" drop',
            remedy="publish the port with -p, or connect the sender to the network",
        ),
    ),
)
OPEN = Course(
    verdict=Verdict.UNKNOWN,
    hops=(Hop(where="w\x1b[2Jeb", what="1.2.3.4 → 1.2.3.5 arrives at \x1b]0;x\x07"),),
    doubts=("host, chain INPUT of iptables' table filter: -A INPUT -m recent -j DROP",),
)
NAMED = {"pnb-1": "blue", "pnv-1": "web", "pnv-2": "db"}


@pytest.mark.parametrize(
    ("course", "lines"),
    [
        (
            HEALTHY,
            """
 1 ✓ web: 10.208.0.2:50000 → 10.208.0.3:80 by eth0
 2 ✓ host: pnb-1 (blue) gets it from pnv-1 (web)
 3 ✓ db: 10.208.0.2:50000 → 10.208.0.3:80 arrives at httpd
 4 ✓ db: 10.208.0.3:80 → 10.208.0.2:50000 by eth0
 5 ✓ host: pnb-1 (blue) gets it from pnv-2 (db)
 6 ✓ web: the answer arrives
reached: it arrives, and its answer comes back
""",
        ),
        (
            BROKEN,
            """
 1 ✓ web: 10.208.0.2:50000 → 10.208.1.2:80 by eth0 via 10.208.0.1
 2 ✗ host: dropped by chain pn_in of table inet pynet: from outside a network to
     a port of a container that is not published
       rule    counter name "pn_drop_unpublished" drop
       remedy  publish the port with -p, or connect the sender to the network
dropped: the sender hears nothing
""",
        ),
        (
            OPEN,
            """
 1 ✓ w?[2Jeb: 1.2.3.4 → 1.2.3.5 arrives at ?]0;x?
 ? cannot be read: host, chain INPUT of iptables' table filter: -A INPUT -m recent -j DROP
unknown: a rule that pynet cannot read decides
""",
        ),
    ],
    ids=["healthy", "broken", "open"],
)
def test_on_a_terminal(course: Course, lines: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 columns; a rule is whole, and a container's own words do not speak to the terminal."""
    monkeypatch.setenv("COLUMNS", "80")

    assert "\n".join(drawn(course, NAMED)) == lines.strip("\n")


def test_inside_a_managed_plugin(pynet: Shell, tmp_path: Path) -> None:
    """There is no engine, and nothing that could be started."""
    sockets = "/run/docker/plugins/pynet.sock,/host/plugins/pynet.sock=local"
    nowhere = f"unix://{tmp_path}/none.sock"
    result = pynet("trace", "web", "host", DOCKER_HOST=nowhere, PYNET_PLUGIN_SOCKETS=sockets)

    assert result.exit_code == 1
    assert result.output == (
        "Error: the managed plugin sees neither Docker nor containers; run this command with the "
        "host's own `pynet` as root, which `pip install .` in a checkout adds\n"
    )
