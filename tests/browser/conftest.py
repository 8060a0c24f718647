"""A plugin in memory, the page over it, and a browser that shows it."""

from collections.abc import Iterator
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from plugin.admin.app import create_app
from plugin.errors import RefusedError
from plugin.sockets import Listener
from plugin.ui.feed import Feed
from plugin.ui.pages import Pages, seen
from plugin.ui.server import MOST_VIEWERS, Server
from tests.browser.chromium import PROGRAM, Page
from tests.lab.servers import Server as Serving
from tests.unit.admin.behind import Life
from tests.unit.ui.conftest import BRIDGE, ENGINE, Looked

KEY = "a-key"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser is a third of a gigabyte to install."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.nightly)


@pytest.fixture
def life() -> Life:
    """A plugin with a container that publishes a port."""
    return Life()


@pytest.fixture
def address(life: Life) -> Iterator[str]:
    """Where the page is, with its key."""

    client = create_app(life).test_client()

    def ask(path: str) -> Any:
        answer = client.get(path)
        if answer.status_code != HTTPStatus.OK:
            raise RefusedError(answer.get_json()["error"])
        return answer.get_json()

    feed = Feed(
        lambda: seen(lambda: Looked(life, ENGINE, BRIDGE), "here"), every=0.05, most=MOST_VIEWERS
    )
    pages = Pages(key=KEY, address="127.0.0.1", ask=ask)
    server = Server(Listener(address=ip_address("127.0.0.1"), port=0), pages, feed)
    with Serving(server):
        yield f"http://127.0.0.1:{server.server_address[1]}/#{KEY}"


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """It takes seconds to start."""
    if not Path(PROGRAM).exists():
        pytest.skip("needs chromium")
    with Page(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture
def browser(chromium: Page) -> Page:
    """An empty tab."""
    chromium.open("about:blank")
    chromium.wait("location.href", lambda each: each == "about:blank")
    chromium.said.clear()
    return chromium


@pytest.fixture
def page(browser: Page, address: str) -> Iterator[Page]:
    """The page, with its picture drawn; nothing may be said on its console."""
    browser.open(address)
    browser.wait("document.querySelectorAll('#picture g[data-id]').length")
    yield browser
    assert browser.said == []
