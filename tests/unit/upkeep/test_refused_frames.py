"""What the guards drop is said of those who are there."""

from plugin.health import Health
from plugin.model.ids import IfName, port_name
from plugin.store.memory import MemoryStore
from plugin.upkeep.refused_frames import RefusedFrames
from tests.fakes.firewall import MemoryFirewall
from tests.fakes.values import a_network, an_endpoint


def test_a_container_is_named_with_the_count_and_the_remedy() -> None:
    """And one that is gone is not; nor does a hint outlive its count, or another subject's."""
    store, firewall, health = MemoryStore(), MemoryFirewall(), Health()
    network = a_network("blue", "10.1.0.0/24")
    endpoint = an_endpoint(network, 2)
    store.save_network(network)
    store.save_endpoint(endpoint)
    refusals = RefusedFrames(store, firewall, health)
    health.advise(["a card"], about="parents")

    firewall.counts = {port_name(endpoint.id): 7, IfName("pnv-gone"): 3}
    refusals.tell()
    told = health.hints
    firewall.counts = {}
    refusals.tell()

    assert len(told) == 2
    assert "dropped 7 frames of the container with 10.1.0.2" in told[0]
    assert "spoof_guard=false" in told[0]
    assert health.hints == ("a card",)
