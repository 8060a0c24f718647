"""The people's side: to look at the plugin, and to make it look again."""

from ipaddress import ip_address

import pytest
from flask.testing import FlaskClient

from plugin import __version__
from plugin.admin.app import create_app
from plugin.model.ids import bridge_name
from plugin.model.network import Protocol
from plugin.model.ports import HostPort
from tests.unit.admin.behind import BLUE, POOL, ROW, WEB, Life


@pytest.fixture
def life() -> Life:
    """A plugin that is up."""
    return Life()


@pytest.fixture
def client(life: Life) -> FlaskClient:
    """Talks to its admin application."""
    return create_app(life).test_client()


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
                        "ports": 2,
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
        """It is published as far as Docker knows, and somebody else has it."""
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


class TestActs:
    def test_reconciling_heals_and_tells_how_it_is(self, client: FlaskClient, life: Life) -> None:
        """Now, not with the next tick."""
        life.rig.host.delete_link(bridge_name(BLUE.id))
        answer = client.post("/v1/reconcile").json

        assert answer
        assert answer["status"] == "ok"
        assert life.rig.held() == life.rig.wanted()

    def test_reservations_are_taken_and_given_up(self, client: FlaskClient) -> None:
        """As a list."""
        assert client.post("/v1/reservations", data="a: b").json == {"reserved": 1, "note": ""}
        assert client.get("/v1/reservations").json == {"yaml": "a: b"}
        assert client.delete("/v1/reservations", data="a: b").json == {"unreserved": 1}


class TestUpkeep:
    def test_what_differs_is_shown_and_repaired(self, client: FlaskClient, life: Life) -> None:
        """What was, and what is left."""
        life.maintenance().wrong = [ROW]

        assert client.get("/v1/check").json == [ROW]
        assert client.post("/v1/repair").json == {"repaired": [ROW], "left": []}
        assert client.get("/v1/check").json == []

    def test_garbage_is_shown_and_taken_away(self, client: FlaskClient, life: Life) -> None:
        """What is named, and networks that Docker does not know."""
        life.maintenance().wrong = [ROW]
        life.maintenance().idle = ["n1"]
        shown = client.get("/v1/garbage").json
        taken = client.post("/v1/garbage", json={"rows": [ROW], "forgotten": ["n1"]}).json

        assert shown == {
            "rows": [ROW],
            "networks": ["known"],
            "prefixes": [],
            "idle": ["n1"],
            "pools": [],
        }
        assert taken == [ROW]
        assert life.maintenance().taken == ["n1"]

    @pytest.mark.parametrize("body", ["", "[]", '{"rows": 1, "forgotten": []}', '{"rows": []}'])
    def test_nonsense_takes_nothing_away(self, client: FlaskClient, body: str) -> None:
        """In one sentence."""
        answer = client.post("/v1/garbage", data=body)

        assert answer.status_code == 400
        assert answer.json is not None
        assert answer.json["error"].startswith("the body is no list of what to remove: ")


class TestRefusals:
    @pytest.mark.parametrize(
        ("verb", "path"),
        [
            ("GET", "/v1/networks"),
            ("GET", "/v1/ports"),
            ("GET", "/v1/pools"),
            ("GET", "/v1/reservations"),
            ("GET", "/v1/check"),
            ("GET", "/v1/garbage"),
            ("POST", "/v1/repair"),
            ("POST", "/v1/reconcile"),
        ],
    )
    def test_a_plugin_that_is_not_up_yet_says_so(self, verb: str, path: str) -> None:
        """503: it is worth asking again."""
        answer = create_app(Life(started=False)).test_client().open(path, method=verb)

        assert answer.status_code == 503
        assert answer.json == {"error": "pynet is not ready: it is still starting"}

    def test_what_is_refused(self, client: FlaskClient) -> None:
        """In the words of whoever refused it."""
        answer = client.post("/v1/reservations", data="nonsense")

        assert (answer.status_code, answer.json) == (400, {"error": "that is no reservation"})

    @pytest.mark.parametrize(
        ("verb", "path", "status", "name"),
        [
            ("GET", "/", 404, "Not Found"),
            ("GET", "/v1/reconcile", 405, "Method Not Allowed"),
            ("POST", "/health", 405, "Method Not Allowed"),
        ],
    )
    def test_else_it_is_json_too(
        self, client: FlaskClient, verb: str, path: str, status: int, name: str
    ) -> None:
        """Programs ask here."""
        answer = client.open(path, method=verb)

        assert (answer.status_code, answer.json) == (status, {"error": name})
