"""``pynet leases``: what DHCP servers gave, asked for again and given back."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from plugin.model.ids import EndpointID, MacAddress
from plugin.model.network import Endpoint
from tests.fakes.values import a_network, a_pool
from tests.kernel.netns import wait_until
from tests.unit.admin.behind import Life
from tests.unit.cli.conftest import Shell, an_engine

MAC: Final = MacAddress("02:11:22:33:44:55")
LAN = replace(
    a_network("lan", mode="macvlan", options={"mode": "macvlan", "parent": "eth0", "dhcp": "true"}),
    pools=(a_pool("0.0.0.0/0", gateway=None),),
)
WEB: Final = Endpoint(id=EndpointID("web" * 8), network_id=LAN.id, mac_address=MAC, mac_chosen=True)


@pytest.fixture
def life(life: Life) -> Life:
    """With a container that has an address of the LAN's, and one that is gone."""
    life.rig.host.add_parent("eth0")
    life.rig.networks.create(LAN)
    life.rig.endpoints.create(WEB)
    gone = replace(WEB, id=EndpointID("db" * 8), mac_address=MacAddress(""), mac_chosen=False)
    life.rig.endpoints.create(gone)
    life.rig.endpoints.delete(LAN.id, gone.id)
    return life


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[str]:
    """An engine that knows their names."""
    path = tmp_path / "docker.sock"
    attached = {"lan": {"EndpointID": WEB.id}}
    container = {"Names": ["/web"], "NetworkSettings": {"Networks": attached}}
    with an_engine(path, [{"Id": LAN.id, "Name": "lan"}], [container]):
        yield f"unix://{path}"


def test_shown(pynet: Shell, life: Life, docker: str) -> None:
    """Held and resting ones, each with its server and its end."""
    lines = pynet("leases", DOCKER_HOST=docker).output.splitlines()
    rows = {row[2]: row for row in (line.split("\t") for line in lines[1:])}

    assert lines[0].startswith("network\tcontainer\taddress\tMAC address\tserver\tstate")
    web = rows["192.168.50.100/24"]
    assert web[:6] == ["lan", "web", web[2], MAC, "192.168.50.1", "held"]
    assert rows["192.168.50.101/24"][5:7] == ["resting", "-"]
    assert set(life.rig.store.leases(LAN.id)[0].client) <= set("0123456789abcdef")


def test_on_a_terminal(pynet: Shell, docker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What matters most, each in one piece; a wide one has all of it."""
    monkeypatch.setattr("plugin.cli.output.is_terminal", lambda: True)
    head, web, _ = pynet("leases", DOCKER_HOST=docker, COLUMNS="80").output.splitlines()
    wide = pynet("leases", DOCKER_HOST=docker, COLUMNS="200").output

    assert head.split()[:3] == ["network", "container", "address"]
    assert web.split()[:3] == ["lan", "web", "192.168.50.100/24"]
    assert "held" in web
    assert MAC not in web
    assert MAC in wide


def test_as_json(pynet: Shell) -> None:
    """For programs; times are seconds."""
    found = json.loads(pynet("leases", "--json").output)

    assert [each["state"] for each in found] == ["held", "resting"]
    assert 0 < found[0]["renews_in"] <= 60
    assert 60 < found[0]["ends_in"] <= 120
    assert found[1]["renews_in"] is None


@pytest.mark.parametrize("which", ["web", "192.168.50.100", MAC])
def test_renewed(pynet: Shell, life: Life, docker: str, which: str) -> None:
    """The server is asked at once, by whatever the lease is named."""
    life.rig.teardown.leases.confirm(life.rig.bound.of(LAN), WEB)
    life.rig.lan.server.heard.clear()

    output = pynet("leases", "renew", which, DOCKER_HOST=docker).output

    assert output == "192.168.50.100/24 of 192.168.50.1 is asked for\n"
    wait_until(lambda: life.rig.lan.server.heard, "nobody asks")
    assert str(life.rig.lan.server.heard[0].client) == "192.168.50.100"


def test_given_back(pynet: Shell, life: Life) -> None:
    """What rests; once."""
    assert pynet("leases", "forget", "192.168.50.101").output.endswith("is given back\n")

    wait_until(lambda: len(life.rig.lan.server.leases) == 1, "not given back")
    again = pynet("leases", "forget", "192.168.50.101")
    assert again.exit_code == 1
    assert "no lease is known by '192.168.50.101'" in again.output


def test_one_that_never_ends_is_not_renewed(pynet: Shell, life: Life) -> None:
    """Its client would begin anew, and could lose it."""
    record = next(each for each in life.rig.store.leases(LAN.id) if each.endpoint_id)
    life.rig.store.save_lease(replace(record, lease=replace(record.lease, seconds=None)))

    answer = pynet("leases", "renew", MAC)

    assert answer.exit_code == 1
    assert "the lease of 192.168.50.100 never ends, so there is nothing to renew" in answer.output


@pytest.mark.parametrize(
    ("verb", "which", "said"),
    [
        ("forget", MAC, "192.168.50.100 is held by a container; remove the container first"),
        ("renew", "192.168.50.101", "no container has 192.168.50.101 now"),
        ("renew", "nonsense", "no lease is known by 'nonsense'; `pynet leases` lists them"),
    ],
)
@pytest.mark.usefixtures("life")
def test_refused(pynet: Shell, verb: str, which: str, said: str) -> None:
    """In one sentence."""
    answer = pynet("leases", verb, which)

    assert answer.exit_code == 1
    assert said in answer.output
