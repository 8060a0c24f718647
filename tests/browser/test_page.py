"""The page in a real browser: what it shows, by keyboard and to a screen reader, live."""

import struct
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from plugin.model.ids import port_name, short
from tests.browser.chromium import Page
from tests.browser.conftest import ANSWER_KEY, Served
from tests.lab.servers import Server as Serving
from tests.unit.admin.behind import BLUE, WEB, Life
from tests.unit.ui.conftest import BRIDGE, CONTAINERS, NETWORKS

DRIFTED = "[...document.querySelectorAll('#picture g.drift')].map(e => e.dataset.id.split(' ')[0])"
STATUS = "document.querySelector('#status')?.textContent ?? ''"
FOCUS = "document.activeElement.dataset.id || document.activeElement.id"
BOX = "#picture g[data-id^=link] .box"
RED = bytes((0xFD, 0xEC, 0xEA))  # page.css, --bad-box
EVIL = "<img src=x onerror=console.log('evil')>"


def colours(png: bytes) -> set[bytes]:
    """All there are in a picture of eight bits a colour (RFC 2083)."""
    width, _ = struct.unpack(">II", png[16:24])
    size = {2: 3, 6: 4}[png[25]]
    data, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    raw, row, found = zlib.decompress(data), bytearray(width * size), set[bytes]()
    for start in range(0, len(raw), width * size + 1):
        row = _unfiltered(raw[start], raw[start + 1 : start + 1 + width * size], row, size)
        found |= {bytes(row[x : x + 3]) for x in range(0, len(row), size)}
    return found


def _unfiltered(kind: int, line: bytes, above: bytearray, size: int) -> bytearray:
    found = bytearray(line)
    for n in range(len(found)):
        left = found[n - size] if n >= size else 0
        corner = above[n - size] if n >= size else 0
        up = above[n]
        near = min((left, up, corner), key=lambda each: abs(left + up - corner - each))
        found[n] = (found[n] + (0, left, up, (left + up) // 2, near)[kind]) & 255
    return found


def test_content(page: Page) -> None:
    """Four columns from the host to the container, its port, pools, and no problem."""
    assert page.run("[...document.querySelectorAll('#picture .name')].map(e => e.textContent)") == [
        "here",
        str(BRIDGE["ifname"]),
        "shop",
        "site",
    ]
    assert page.run("document.querySelector('#picture .port-text').textContent") == "8080→80/tcp"
    assert page.run("document.querySelectorAll('#picture path.edge').length") == 3
    assert page.run("document.querySelector('#pools tbody').textContent").startswith("10.1.0.0/24")
    assert page.run("document.querySelector('#status').textContent").endswith(": ok")
    assert page.run("document.querySelector('#problems').hidden") is True
    assert page.run("document.cookie") == ""


def test_a_screen_reader(page: Page) -> None:
    """Each node is a button whose name has all that is drawn."""
    assert page.spoken("button")[:4] == [
        "host here, 1 networks, 1 containers",
        f"link {BRIDGE['ifname']}, bridge, 10.1.0.1/24",
        "network shop, bridge, 10.1.0.0/24, fd00:1::/64",
        "container site, 10.1.0.2, fd00:1::2, port 8080→80/tcp",
    ]


def test_keyboard(page: Page) -> None:
    """Tab comes to the picture, arrows go through it, Enter opens, Escape goes back."""
    page.press("Tab")
    assert page.run(FOCUS) == "host"
    page.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert page.run(FOCUS) == "container c0ffee"
    page.press("Enter")
    assert page.run(FOCUS) == "details-title"
    assert page.run("document.querySelector('#details-title').textContent") == "site"
    assert "10.1.0.2" in page.run("document.querySelector('#facts').textContent")
    page.press("Escape")
    assert page.run(FOCUS) == "container c0ffee"
    assert page.run("document.querySelector('#details').hidden") is True
    page.press("Home", "ArrowUp", "ArrowLeft")
    assert page.run(FOCUS) == "host"
    page.press("End", "ArrowDown")
    assert page.run(FOCUS) == "container c0ffee"


def test_a_click_explains(page: Page) -> None:
    """How it would be built by hand, in either language."""
    page.click("#picture g[data-id^=network]")
    english = page.wait("document.querySelector('#commands').textContent")
    assert "type bridge" in english
    page.run(
        "(() => { const each = document.querySelector('#language'); each.value = 'ko';"
        " each.dispatchEvent(new Event('change')); })()"
    )
    korean = page.wait(
        "document.querySelector('#commands').textContent", lambda each: each != english
    )
    assert "type bridge" in korean


def test_addresses(page: Page) -> None:
    """A field of 16 by 16, in words below; another part of the pool by choice."""
    page.wait("document.querySelectorAll('#field .cell').length", lambda each: each == 256)
    assert page.spoken("image") == [
        "256 addresses from 10.1.0.0: 1 gateway, 1 bound, 1 kept, 1 never, 252 free"
    ]
    assert page.run("document.querySelectorAll('#field .cell.bound').length") == 1
    assert page.run("[...document.querySelectorAll('#held tbody tr')].map(e => e.textContent)") == [
        "10.1.0.1gateway, name web",
        "10.1.0.2bound to a container, name web",
        "10.1.0.3kept for its owner, name web",
    ]
    page.run(
        "(() => { const each = document.querySelector('#blocks'); each.value = '10.1.1.0';"
        " each.dispatchEvent(new Event('change')); })()"
    )
    page.wait("document.querySelectorAll('#field .cell.free').length", lambda each: each == 256)
    page.click("button.pool")
    page.wait("document.querySelectorAll('#field .cell.bound').length", lambda each: each == 1)


def test_drift_is_red_until_it_is_healed(page: Page, life: Life) -> None:
    """Live; the focus stays where it was."""
    page.press("Tab", "ArrowRight")
    at = page.run(FOCUS)
    row = {
        "network": short(BLUE.id),
        "kind": "Bridge",
        "which": BRIDGE["ifname"],
        "fault": "missing",
    }
    life.maintenance().wrong = [row]
    page.wait(DRIFTED, lambda found: found == ["link", "network"])
    assert "missing" in page.run("document.querySelector('#problems-list').textContent")
    page.wait("document.title", lambda each: each.startswith("! "))
    assert page.run(FOCUS) == at
    red = colours(page.screenshot(BOX))
    life.maintenance().wrong = []
    page.wait(DRIFTED, lambda found: found == [])
    healed = colours(page.screenshot(BOX))

    assert page.run(FOCUS) == at
    assert RED in red
    assert RED not in healed


def test_drops_are_a_number_on_the_line(page: Page, life: Life) -> None:
    """And a row with what to do."""
    life.rig.firewall.counts = {port_name(WEB.id): 7}
    life.rig.firewall.drops = {"address": 7}
    page.wait(
        "document.querySelector('#picture .dropped-text')?.textContent", lambda each: each == "7"
    )
    assert "spoof_guard" in page.run("document.querySelector('#drops tbody').textContent")


def test_a_plugin_that_goes_away(page: Page, life: Life) -> None:
    """The last picture stays, and the page says why there is no news."""
    life.started = False
    page.wait(
        "document.querySelector('#status').textContent", lambda each: "still starting" in each
    )
    assert page.run("document.querySelectorAll('#picture g[data-id]').length") == 4
    life.started = True
    page.wait("document.querySelector('#status').textContent", lambda each: each.endswith(": ok"))


def test_names_are_no_markup(page: Page, life: Life) -> None:
    """Whatever a condition, an option or a container is called."""
    life.health.degrade(EVIL, EVIL, EVIL)
    page.wait("document.querySelector('#problems-list').textContent", lambda each: EVIL in each)
    assert page.run("document.querySelectorAll('img').length") == 0


def test_names_of_others_are_no_markup(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the picture, for a screen reader and in the details: of a network, and of a container."""
    monkeypatch.setitem(NETWORKS[0], "Name", f'{EVIL}" onfocus="{EVIL}')
    monkeypatch.setitem(CONTAINERS[0], "Names", [f"/</title></svg>{EVIL}"])
    for column in ("network", "container"):
        box = f"#picture g[data-id^={column}]"
        page.wait(f"document.querySelector('{box}').ariaLabel", lambda each: EVIL in each)
        assert page.run(f"document.querySelector('{box}').getAttributeNames().length") == 5
        page.click(f"{box} .box")
        page.wait("document.querySelector('#details-title').textContent", lambda each: EVIL in each)
        assert page.run("document.querySelectorAll('img').length") == 0
        page.press("Escape")


def test_a_wrong_key(browser: Page, address: str) -> None:
    """Says where the right one is."""
    browser.open(address.partition("#")[0] + "#wrong")
    told = browser.wait(
        "document.querySelector('#status')?.textContent ?? ''", lambda each: "key" in each
    )

    assert "open the address that it printed" in told


class _Stranger(BaseHTTPRequestHandler):
    """Serves at the page's port what it likes, and sends back what it was sent."""

    asked: ClassVar[list[str]] = []
    answers: ClassVar[bytes] = b""

    def do_GET(self) -> None:
        self.asked.append(self.path)
        key = self.path.partition("key=")[2]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Pynet-Answer-Key", key)
        self.end_headers()
        self.wfile.write(self.answers.replace(b"KEY", key.encode()))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Be silent."""


FORGED = b'data: {"host":"forged","version":"9","status":"ok","nodes":[],"edges":[],"pools":[]}\n\n'


@pytest.mark.parametrize("begins", [b"", b"event: answer-key\ndata: KEY\n\n"])
def test_another_program_at_its_port(page: Page, served: Served, begins: bytes) -> None:
    """Is found out, is not asked again, and nothing that it says is shown."""
    served.end()
    _Stranger.asked.clear()
    _Stranger.answers = begins + FORGED
    with Serving(ThreadingHTTPServer(("127.0.0.1", served.port), _Stranger)):
        page.wait(STATUS, lambda each: "another program answers here" in each)
        asked = len(_Stranger.asked)
        page.click("#picture g[data-id^=network]")
        told = page.wait("document.querySelector('#commands').textContent")

    assert "another program answers here" in told
    assert len(_Stranger.asked) == asked
    assert page.run("document.querySelector('#host').textContent") == "here"
    assert not any(ANSWER_KEY in each for each in _Stranger.asked)
    page.said.clear()  # the browser's own words about the connection


def test_another_pynet_at_its_port(page: Page, served: Served) -> None:
    """Has other keys, which it printed."""
    served.end()
    served.begin(key="new", answer_key="new-answer")
    page.wait(STATUS, lambda each: "open the address that it printed" in each)
    page.said.clear()


def test_a_tunnel_that_breaks(page: Page, served: Served) -> None:
    """The page goes on by itself."""
    served.end()
    page.wait(STATUS, lambda each: "does not answer; it is asked again" in each)
    served.begin()
    page.wait(STATUS, lambda each: each.endswith(": ok"))
    page.said.clear()


def test_an_address_that_was_cut(browser: Page, address: str) -> None:
    """Without the answer key nobody can be believed."""
    browser.open(address.partition(".an-")[0])
    browser.wait(STATUS, lambda each: "open the address that it printed" in each)


def test_scripts_of_others_do_not_run(page: Page) -> None:
    """The policy holds in the browser, too."""
    page.run(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.evil = 1'}))"
    )
    assert page.run("window.evil === undefined") is True
    assert any("Content Security Policy" in each for each in page.said)
    page.said.clear()
