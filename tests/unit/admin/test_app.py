"""The people's side: to look at the plugin."""

from ipaddress import ip_address

import pytest
from flask.testing import FlaskClient

from plugin import __version__
from plugin.admin.flask_app import create_app
from plugin.model.network import Protocol
from plugin.model.ports import HostPort
from tests.unit.admin.behind import BLUE, POOL, ROW, WEB, Life


class TestPage:
    """What the page of a browser asks for."""

    def test_differences(self, client: FlaskClient, life: Life) -> None:
        """As the last comparison has them."""
        life.maintenance().wrong = [ROW]
        answer = client.get("/v1/differences").json

        assert answer
        assert (answer["failure"], answer["rows"]) == ("", [ROW])
        assert answer["at"].endswith("Z")

    def test_addresses(self, client: FlaskClient) -> None:
        """Of a pool, which is one of those that there are."""
        answer = client.get("/v1/addresses?pool=p&at=10.1.1.0").json

        assert answer
        assert answer["first"] == "10.1.1.0"
        assert client.get("/v1/addresses").status_code == 400


@pytest.mark.parametrize("query", ["wait=null", "wait=", "after=1.5", "after=x"])
def test_a_number_that_is_none(client: FlaskClient, query: str) -> None:
    """Is refused, not taken for the default."""
    answer = client.get(f"/v1/events?{query}")

    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith(f"{query.partition('=')[0]} is ")


class TestHealth:
    def test_a_plugin_that_is_well(self, client: FlaskClient) -> None:
        """Status, since when, and of which version."""
        answer = client.get("/health").json

        assert answer
        assert (answer["status"], answer["version"], answer["degraded"]) == ("ok", __version__, [])
        assert answer["since"].endswith("Z")

    def test_what_is_missing_and_what_would_bring_it_back(
        self, client: FlaskClient, life: Life
    ) -> None:
        """One entry for each thing."""
        life.health.degrade("firewall", "nft is not there", "install nftables")
        answer = client.get("/health").json

        assert answer
        assert answer["status"] == "degraded"
        ((condition),) = answer["degraded"]
        since = condition.pop("since")
        assert since.endswith("Z")
        assert condition == {
            "what": "firewall",
            "why": "nft is not there",
            "remedy": "install nftables",
        }

    def test_it_answers_from_the_first_second(self) -> None:
        """When nothing else does."""
        answer = create_app(Life(started=False)).test_client().get("/health")

        assert answer.status_code == 200
        assert answer.json
        assert answer.json["status"] == "starting"


class TestStatus:
    def test_the_health_with_counts(self, client: FlaskClient) -> None:
        """Everything that one look shows."""
        answer = client.get("/v1/status").json

        assert answer
        assert (answer["status"], answer["networks"], answer["ports"]) == ("ok", {"bridge": 1}, 1)
        assert answer["compared"]["differences"] == 0

    def test_it_is_never_ok_while_something_differs(self, client: FlaskClient, life: Life) -> None:
        """The same comparison as ``pynet check`` makes."""
        life.maintenance().wrong = [ROW]
        answer = client.get("/v1/status").json

        assert answer
        assert answer["status"] == "degraded"
        assert answer["degraded"][0]["what"] == "comparison"
        assert "in one thing" in answer["degraded"][0]["why"]

    def test_of_one_that_starts(self) -> None:
        """Its health, at once."""
        answer = create_app(Life(started=False)).test_client().get("/v1/status").json

        assert answer
        assert answer.keys() == {"status", "since", "version", "degraded", "hints"}

    def test_of_one_that_cannot_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Why, at once: nothing that would wait for the start is asked."""
        life = Life(started=False)
        life.health.degrade("start", "the state is of a newer pynet", "run that version")
        monkeypatch.setattr(life, "overview", lambda: pytest.fail("waits for the start"))
        answer = create_app(life).test_client().get("/v1/status").json

        assert answer
        assert answer["status"] == "degraded"
        assert answer["degraded"][0]["why"] == "the state is of a newer pynet"


class TestViews:
    def test_networks_with_their_endpoints(self, client: FlaskClient) -> None:
        """As plain data."""
        assert client.get("/v1/networks").json == [
            {
                "id": BLUE.id,
                "mode": "bridge",
                "state": "active",
                "internal": False,
                "options": {},
                "subnets": ["10.1.0.0/24", "fd00:1::/64"],
                "endpoints": [
                    {
                        "id": WEB.id,
                        "mac_address": WEB.mac_address,
                        "addresses": ["10.1.0.2/24", "fd00:1::2/64"],
                        "sandbox": "/var/run/docker/netns/0123456789ab",
                        "ports": 1,
                    }
                ],
            }
        ]

    def test_published_ports(self, client: FlaskClient) -> None:
        """``docker ps`` cannot show those of a remote driver."""
        answer = client.get("/v1/ports").json

        assert answer
        assert answer[0] == {
            "network": BLUE.id,
            "endpoint": WEB.id,
            "protocol": "tcp",
            "host": "0.0.0.0",
            "host_port": 8080,
            "container": "10.1.0.2",
            "container_port": 80,
            "served": True,
        }
        assert [each["host"] for each in answer] == ["0.0.0.0", "::"]

    def test_a_port_that_is_not_served(self, client: FlaskClient, life: Life) -> None:
        """It is published as far as Docker knows, and another process has it."""
        port = HostPort(protocol=Protocol.TCP, address=ip_address("::"), port=8080)
        life.maintenance().ports.add(port)
        answer = client.get("/v1/ports").json

        assert answer
        assert [(each["host"], each["served"]) for each in answer] == [
            ("0.0.0.0", True),
            ("::", False),
        ]

    def test_pools_and_reservations(self, client: FlaskClient) -> None:
        """Of the address side."""
        assert client.get("/v1/pools").json == [POOL]
        assert client.get("/v1/reservations").json == {"yaml": "reservations: []\n"}

    def test_metrics(self, client: FlaskClient) -> None:
        """As Prometheus reads them."""
        answer = client.get("/metrics")

        assert answer.mimetype == "text/plain"
        assert "# TYPE pynet_rpc_seconds histogram" in answer.text
        assert "# TYPE pynet_drift_total counter" in answer.text
