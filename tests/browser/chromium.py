"""Headless Chromium, told what to do by its DevTools protocol through a pair of pipes.

See https://chromedevtools.github.io/devtools-protocol/: messages are JSON, each with a NUL behind it.
"""

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.lab.closing import Closing

PROGRAM: Final = "/usr/lib/chromium/chromium"
DEADLINE: Final = 60.0  # seconds, on a machine that does much besides
_PAUSE: Final = 0.05
_OPTIONS: Final = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--no-proxy-server", "--hide-scrollbars", "--remote-debugging-pipe"),
)
# Key names (UI Events KeyboardEvent key Values), and what Windows calls them, which the protocol wants.
_KEYS: Final = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    "End": 35,
    "Home": 36,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}


class Page(Closing):
    """One tab: a context manager that leaves no process behind."""

    def __init__(self, folder: Path, before: Sequence[str] = (), size: str = "1180,900") -> None:
        """Start the browser, by ``before`` as nsenter's command line, with its files in a folder."""
        self.said: list[str] = []  # on the console, and what went wrong
        self._number = 0
        self._buffer = b""
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = [
            *before,
            *(
                "bash",
                "-c",
                f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}',
                "bash",
                PROGRAM,
                *_OPTIONS,
            ),
            *(f"--user-data-dir={folder}", f"--window-size={size}", "about:blank"),
        ]
        with (folder / "chromium.log").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                pass_fds=(theirs_in, theirs_out),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        os.close(theirs_in)
        os.close(theirs_out)
        self._session = ""
        try:
            self._attach()
        except BaseException:
            self.close()
            raise

    def _attach(self) -> None:
        targets = self.tell("Target.getTargets")["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = self.tell("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.tell(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, address: str) -> None:
        """Go to an address."""
        self.tell("Page.navigate", url=address)

    def run(self, script: str) -> Any:
        """What an expression of JavaScript is there."""
        found = self.tell(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["exception"].get("description", script))
        return found["result"].get("value")

    def wait(self, script: str, reached: Callable[[Any], object] = bool) -> Any:
        """Wait until an expression is true, or as it should be; return it."""
        end = time.monotonic() + DEADLINE
        while not reached(found := self.run(script)):
            if time.monotonic() > end:
                raise TimeoutError(f"{script} is {found!r}; the console said {self.said}")
            time.sleep(_PAUSE)
        return found

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            given: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
            if key == "Enter":
                given["text"] = "\r"
            self.tell("Input.dispatchKeyEvent", type="keyDown", **given)
            given.pop("text", None)
            self.tell("Input.dispatchKeyEvent", type="keyUp", **given)

    def click(self, selector: str) -> None:
        """Click with the mouse into the middle of an element."""
        x, y = self.run(
            f"(() => {{ const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.tell("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def spoken(self, role: str) -> list[str]:
        """Names of all elements of a role, as a screen reader has them."""
        nodes = self.tell("Accessibility.getFullAXTree")["nodes"]
        return [
            each["name"]["value"]
            for each in nodes
            if not each["ignored"] and each.get("role", {}).get("value") == role and "name" in each
        ]

    def screenshot(self, selector: str = "") -> bytes:
        """The window as PNG, or the upper left corner of an element."""
        more: dict[str, Any] = {}
        if selector:
            x, y = self.run(
                f"(() => {{ const box = document.querySelector({json.dumps(selector)})"
                ".getBoundingClientRect(); return [box.x, box.y]; })()"
            )
            more["clip"] = {"x": x, "y": y, "width": 16, "height": 16, "scale": 1}
        return base64.b64decode(self.tell("Page.captureScreenshot", format="png", **more)["data"])

    def _read(self) -> dict[str, Any]:
        """One message; events of the console and the log are kept."""
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], DEADLINE)
            more = os.read(self._in, 1 << 16) if ready else b""
            if not more:
                raise RuntimeError("Chromium says nothing; its log is in its folder")
            self._buffer += more
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        told = message.get("params", {})
        if message.get("method") == "Runtime.consoleAPICalled":
            self.said.append(" ".join(str(each.get("value")) for each in told["args"]))
        elif message.get("method") == "Runtime.exceptionThrown":
            self.said.append(str(told["exceptionDetails"].get("exception", told)))
        elif message.get("method") == "Log.entryAdded":
            self.said.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        return message
