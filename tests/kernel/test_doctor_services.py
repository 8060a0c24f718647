"""What the doctor says of services of a swarm."""

import pytest

from tests.kernel.doctored import Doctored, the


class TestServices:
    """Of a swarm, as one of its managers tells."""

    @pytest.fixture
    def manager(self, doctored: Doctored) -> Doctored:
        network = "9i" * 12 + "x"
        doctored.engine["/info"]["Swarm"] = {"ControlAvailable": True}
        doctored.engine["/networks"].append(
            {"Id": network, "Name": "app", "Driver": "pynet/pynet:latest"}
        )
        doctored.plugin["/v1/pools"] = [
            {
                "prefix": "10.9.0.0/24",
                "network": network,
                "size": None,
                "free": None,
                "addresses": {},
            }
        ]
        served = [{"NetworkID": network, "Addr": "10.9.0.5/24"}]
        doctored.engine["/services"] = [
            {"Spec": {"Name": "api"}, "Endpoint": {"Spec": {"Mode": "vip"}, "VirtualIPs": served}},
            {"Spec": {"Name": "db"}, "Endpoint": {"Spec": {"Mode": "dnsrr"}}},
            {"Spec": {"Name": "new"}},
        ]
        return doctored

    def test_a_virtual_address_leads_nowhere(self, manager: Doctored) -> None:
        found = the(manager.finds("D44"))

        assert "service api resolves to its virtual address 10.9.0.5 on network app" in found.cause
        assert found.remedy == "run: docker service update --endpoint-mode dnsrr api"

    def test_networks_of_others_are_not_looked_at(self, manager: Doctored) -> None:
        """Docker's overlay serves them."""
        manager.plugin["/v1/pools"] = []

        assert manager.finds("D44") == []

    def test_a_worker_is_not_asked(self, manager: Doctored) -> None:
        """It does not know the services."""
        manager.engine["/info"]["Swarm"] = {"ControlAvailable": False}
        del manager.engine["/services"]

        assert manager.finds("D44") == []
