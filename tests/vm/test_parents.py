"""Links that cannot be parents, or give a hint, on a kernel that has every kind of them."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from plugin.drivers.registry import bind
from plugin.errors import RefusedError
from plugin.health import Health
from plugin.kernel.linux import LinuxKernel
from plugin.model.network import Network, NetworkState
from plugin.service.bound_networks import BoundNetworks
from plugin.service.parents import ParentSurvey
from plugin.store.memory import MemoryStore
from plugin.upkeep.parents import Parents
from tests.fakes.values import a_network
from tests.kernel.netns import wait_until
from tests.kernel.site import Site
from tests.lab.commands import run

pytestmark = pytest.mark.vm

SYS: Final = Path("/sys/class/net")
CARD: Final = "virtio_net"
BUS: Final = "virtio_pci"  # no udev loads it here


def a_net(parent: str, mode: str = "macvlan", **options: str) -> Network:
    return a_network("lan", "10.30.1.0/24", mode=mode, options={"parent": parent, **options})


@pytest.mark.parametrize("mode", ["macvlan", "ipvlan"])
@pytest.mark.parametrize("kind", ["bond", "team"])
def test_members_are_refused(site: Site, kind: str, mode: str) -> None:
    """Their master takes every frame; it can be a parent itself."""
    site.host.ip(
        f"link add all0 type {kind}",
        "link set up0 down",
        "link set up0 master all0",
        "link set up0 up",
        "link set all0 up",
    )
    with pytest.raises(RefusedError, match=f"up0 is a port of a {kind}.*choose the {kind} itself"):
        site.networks.create(a_net("up0", mode))
    network = a_net("all0", mode)
    site.networks.create(network)
    site.networks.delete(network.id)

    assert site.store.networks() == ()


@pytest.mark.parametrize("other", ["link up0 type vlan id 200", "type dummy"])
def test_a_name_that_another_link_has(site: Site, other: str) -> None:
    """It says VLAN 100 and is something else: neither used nor replaced."""
    kind = other.split("type ")[1]
    link = other.partition("type ")[0]
    site.host.ip(f"link add {link} name up0.100 type {kind}", "link set up0.100 up")
    before = site.host.run("ip", "-d", "link", "show", "up0.100")
    for network in (a_net("up0.100"), a_net("up0", vlan="100")):
        with pytest.raises(RefusedError, match=r"named up0\.100 exists and is not VLAN 100 of up0"):
            site.networks.create(network)

    assert site.host.run("ip", "-d", "link", "show", "up0.100") == before


def test_the_card_of_a_virtual_machine() -> None:
    """This one's own: macvlan may not do there what one thinks, ipvlan does."""
    run(["modprobe", "-a", BUS, CARD])
    wait_until(_card, "this machine has no card")
    card = _card()
    run(["ip", "link", "set", card, "up"])
    kernel, store, health = LinuxKernel(), MemoryStore(), Health()
    survey = ParentSurvey(kernel)
    parents = Parents(store, kernel, BoundNetworks(), health, survey)
    try:
        for mode, hinted in (("macvlan", True), ("ipvlan", False)):
            network = replace(
                survey.survey(bind(a_net(card, mode))).network, state=NetworkState.ACTIVE
            )
            store.save_network(network)
            parents.look_after()
            hint = f"parent {card} is a virtual card (virtio_net)"
            assert any(each.startswith(hint) for each in health.hints) == hinted
            store.delete_network(network.id)
    finally:
        kernel.close()
        run(["ip", "link", "set", card, "down"])


def _card() -> str:
    drivers = {
        each.name: (each / "device/driver").resolve().name
        for each in SYS.iterdir()
        if os.path.lexists(each / "device/driver")
    }
    return next((name for name, driver in drivers.items() if driver == CARD), "")
