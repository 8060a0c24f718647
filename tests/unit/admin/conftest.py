"""The admin application of a plugin in memory."""

import pytest
from flask.testing import FlaskClient

from plugin.admin.flask_app import create_app
from tests.unit.admin.behind import Life


@pytest.fixture
def life() -> Life:
    """A plugin that is up."""
    return Life()


@pytest.fixture
def client(life: Life) -> FlaskClient:
    """Talks to its admin application."""
    return create_app(life).test_client()
