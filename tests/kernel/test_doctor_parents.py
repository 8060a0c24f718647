"""What the doctor says of networks on a link of the host."""

from tests.kernel.doctored import UPLINK, Doctored, a_network, on_the_lan, the


def test_d27_the_host_and_macvlan(doctored: Doctored) -> None:
    """It is said to who asks about the network."""
    on_the_lan(doctored, host_access="false")

    assert "do not reach each other" in the(doctored.finds("D27", "lan")).cause
    assert doctored.finds("D27") == []


def test_d30_another_lan(doctored: Doctored) -> None:
    """The subnet that Docker chose is not the one on the wire."""
    on_the_lan(doctored)
    before = doctored.finds("D30")
    on_the_lan(doctored, "172.18.0.0/16")
    found = the(doctored.finds("D30"))

    assert before == []
    assert (
        f"subnet 172.18.0.0/16 of network lan is not the LAN of its parent {UPLINK}" in found.cause
    )


def test_d34_ipvlan_with_mac_addresses(doctored: Doctored) -> None:
    """The setting makes the engine choose one."""
    doctored.settings["PYNET_REQUIRES_MAC"] = "true"
    doctored.plugin["/v1/networks"] = [a_network(mode="ipvlan", options={"host_access": "true"})]

    assert "PYNET_REQUIRES_MAC is true, and network web is ipvlan" in (
        the(doctored.finds("D34")).cause
    )
