"""Addresses as engine 29 asks for them: it says the container's name, and pools of a size."""

from ipaddress import ip_network
from typing import Any

import pytest

from ipam.reservation import load_reservations
from tests.conformance.plugin import Json, Plugin

POOL = "10.7.0.0/24"
POOL_ID = f"pynet-local/{POOL}"
LABEL = "com.docker.network.endpoint."


@pytest.fixture
def plugin() -> Plugin:
    """With one network's pool."""
    plugin = Plugin()
    request_pool(plugin, Pool=POOL)
    return plugin


def request_pool(plugin: Plugin, **wishes: Any) -> Json:
    return plugin.call("IpamDriver.RequestPool", pool_request(**wishes))


def pool_request(**wishes: Any) -> Json:
    empty = {"AddressSpace": "pynet-local", "Pool": "", "SubPool": "", "Options": {}, "V6": False}
    return {**empty, **wishes}


def address_request(address: str = "", **labels: str) -> Json:
    options = {LABEL + label: value for label, value in labels.items()}
    return {"PoolID": POOL_ID, "Address": address, "Options": options}


def start(plugin: Plugin, name: str, **labels: str) -> str:
    body = address_request(name=name, **labels)
    answer: str = plugin.call("IpamDriver.RequestAddress", body)["Address"].partition("/")[0]
    return answer


def stop(plugin: Plugin, address: str) -> None:
    plugin.call("IpamDriver.ReleaseAddress", {"PoolID": POOL_ID, "Address": address})


class TestNames:
    def test_restarted_together_containers_never_swap(self, plugin: Plugin) -> None:
        """Ended in one order and started in another, with a stranger between."""
        had = {name: start(plugin, name) for name in ("web", "db", "cache")}
        for name in ("db", "web", "cache"):
            stop(plugin, had[name])
        stranger = start(plugin, "stranger")
        plugin.restart()

        assert {name: start(plugin, name) for name in ("cache", "web", "db")} == had
        assert stranger not in had.values()

    def test_a_name_outlives_a_changed_mac_address(self, plugin: Plugin) -> None:
        """Where the engine makes one for every start, as it does if it must send it."""
        web = start(plugin, "web", macaddress="02:00:00:00:00:01")
        stop(plugin, web)

        assert start(plugin, "web", macaddress="02:00:00:00:00:02") == web

    def test_an_address_that_was_named_meanwhile_is_gone(self, plugin: Plugin) -> None:
        """``docker run --ip`` takes a resting address, and its last holder gets another."""
        web = start(plugin, "web")
        stop(plugin, web)
        plugin.call("IpamDriver.RequestAddress", address_request(web, name="db"))

        assert start(plugin, "web") != web

    def test_two_containers_of_one_name_have_an_address_each(self, plugin: Plugin) -> None:
        """The old one is still there while its successor starts."""
        assert start(plugin, "web") != start(plugin, "web")


class TestReservations:
    @pytest.fixture(autouse=True)
    def reserved(self, plugin: Plugin) -> None:
        """``pynet reserve 10.7.0.1 --name web``, the first address there would be."""
        reservation = "reservations: [{address: 10.7.0.1, name: web}]"
        for each in load_reservations(reservation):
            plugin.allocator.reserve(each)

    def test_the_name_gets_it_and_others_do_not(self, plugin: Plugin) -> None:
        """Whichever asks first."""
        assert start(plugin, "db") == "10.7.0.2"
        assert start(plugin, "web") == "10.7.0.1"

    def test_nobody_else_can_name_it(self, plugin: Plugin) -> None:
        """The refusal says for whom it is kept."""
        status, answer = plugin.ask(
            "IpamDriver.RequestAddress", address_request("10.7.0.1", name="db")
        )

        assert status == 200
        assert "is reserved for name web, not for name db" in answer["Error"]


class TestSizes:
    @pytest.mark.parametrize(("asked", "count"), [("0.0.0.0/14", 4), ("::/50", 4)])
    def test_pools_of_a_size_differ_until_none_is_left(
        self, plugin: Plugin, asked: str, count: int
    ) -> None:
        """10.208.0.0/12 and the host's own /48 have so many."""
        body = pool_request(Pool=asked, V6=":" in asked)
        pools = [ip_network(request_pool(plugin, **body)["Pool"]) for _ in range(count)]
        status, answer = plugin.ask("IpamDriver.RequestPool", body)

        assert len(set(pools)) == count
        assert status == 200
        assert "all predefined address pools have been fully subnetted" in answer["Error"]

    @pytest.mark.parametrize("asked", ["0.0.0.0/0", "::/0"])
    def test_everything_is_no_size(self, plugin: Plugin, asked: str) -> None:
        """The answer 0.0.0.0/0 would mean to an engine that there is no pool."""
        status, answer = plugin.ask("IpamDriver.RequestPool", pool_request(Pool=asked))

        assert status == 200
        assert "is every address; leave the subnet out" in answer["Error"]

    def test_a_range_of_any_pool_is_refused(self, plugin: Plugin) -> None:
        """It is not known where the range lies."""
        body = pool_request(Pool="0.0.0.0/24", SubPool="10.7.1.0/28")
        status, answer = plugin.ask("IpamDriver.RequestPool", body)

        assert status == 200
        assert "sub-pool 10.7.1.0/28 has no pool" in answer["Error"]
