"""The admin socket against its own description: schemathesis asks what the description allows, and does not.

It looks that nothing is answered by an error of the server, or by what the description has not.
"""

import pytest
from hypothesis import settings

from plugin.admin.flask_app import create_app
from tests.unit.admin.behind import Life

schemathesis = pytest.importorskip("schemathesis")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")
pytestmark = [
    pytest.mark.nightly,
    pytest.mark.filterwarnings("default"),  # its own dependencies have some
]
# An id that no network has is refused though it is a text, and a value that says nothing is not.
LEFT_OUT = [checks.positive_data_acceptance, checks.negative_data_rejection]
API = schemathesis.openapi.from_wsgi("/v1/openapi.json", create_app(Life()))


@API.parametrize()
@settings(deadline=None, derandomize=True, database=None)
def test_what_is_described_is_answered(case: "schemathesis.Case") -> None:
    """Whatever is asked."""
    case.call_and_validate(excluded_checks=LEFT_OUT)
