"""Three managers, for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.conftest import LOGS
from tests.e2e.swarming import Swarm, raised


@pytest.fixture(scope="package")
def swarm(request: pytest.FixtureRequest) -> Iterator[Swarm]:
    with raised("28", "manager", "manager", "manager") as swarm:
        logs = {f"of {node.host.name}": node.said for node in swarm.nodes}
        request.config.stash[LOGS].update(logs)
        yield swarm
        for title in logs:
            del request.config.stash[LOGS][title]
