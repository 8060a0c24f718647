"""How the host and the state differ, told and not changed."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from plugin.model.diff import Delta
from plugin.model.ids import IfName, bridge_name, port_name
from plugin.model.nat import Published, SourceNat
from plugin.model.network import NetworkState
from plugin.model.traffic import LinkRole, Role
from plugin.service.reconcile import Reconciler
from plugin.upkeep.differences import Difference, Fault, Inspection
from plugin.upkeep.drift import Inspector
from plugin.upkeep.known_facts import Comparisons, KnownFacts
from tests.fakes.firewall import MemoryFirewall
from tests.fakes.rig import Rig
from tests.fakes.values import a_binding, a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24", "fd00:1::/64")
WEB = an_endpoint(BLUE)
BRIDGE = bridge_name(BLUE.id)


@pytest.fixture
def rig() -> Rig:
    """A plugin with a network, and a container with a published port on it."""
    made = Rig()
    made.networks.create(BLUE)
    made.run(BLUE, WEB, a_binding())
    return made


def look(rig: Rig, *, running: bool = True) -> list[Difference]:
    """Every difference; nothing may be changed by looking."""
    before = (
        rig.held(),
        rig.store.networks(),
        rig.store.endpoints(BLUE.id),
        dict(rig.host.sysctls),
    )
    reconciler = Reconciler(rig.kernel, rig.firewall, running=running)
    inspector = Inspector(rig.store, reconciler, rig.bound)
    found = Inspection(rig.store, inspector, rig.locks).differences()
    after = (rig.held(), rig.store.networks(), rig.store.endpoints(BLUE.id), dict(rig.host.sysctls))
    assert after == before
    return found


def test_there_is_none_where_all_is_well(rig: Rig) -> None:
    """The ordinary case."""
    assert look(rig) == []


def test_a_fact_with_the_same_key_differs() -> None:
    """It is there, and is not missing."""
    wanted, found = (
        SourceNat(prefix=ip_network("10.1.0.0/24"), source=ip_address(source))
        for source in ("192.0.2.1", "192.0.2.2")
    )
    firewall = MemoryFirewall()
    firewall.ensure([found])

    delta = KnownFacts(firewall, Comparisons()).difference(frozenset({wanted}))

    assert delta == Delta(changed=frozenset({wanted}))


def test_what_is_missing(rig: Rig) -> None:
    """By network, kind and name."""
    lost = next(each for each in rig.firewall.read() if isinstance(each, Published))
    rig.firewall.remove([lost])

    assert look(rig) == [
        Difference(
            network=BLUE.id[:12],
            kind="Published",
            which=lost.text,
            fault=Fault.MISSING,
        )
    ]


def test_what_is_other_than_it_should_be(rig: Rig) -> None:
    """A setting that some other package changed."""
    rig.host.sysctls["net/ipv4/ip_forward"] = "0"
    (found,) = look(rig)

    assert (found.kind, found.which, found.fault) == (
        "Sysctl",
        "net/ipv4/ip_forward",
        Fault.OTHER,
    )


def test_what_is_left_over(rig: Rig) -> None:
    """It is in pynet's tables, and no network has it."""
    rig.firewall.ensure([LinkRole(link=IfName("x"), role=Role.NETWORK)])
    (found,) = look(rig)

    assert (found.network, found.kind, found.fault) == ("", "LinkRole", Fault.SURPLUS)
    assert found.which == "x leads to containers of a network"


def test_a_container_whose_link_is_gone(rig: Rig) -> None:
    """One line for it, and none for each thing it had."""
    rig.host.delete_link(port_name(WEB.id))
    found = look(rig)

    assert [(each.kind, each.fault) for each in found] == [("endpoint", Fault.LOST)]


def test_an_endpoint_that_nobody_has(rig: Rig) -> None:
    """dockerd has not come back to it."""
    rig.endpoints.create(an_endpoint(BLUE, 3))
    found = look(rig)

    assert [(each.kind, each.fault) for each in found] == [("endpoint", Fault.STALE)]


def test_what_is_unfinished(rig: Rig) -> None:
    """Records of what was begun and not ended."""
    rig.store.mark_endpoint_deleting(WEB.id)
    endpoint = look(rig)
    rig.store.save_network(replace(BLUE, state=NetworkState.PENDING))
    network = look(rig)

    assert (endpoint[0].kind, endpoint[0].fault) == ("endpoint", Fault.UNFINISHED)
    assert [(each.kind, each.fault) for each in network] == [("network", Fault.UNFINISHED)]


def test_a_plugin_that_does_not_run_holds_no_ports(rig: Rig) -> None:
    """They are its process's, and no difference."""
    rig.kernel.ports.clear()

    assert {each.kind for each in look(rig)} == {"HostPort"}
    assert look(rig, running=False) == []


def test_ports_that_are_not_served(rig: Rig) -> None:
    """Another program took one while the plugin was away, or nothing carries it."""
    inspector = Inspector(rig.store, rig.reconciler, rig.bound)
    assert inspector.unserved() == frozenset()
    lost = next(iter(rig.kernel.ports))
    rig.kernel.ports.remove(lost)

    assert inspector.unserved() == {lost}
