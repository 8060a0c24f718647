"""What is answered to whom."""

import json
from typing import Any

import pytest

from plugin.errors import PynetError, RefusedError
from plugin.ui.pages import Answer, Pages, seen
from tests.unit.admin.behind import Life
from tests.unit.ui.conftest import BRIDGE, ENGINE, Looked

KEY = "a-key"
ANSWER_KEY = "an-answer"
HERE = "127.0.0.1:9611"


@pytest.fixture
def pages() -> Pages:
    """Those of an address that is not the usual one."""
    return Pages(key=KEY, answer_key=ANSWER_KEY, address="127.0.0.9", ask=asked)


def asked(path: str) -> Any:
    if "id=" not in path and "pool=" not in path:
        raise RefusedError("id is '', which is no network")
    return path


def text(answer: Answer) -> str:
    return (answer.body or b"").decode()


@pytest.mark.parametrize(
    "path", ["/", "/page.js", "/picture.js", "/addresses.js", "/page.css", "/icon.svg", "/?x=1"]
)
def test_files(pages: Pages, path: str) -> None:
    """Need no key: they say nothing of the host."""
    answer = pages.answer(path, HERE)

    assert (answer.status, bool(answer.body)) == (200, True)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", HERE, "localhost:1", "LOCALHOST", "[::1]:9611", "[::1]", "127.0.0.9:9611"]
)
def test_names_of_the_loopback(pages: Pages, host: str) -> None:
    """By any port: it may come through a tunnel."""
    assert pages.answer("/", host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:9611",
        "10.0.0.1",
        "[fd00::1]",
    ],
)
@pytest.mark.parametrize("path", ["/", f"/events?key={KEY}", "/nothing"])
def test_another_name(pages: Pages, host: str, path: str) -> None:
    """A name of somewhere else that leads here is a trick of a web page."""
    answer = pages.answer(path, host)

    assert answer.status == 421
    assert "localhost, 127.0.0.1 and [::1] alone" in text(answer)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/nothing",
            "/static/page.js",
            "//page.js",
            "/page.js/",
            "/../plugin/ui/pages.py",
            "/..%2fpage.js",
        ),
        *(
            "/../../../../etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
            "etc/passwd",
            "*",
            "",
            "/\0",
            "/..\\page.js",
        ),
    ],
)
def test_a_path_outside(pages: Pages, path: str) -> None:
    """Is in no table."""
    answer = pages.answer(path, HERE)

    assert answer.status == 404
    assert text(answer) == "there is no such page; the page of pynet is /\n"


@pytest.mark.parametrize("path", ["/events", "/explain", "/addresses"])
@pytest.mark.parametrize(
    "query", ["", "?key=", "?key=another", f"?key={KEY}x", "?key=%C3%A9", f"?key={KEY}&key=x"]
)
def test_data_need_the_key(pages: Pages, path: str, query: str) -> None:
    """Any user of the host may connect."""
    answer = pages.answer(path + query, HERE)

    assert answer.status == 403
    assert "open the address that it printed" in text(answer)


@pytest.mark.parametrize("target", ["/?" + "a=1&" * 9, "//[::1/"])
def test_an_address_that_cannot_be_read(pages: Pages, target: str) -> None:
    """Is answered, too."""
    assert pages.answer(target, HERE).status == 400


@pytest.mark.parametrize(
    ("target", "passed"),
    [
        ("/explain?id=a&lang=ko", "/v1/explain?id=a&lang=ko"),
        ("/explain?id=a%26lang%3Dko&pool=p", "/v1/explain?id=a%26lang%3Dko"),
        (
            "/addresses?pool=pynet-local%2F10.1.0.0%2F24",
            "/v1/addresses?pool=pynet-local%2F10.1.0.0%2F24",
        ),
        ("/addresses?pool=p&at=10.1.1.0", "/v1/addresses?pool=p&at=10.1.1.0"),
    ],
)
def test_what_is_passed_on(pages: Pages, target: str, passed: str) -> None:
    """The values that pynet knows, and never the key."""
    assert json.loads(text(pages.answer(f"{target}&key={KEY}", HERE))) == passed


def test_an_explanation_that_is_refused(pages: Pages) -> None:
    """With pynet's own sentence."""
    answer = pages.answer(f"/explain?key={KEY}", HERE)

    assert (answer.status, text(answer)) == (400, "id is '', which is no network\n")
    assert answer.answer_key == ANSWER_KEY  # the page shows pynet's words alone


def test_events_are_a_stream(pages: Pages) -> None:
    """Its head alone is answered here."""
    answer = pages.answer(f"/events?key={KEY}", HERE)

    assert (answer.status, answer.kind, answer.body) == (200, "text/event-stream", None)


def test_what_is_seen(life: Life) -> None:
    """The topology as JSON, on one line, as events want it."""
    found = seen(lambda: Looked(life, ENGINE, BRIDGE), "here")

    assert json.loads(found)["nodes"][0]["label"] == "here"
    assert b"\n" not in found


@pytest.mark.parametrize(
    ("error", "told"),
    [(PynetError("pynet is away"), "pynet is away"), (KeyError("a"), "internal error (KeyError)")],
)
def test_why_nothing_is_seen(error: Exception, told: str) -> None:
    """Viewers go on."""

    def look() -> Looked:
        raise error

    assert json.loads(seen(look, "here")) == {"away": told}
