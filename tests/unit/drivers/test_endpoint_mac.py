"""A container's MAC address: chosen by its options, or made."""

from dataclasses import replace

import pytest

from plugin.drivers.endpoint_mac import made_mac, with_requested_mac
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.ids import EndpointID, MacAddress
from plugin.model.network import Network
from tests.fakes.values import a_network, a_pool, an_endpoint

NETWORK = a_network()
NONE = MacAddress("")


def test_nothing() -> None:
    """The driver will choose, or the engine has."""
    for mac_address in (NONE, MacAddress("02:00:00:00:00:02")):
        endpoint = an_endpoint(NETWORK, mac_address=mac_address)

        assert with_requested_mac(endpoint) == endpoint


@pytest.mark.parametrize("known", [NONE, MacAddress("02:11:22:33:44:5a")])
def test_a_mac_address(known: MacAddress) -> None:
    """It identifies the container, as that of ``--mac-address`` does."""
    endpoint = with_requested_mac(
        an_endpoint(NETWORK, mac_address=known, options={"mac": "02-11-22-33-44-5A"})
    )

    assert (endpoint.mac_address, endpoint.mac_chosen) == ("02:11:22:33:44:5a", True)


def test_two_mac_addresses() -> None:
    """There can be but one."""
    endpoint = an_endpoint(NETWORK, options={"mac": "02:11:22:33:44:55"})

    with pytest.raises(RefusedError) as refusal:
        with_requested_mac(endpoint)

    assert str(refusal.value) == (
        "option mac is 02:11:22:33:44:55, and the container has 02:00:00:00:00:02 already, by "
        "--mac-address or because the setting PYNET_REQUIRES_MAC has the engine choose one; leave "
        "out the option mac"
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "x", "021122334455", "02:11:22:33:44", "02:11:22:33:44:5g"),
        *("02:11:22:33:44:55:66", "00:00:00:00:00:00"),
        *("ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"),
    ],
)
def test_what_is_no_address_of_one_host(text: str) -> None:
    """The kernel would refuse it, later and with fewer words."""
    with pytest.raises(InvalidOptionError) as refusal:
        with_requested_mac(an_endpoint(NETWORK, mac_address=NONE, options={"mac": text}))

    assert str(refusal.value) == (
        f"option mac is {text!r}, expected the MAC address of one host, as 02:42:0a:00:00:02"
    )


def test_one_that_is_made_where_the_engine_announces() -> None:
    """Every endpoint has another, so that one shown earlier can be chosen for any container."""
    network = a_network(announced=True)
    first, second = an_endpoint(network, name="first"), an_endpoint(network, name="second")

    assert first.ipv4 == second.ipv4
    assert made_mac(network, first) == made_mac(network, first) != made_mac(network, second)


@pytest.mark.parametrize(
    "network",
    [NETWORK, a_network(announced=True, pools=(replace(a_pool("10.1.0.0/24"), space="plugin"),))],
    ids=["nobody announces", "another address is announced"],
)
def test_one_that_is_made_where_neighbours_are_not_told(network: Network) -> None:
    """An address that comes back has the same, so that no neighbour holds a stale entry."""
    first = an_endpoint(network, name="first")
    again = replace(first, id=EndpointID("f" * 64))

    assert made_mac(network, first) == made_mac(network, again)
    assert made_mac(network, first) != made_mac(network, an_endpoint(network, 3))
    assert made_mac(network, first) != made_mac(a_network("red"), first)


def test_one_that_is_made_without_an_address() -> None:
    """Where there is no IPAM: no two have one."""
    bare = [an_endpoint(NETWORK, name=name, ipv4=None) for name in ("first", "second")]

    assert len({made_mac(NETWORK, each) for each in bare}) == 2
