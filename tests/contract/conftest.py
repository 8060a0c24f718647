"""A namespace for the halves of contracts that are about the real thing."""

import os
from collections.abc import Iterator

import pytest

from tests.kernel.netns import Netns


@pytest.fixture
def netns() -> Iterator[Netns]:
    """A network namespace of the test's own, entered."""
    if os.geteuid():
        pytest.skip("needs root")
    namespace = Netns()
    with namespace.entered():
        yield namespace
    namespace.close()
