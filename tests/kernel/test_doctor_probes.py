"""`pynet doctor --probe`: what only packets show."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.operator.doctor.base import Finding
from tests.kernel.doctored import (
    ADDRESS,
    BRIDGE,
    GATEWAY,
    LAN,
    UPLINK,
    Doctored,
    a_network,
    a_port,
    on_the_lan,
)
from tests.kernel.netns import Netns


@pytest.fixture
def machine(doctored: Doctored) -> Iterator[Netns]:
    """Another machine of the LAN, at the other end of the uplink."""
    made = Netns()
    doctored.netns.ip(f"link set wire netns {made.path}")
    made.ip("link set wire up", f"address add {GATEWAY}/24 dev wire")
    doctored.netns.wait_for_carrier(UPLINK)
    yield made
    made.close()


def findings(doctored: Doctored, check: str) -> list[Finding]:
    (outcome,) = doctored.examine(probe=True, only=check)
    assert outcome.unseen == ""
    return list(outcome.findings)


def test_d31_an_address_twice(doctored: Doctored, machine: Netns) -> None:
    """Another machine answers for a container's."""
    on_the_lan(doctored)
    endpoint = doctored.plugin["/v1/networks"][0]["endpoints"][0]
    endpoint["addresses"] = ["192.0.2.9/24"]
    before = findings(doctored, "D31")
    machine.ip("address add 192.0.2.9/24 dev wire")
    (found,) = findings(doctored, "D31")

    assert before == []
    assert "192.0.2.9 of container site is also that of another machine" in found.cause
    assert machine.mac_of("wire") in found.cause


@pytest.mark.vm
def test_d32_a_vlan_that_the_switch_does_not_carry(doctored: Doctored, machine: Netns) -> None:
    """Its gateway is silent, as is one that has another address; only then is anything heard."""
    parent = f"{UPLINK}.7"
    doctored.netns.ip(f"link add {parent} link {UPLINK} type vlan id 7", f"link set {parent} up")
    on_the_lan(doctored)
    doctored.plugin["/v1/networks"][0]["options"]["parent"] = parent
    doctored.netns.run("ping", "-c1", GATEWAY)
    machine.ip(f"address delete {GATEWAY}/24 dev wire")
    (unheard,) = findings(doctored, "D32")
    no_gateway = findings(doctored, "D36")
    machine.ip(
        "link add wire.7 link wire type vlan id 7",
        "address add 192.0.2.77/24 dev wire.7",
        "link set wire.7 up",
    )
    with machine.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as speaker:
        speaker.sendto(b"", ("192.0.2.9", 9))  # it asks by ARP
    other = findings(doctored, "D32")
    (silent,) = findings(doctored, "D36")
    machine.ip(f"address add {GATEWAY}/24 dev wire.7")
    well = findings(doctored, "D32") + findings(doctored, "D36")

    assert f"no frame of VLAN 7 has ever come in by {UPLINK}, on which" in unheard.cause
    assert f"-o parent={UPLINK}.NUMBER" in unheard.remedy
    assert no_gateway == other == well == []
    assert silent.cause == f"gateway {GATEWAY} of network lan does not answer on {parent}"


def test_d36_a_gateway_that_is_silent(doctored: Doctored, machine: Netns) -> None:
    """The LAN's router is another."""
    on_the_lan(doctored)
    before = findings(doctored, "D36")
    machine.ip(f"address delete {GATEWAY}/24 dev wire")
    (found,) = findings(doctored, "D36")

    assert before == []
    assert found.cause == f"gateway {GATEWAY} of network lan does not answer on {UPLINK}"


def test_d37_a_container_without_its_gateway(
    doctored: Doctored, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It asks from within its own network namespace."""
    inside = Netns()
    doctored.netns.ip(
        f"link add port type veth peer name eth0 netns {inside.path}",
        f"link set port master {BRIDGE} up",
    )
    inside.ip(f"address add {ADDRESS}/24 dev eth0", "link set eth0 up")
    doctored.netns.wait_for_carrier("port")
    process = tmp_path / "process"
    (process / "ns").mkdir(parents=True)
    (process / "ns/net").symlink_to(inside.path)
    monkeypatch.setattr("plugin.operator.doctor.host.Host.process_of", lambda *_: process)
    before = findings(doctored, "D37")
    doctored.netns.ip("link set port down")
    (found,) = findings(doctored, "D37")
    inside.close()

    assert before == []
    assert found.cause == "container site does not reach its gateway 10.1.0.1 on network web"


def test_d39_a_port_that_does_not_answer(doctored: Doctored) -> None:
    """Nothing is behind it."""
    doctored.plugin["/v1/ports"] = [a_port("127.0.0.1")]
    (found,) = findings(doctored, "D39")

    assert found.cause == (
        "published port 127.0.0.1:8080/tcp of site does not answer: Connection refused"
    )


def test_only_when_asked(doctored: Doctored) -> None:
    """No packet is sent without --probe."""
    doctored.plugin["/v1/networks"] = [a_network(LAN)]

    assert not {"D31", "D32", "D36", "D37", "D39"} & {each.check.id for each in doctored.examine()}
