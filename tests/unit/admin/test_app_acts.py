"""The people's side: to have the plugin do something, and what it refuses."""

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.admin.flask_app import create_app
from plugin.model.ids import bridge_name
from tests.unit.admin.behind import BLUE, ROW, Life


class Silent(BytesIO):
    """A body of which nothing more comes."""

    def read(self, *_: Any) -> bytes:
        raise TimeoutError("the request takes too long")


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
        freed = client.delete("/v1/reservations", data="a: b").json
        assert freed == {"unreserved": 1, "missing": []}


class TestUpkeep:
    def test_what_differs_is_shown_and_repaired(self, client: FlaskClient, life: Life) -> None:
        """What was, and what is left."""
        life.maintenance().wrong = [ROW]

        assert client.get("/v1/check").json == [ROW]
        assert client.post("/v1/repair").json == {"repaired": [ROW], "left": []}
        assert client.get("/v1/check").json == []

    def test_garbage_is_shown_and_removed(self, client: FlaskClient, life: Life) -> None:
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
            ("GET", "/v1/drops"),
            ("GET", "/v1/leases"),
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
        """In the words of the service that refused it."""
        answer = client.post("/v1/reservations", data="nonsense")

        assert (answer.status_code, answer.json) == (400, {"error": "that is no reservation"})

    @pytest.mark.parametrize("verb", ["POST", "DELETE"])
    @pytest.mark.parametrize(
        ("environ", "reason"),
        [
            ({"CONTENT_LENGTH": "9"}, "it has 4 of 9 bytes"),
            ({"wsgi.input": Silent()}, "the request takes too long"),
            (
                {"wsgi.input": Silent(), "HTTP_TRANSFER_ENCODING": "chunked"},
                "the request takes too long",
            ),
        ],
        ids=["short", "slow", "chunked"],
    )
    def test_a_body_that_does_not_come_whole(
        self, client: FlaskClient, life: Life, verb: str, environ: dict[str, Any], reason: str
    ) -> None:
        """Nothing is done: half a list is another list.  gunicorn ends a body where its caller does."""
        kept = life.addresses().reservations()
        ended = {"wsgi.input_terminated": True, **environ}
        answer = client.open("/v1/reservations", method=verb, data="a: b", environ_overrides=ended)

        assert answer.status_code == 400
        assert answer.json == {"error": f"the body cannot be read: {reason}"}
        assert life.addresses().reservations() == kept

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


class TestTheCluster:
    def test_its_hosts_and_networks(self, client: FlaskClient) -> None:
        """As they are."""
        answer = client.get("/v1/cluster").json

        assert answer
        assert [each["name"] for each in answer["hosts"]] == ["one", "two"]

    def test_a_host_is_forgotten(self, client: FlaskClient) -> None:
        """By its name; a wrong one is refused."""
        assert client.delete("/v1/cluster", data="two").json == {
            "id": "1f" * 16,
            "name": "two",
            "blocks": 3,
        }
        assert client.delete("/v1/cluster", data="six").status_code == 400

    def test_there_is_none(self, client: FlaskClient, life: Life) -> None:
        """Refused, with what to do."""
        life.hosts = None

        assert client.get("/v1/cluster").status_code == 400
