"""The description of the admin socket: it is what the socket answers, and the page has it."""

import json
import os
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from flask.testing import FlaskClient

from plugin import log
from plugin.admin import answers
from plugin.admin.flask_app import create_app
from plugin.admin.maintenance_answers import Difference
from plugin.admin.openapi import OPERATIONS, Operation, document
from plugin.model.ids import port_name
from tests.unit.admin.behind import BLUE, ROW, WEB, Life

PAGE: Final = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
QUERIES: Final = {"/v1/explain": f"?id={BLUE.id}", "/v1/addresses": "?pool=p"}
BODIES: Final = {
    ("/v1/reservations", "post"): "reservations: []",
    ("/v1/reservations", "delete"): "reservations: []",
    ("/v1/cluster", "delete"): "two",
    ("/v1/garbage", "post"): json.dumps({"rows": [ROW], "forgotten": []}),
}
# Answers of these need a lease of a DHCP server.
_WITHOUT_LEASES: Final = {("/v1/leases", "post"), ("/v1/leases", "delete")}
TYPED: Final = [
    pytest.param(path, each, id=f"{each.method} {path}")
    for path, operations in OPERATIONS.items()
    for each in operations
    if each.answer is not None and (path, each.method) not in _WITHOUT_LEASES
]


@pytest.fixture
def life() -> Life:
    """A plugin of which every list has something in it."""
    life = Life()
    life.health.degrade("firewall", "nft is not there", "install nftables")
    life.health.advise(["a hint"], about="test")
    life.maintenance().wrong = [ROW]
    life.maintenance().pools = [{"id": "p", "prefix": "10.1.0.0/24"}]
    life.rig.firewall.counts = {port_name(WEB.id): 7}
    life.rig.firewall.drops = {"address": 7}
    log.Log("test").warning("test.happened", why="a test")
    return life


@pytest.fixture
def client(life: Life) -> FlaskClient:
    return create_app(life).test_client()


def test_every_path_is_described(client: FlaskClient) -> None:
    """And no other."""
    own = {"HEAD", "OPTIONS"}
    served: dict[str, set[str]] = {}
    for rule in client.application.url_map.iter_rules():
        served.setdefault(rule.rule, set()).update((rule.methods or set()) - own)

    assert served == {
        path: {each.method.upper() for each in operations}
        for path, operations in OPERATIONS.items()
    }


@pytest.mark.parametrize(("path", "operation"), TYPED)
def test_answers_are_as_described(client: FlaskClient, path: str, operation: Operation) -> None:
    """Every field is there, of its type, and no other is."""
    answer = client.open(
        path + QUERIES.get(path, ""),
        method=operation.method.upper(),
        data=BODIES.get((path, operation.method)),
    )

    assert answer.status_code == 200
    found = msgspec.convert(answer.json, operation.answer)
    assert found is not None


@pytest.mark.parametrize("path", ["/v1/explain", "/v1/addresses"])
def test_refusals_are_as_described(client: FlaskClient, path: str) -> None:
    """One sentence."""
    answer = client.get(path)

    assert answer.status_code == 400
    assert msgspec.convert(answer.json, answers.Refusal).error


def test_another_field_is_found() -> None:
    """Types that take anything would describe nothing."""
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({**ROW, "more": 1}, Difference)


def test_the_status_while_the_plugin_starts() -> None:
    """Is the health alone."""
    answer = create_app(Life(started=False)).test_client().get("/v1/status").json
    found = msgspec.convert(answer, answers.Status)

    assert found.status == "starting"
    assert found.process is msgspec.UNSET


def test_the_page_is_current(client: FlaskClient) -> None:
    """PYNET_WRITE_DOCS=1 writes it; it is what the socket itself answers."""
    text = json.dumps(without_version(document()), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("PYNET_WRITE_DOCS"):
        PAGE.write_text(text)

    assert PAGE.read_text() == text
    assert client.get("/v1/openapi.json").json == json.loads(json.dumps(document()))


def without_version(described: dict[str, Any]) -> dict[str, Any]:
    """A release changes no page."""
    return {**described, "info": {**described["info"], "version": "0.0.0"}}
