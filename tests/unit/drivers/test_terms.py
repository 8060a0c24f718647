"""What networks of shared subnets have alike on all hosts: all options but those about one host."""

from pathlib import Path

import pytest

from plugin.drivers.registry import DRIVERS, check_network
from tests.fakes.values import a_network

ROOT = Path(__file__).parents[3]


def _terms(mode: str, *, internal: bool = False, **options: str) -> dict[str, str]:
    network = a_network(mode=mode, options={"mode": mode, **options}, internal=internal)
    return dict(check_network(network).terms().options)


@pytest.mark.parametrize("mode", ["bridge", "macvlan", "overlay"])
def test_what_the_network_is(mode: str) -> None:
    """Its subnets, its mode, and whether it is internal; what is not there is as by default."""
    plain, internal = _terms(mode), _terms(mode, internal=True)

    assert plain["subnets"] == "10.1.0.0/24"
    assert mode in plain["mode"]
    assert internal == {**plain, "internal": "true"}


def test_one_value_in_two_spellings() -> None:
    """Is the same; so is a default that is said."""
    assert _terms("bridge", icc="0") == _terms("bridge", icc="false") != _terms("bridge")
    assert _terms("bridge", icc="yes", mtu="0") == _terms("bridge")


def test_what_is_about_a_host() -> None:
    """May differ."""
    bridge = _terms("bridge", bridge_name="br7", host_binding="10.99.0.1", userland_proxy="no")

    assert bridge == _terms("bridge")
    assert _terms("macvlan", parent="eth0", host_access="true") == _terms("macvlan", parent="eth1")


def test_hosts_of_one_lan() -> None:
    """One with a Wi-Fi card has mode ipvlan; with another ipvlan_mode it is on no LAN."""
    assert _terms("macvlan", parent="eth0") == _terms("ipvlan", parent="wlan0")
    assert _terms("macvlan") != _terms("ipvlan", ipvlan_mode="l3")


def test_the_page_names_what_may_differ() -> None:
    """Every such option, and no other."""
    page = (ROOT / "docs/reference/cluster.md").read_text()
    (line,) = (each for each in page.splitlines() if each.startswith("These are about a host"))
    options = {each for driver in DRIVERS.values() for each in driver.options}

    said = set(line.split("`")[1::2])
    assert said == {each.name for each in options if each.of_host}
