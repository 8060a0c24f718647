"""A plugin and an engine to look at, both of memory."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from plugin.admin.flask_app import create_app
from plugin.errors import PynetError
from plugin.model.ids import bridge_name
from plugin.operator.doctor.host import Host, Setup
from tests.unit.admin.behind import BLUE, WEB, Life

NETWORKS = [{"Id": BLUE.id, "Name": "shop"}]
CONTAINERS = [
    {
        "Id": "c0ffee",
        "Names": ["/site"],
        "State": "running",
        "NetworkSettings": {"Networks": {"shop": {"EndpointID": WEB.id}}},
    }
]
ENGINE: Mapping[str, Any] = {
    "/networks": NETWORKS,
    "/containers/json?all=1": CONTAINERS,
}
BRIDGE = {
    "ifname": bridge_name(BLUE.id),
    "flags": ["UP"],
    "operstate": "UP",
    "mtu": 1500,
    "addr_info": [{"local": "10.1.0.1", "prefixlen": 24}],
}


class Looked(Host):
    """A host whose links are those of the test."""

    def __init__(self, life: Life, engine: Mapping[str, Any], *links: dict[str, Any]) -> None:
        client = create_app(life).test_client()

        def ask(path: str, _: str) -> Any:
            answer = client.get(path)
            if answer.status_code != 200:
                raise PynetError(answer.get_json()["error"])
            return answer.get_json()

        super().__init__(plugin=ask, engine=engine.get, setup=Setup())
        self.links = {each["ifname"]: each for each in links}


@pytest.fixture
def life() -> Life:
    """A plugin that is up, with a container that publishes a port."""
    return Life()


def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
