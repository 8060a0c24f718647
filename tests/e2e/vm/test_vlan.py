"""VLANs of a parent: `parent=eth0.100`, for macvlan and ipvlan."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.asking import Question, comes_true
from tests.lab.commands import PATIENCE, CommandError, wait_until
from tests.lab.dockerd import SOCKET
from tests.lab.installed import PluginProcess
from tests.lab.namespace import Peer, ip, ip_json
from tests.lab.site import WEB, Site
from tests.lab.wire import Wire

pytestmark = pytest.mark.vm

OURS, THEIRS = 100, 200
ASKING = b"GET / HTTP"


@pytest.fixture
def trunk(site: Site, peer: Peer) -> Iterator[None]:
    """A machine that is in both VLANs, and a host that has been in one of them by itself."""
    for number in (OURS, THEIRS):
        peer.ip(
            f"link add link eth0 name eth0.{number} type vlan id {number}",
            f"address add {gateway(number)}/24 dev eth0.{number}",
            f"link set eth0.{number} up",
        )
    own = f"eth0.{THEIRS}"
    ip(
        site.host.netns,
        f"link add link eth0 name {own} type vlan id {THEIRS}",
        f"link set {own} up",
    )
    yield
    site.clear()
    ip(site.host.netns, f"link delete {own}")
    peer.ip(*(f"link delete eth0.{number}" for number in (OURS, THEIRS)))


def gateway(number: int) -> str:
    return f"10.30.{number}.1"


def vlans(site: Site) -> set[str]:
    names = {each["ifname"] for each in ip_json(site.host.netns, "link", "show")}
    return {name for name in names if name.startswith("eth0.")}


@pytest.mark.usefixtures("trunk")
@pytest.mark.parametrize("mode", ["macvlan", "ipvlan"])
def test_vlans_are_tagged_on_the_wire(site: Site, peer: Peer, mode: str) -> None:
    """Each network with its number; its link goes with the last network, unless the user made it."""
    for number in (OURS, THEIRS):
        options = ("-o", f"mode={mode}", "-o", f"parent=eth0.{number}")
        network = site.network(*options, f"--subnet=10.30.{number}.0/24")
        address = f"10.30.{number}.5"
        one = site.run("--network", network, "--ip", address, command=WEB)
        wire = Wire(peer.netns)
        questions: dict[str, Question] = {
            "to the LAN": (site.netns(one), gateway(number), 80, address),
            "from the LAN": (peer.netns, address, 80, one),
        }

        assert comes_true(questions, deadline=PATIENCE) == {}
        assert wire.number_of(ASKING) == number
        wire.close()
    second = site.network(
        "-o", f"mode={mode}", "-o", f"parent=eth0.{OURS}", "--subnet=10.31.0.0/24"
    )
    assert vlans(site) == {f"eth0.{OURS}", f"eth0.{THEIRS}"}
    site.remove_network(second)
    assert vlans(site) == {f"eth0.{OURS}", f"eth0.{THEIRS}"}
    site.clear()
    wait_until(lambda: vlans(site) == {f"eth0.{THEIRS}"}, "the end of our VLAN's link")


def test_a_vlan_that_the_switch_does_not_carry(site: Site, peer: Peer) -> None:
    """`pynet doctor --probe` names it, until a frame of it comes in."""
    network = site.network(
        *("-o", "mode=macvlan", "-o", f"parent=eth0.{OURS}"),
        *(f"--subnet=10.30.{OURS}.0/24", f"--gateway={gateway(OURS)}"),
    )
    site.run("--network", network)
    before = findings(site, network)
    peer.ip(
        f"link add link eth0 name eth0.{OURS} type vlan id {OURS}",
        f"address add {gateway(OURS)}/24 dev eth0.{OURS}",
        f"link set eth0.{OURS} up",
    )
    after = findings(site, network)
    peer.ip(f"link delete eth0.{OURS}")

    assert f"no frame of VLAN {OURS} has ever come in by eth0" in before["D32"]
    assert not {"D32", "D36"} & after.keys()
    assert "D36" not in before


def findings(site: Site, about: str) -> dict[str, str]:
    """The cause that each check of the doctor found."""
    plugin = site.installed
    assert isinstance(plugin, PluginProcess)
    engine = {"DOCKER_HOST": f"unix://{site.host.path(SOCKET)}"}
    try:
        said = plugin.command("doctor", "--json", "--probe", about, **engine)
    except CommandError as error:
        said = error.output
    return {each["check"]: each["cause"] for each in json.loads(said)["findings"]}
