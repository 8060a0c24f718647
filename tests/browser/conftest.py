"""A plugin in memory, the page over it, and a browser that shows it."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import pytest

from plugin.admin.flask_app import create_app
from plugin.errors import RefusedError
from plugin.sockets import Listener
from plugin.ui.feed import Feed
from plugin.ui.pages import Pages, seen
from plugin.ui.server import MOST_VIEWERS, Server
from tests.browser.chromium import PROGRAM, Page
from tests.lab.servers import Server as Serving
from tests.unit.admin.behind import Life
from tests.unit.ui.conftest import BRIDGE, ENGINE, Looked

KEY: Final = "a-key"
ANSWER_KEY: Final = "an-answer"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser is a third of a gigabyte to install."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.nightly)


class Served:
    """The page, which can end as the command does, and begin again with the same keys."""

    def __init__(self, life: Life) -> None:
        self._client = create_app(life).test_client()
        self._feed = Feed(
            lambda: seen(lambda: Looked(life, ENGINE, BRIDGE), "here"),
            every=0.05,
            most=MOST_VIEWERS,
        )
        self.port = 0
        self.begin()

    @property
    def address(self) -> str:
        """Where it is, with its keys."""
        return f"http://127.0.0.1:{self.port}/#{KEY}.{ANSWER_KEY}"

    def begin(self, *, key: str = KEY, answer_key: str = ANSWER_KEY) -> None:
        """Serve, at the port of before."""
        pages = Pages(key=key, answer_key=answer_key, address="127.0.0.1", ask=self._ask)
        server = _Ending(
            Listener(address=ip_address("127.0.0.1"), port=self.port), pages, self._feed
        )
        self.port = server.server_address[1]
        self._server, self._serving = server, Serving(server)

    def end(self) -> None:
        """Close the port, and with it every connection."""
        self._serving.close()
        self._server.end()

    def _ask(self, path: str) -> Any:
        answer = self._client.get(path)
        if answer.status_code != HTTPStatus.OK:
            raise RefusedError(answer.get_json()["error"])
        return answer.get_json()


class _Ending(Server):
    """Knows its connections, which end with a process."""

    def __init__(self, where: Listener, pages: Pages, feed: Feed) -> None:
        super().__init__(where, pages, feed)
        self._connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def end(self) -> None:
        for each in self._connections:
            with suppress(OSError):  # it has ended before
                each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def life() -> Life:
    """A plugin with a container that publishes a port."""
    return Life()


@pytest.fixture
def served(life: Life) -> Iterator[Served]:
    """What `pynet ui` serves."""
    served = Served(life)
    yield served
    served.end()


@pytest.fixture
def address(served: Served) -> str:
    """Where the page is, with its keys."""
    return served.address


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
