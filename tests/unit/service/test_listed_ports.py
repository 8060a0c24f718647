"""Ports that records list, after a start, when another endpoint asks for them."""

import threading
from ipaddress import ip_address

import pytest

from plugin.errors import PortTakenError, PynetError, RefusedError
from plugin.model.network import Endpoint, Network, Protocol
from plugin.model.ports import HostPort
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX, a_binding, a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24", ipv6=False)
RED = a_network("red", "10.2.0.0/24", ipv6=False)
OLD = an_endpoint(BLUE)
NEW = an_endpoint(RED)
HELD, HELD6 = (
    HostPort(protocol=Protocol.TCP, address=ip_address(each), port=8080)
    for each in ("0.0.0.0", "::")
)


@pytest.fixture
def rig() -> Rig:
    """A container has port 8080, and another is about to be published."""
    found = Rig()
    for network in (BLUE, RED):
        found.networks.create(network)
    found.run(BLUE, OLD, a_binding())
    found.endpoints.create(NEW)
    found.endpoints.join(RED.id, NEW.id, "/run/new")
    return found


def publish(rig: Rig, host_port: int = 8080) -> None:
    rig.endpoints.program(RED.id, NEW.id, [a_binding(80, host_port)])


def numbers(rig: Rig, endpoint: Endpoint) -> set[int]:
    found = rig.store.endpoint(endpoint.id)
    return {each.host_port for each in found.published} if found else set()


class TestBeforeItsNetworkIsRestored:
    """A network is open as soon as it is restored itself."""

    def beside(self, rig: Rig, host_port: int = 8080) -> list[PynetError]:
        """Publish on the one, and restore the other meanwhile."""
        said: list[PynetError] = []

        def act() -> None:
            try:
                publish(rig, host_port)
            except PynetError as error:
                said.append(error)

        rig.locks.shut([BLUE.id])
        thread = threading.Thread(target=act)
        thread.start()
        while thread.is_alive() and not rig.locks.waited_for([BLUE.id]):
            thread.join(0.01)
        rig.healer.restore()
        thread.join(10)
        assert not thread.is_alive()
        return said

    def test_the_port_stays_a_running_containers(self, rig: Rig) -> None:
        """Who asks for it hears what Docker says of a port that is taken."""
        later = Rig(rig)

        said = self.beside(later)

        assert [type(each) for each in said] == [PortTakenError]
        assert "10.1.0.2:80" in str(said[0])
        assert (numbers(later, OLD), numbers(later, NEW)) == ({8080}, set())
        assert HELD in later.kernel.ports

    def test_none_is_chosen_that_another_is_to_have_again(self, rig: Rig) -> None:
        """The kernel chooses by what is held."""
        rig.endpoints.revoke(BLUE.id, OLD.id)
        rig.endpoints.program(BLUE.id, OLD.id, [a_binding(80, 0)])
        later = Rig(rig)

        assert self.beside(later, 0) == []
        assert numbers(later, OLD) == numbers(rig, OLD)
        assert not numbers(later, OLD) & numbers(later, NEW)
        assert later.wanted() <= later.held()


class TestOfOneThatIsOver:
    """dockerd may have forgotten it; it is collected when that is certain."""

    @pytest.fixture
    def later(self, rig: Rig) -> Rig:
        """After a boot."""
        rig.host.links.clear()
        rig.host.sandboxed.clear()
        rig.host.ended_sandboxes |= {SANDBOX, "/run/new"}
        later = rig.restarted()
        taken = later.endpoints.join(RED.id, NEW.id, "/run/newer").src_name
        assert taken
        later.host.hand_over(taken)
        return later

    def test_the_port_is_given_to_another(self, later: Rig) -> None:
        """A container that is started at boot is not tried twice."""
        publish(later)

        assert (numbers(later, OLD), numbers(later, NEW)) == (set(), {8080})

    def test_its_end_takes_nothing_from_the_other(self, later: Rig) -> None:
        """It has listed the port no more."""
        publish(later)
        later.now += 1000
        removed = later.kernel.forgotten.copy()

        later.healer.heal()

        assert later.store.endpoint(OLD.id) is None
        assert HELD in later.kernel.ports
        assert HELD not in later.kernel.forgotten[len(removed) :]
        assert later.wanted() <= later.held()


def test_what_another_program_had_meanwhile_stays_a_running_containers(rig: Rig) -> None:
    """The next tick holds it again; nobody else is given it until then."""
    rig.host.listeners |= {HELD, HELD6}
    later = rig.restarted()
    later.host.listeners.clear()

    with pytest.raises(PortTakenError, match="pynet publishes it for"):
        publish(later)

    assert later.kernel.ports == set()
    later.healer.heal()
    assert HELD in later.kernel.ports


@pytest.mark.parametrize("has_left", [False, True])
def test_no_port_leads_to_an_endpoint_that_is_in_no_sandbox(rig: Rig, has_left: bool) -> None:
    """A start would not hold it again."""
    network: Network = BLUE
    rig.endpoints.leave(BLUE.id, OLD.id)
    endpoint = OLD if has_left else an_endpoint(network, 3)
    rig.endpoints.create(endpoint)

    with pytest.raises(RefusedError, match="is in no sandbox"):
        rig.endpoints.program(network.id, endpoint.id, [a_binding()])

    assert rig.kernel.ports == set()
