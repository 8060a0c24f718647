"""An engine that starts."""

from pathlib import Path

import pytest

from tests.unit.cluster.engines import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)
