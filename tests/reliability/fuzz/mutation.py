"""Turns a request as an engine sends it into one that no engine would send."""

import json
import random
from collections.abc import Callable
from typing import Any, Final

from tests.reliability.wire import Json

_ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1 << 63, -(1 << 64), 1e308, 0.5, "", " ", "\0", "a\0b", "\ud83d\ude00",
    "\u202e", "é" * 300, "x" * 70_000, "../../etc", "%s%n", "0.0.0.0/0", "::/0", "10.1.0.0/33",
    "fe80::1%lo", "1.2.3.4", "ff:ff:ff:ff:ff:ff", [], {}, [[]], [None], {"": None}, "\u0130\u212a",
    "١٢", "1_0", "0x10", "1e3", "-0", "\u0660.\u0660.\u0660.\u0660", "a" * 64, "{}", "null",
)  # fmt: skip
_DEEP: Final = 3000
_VERBS: Final = ("GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "FOO", "post")
_PATHS: Final = (
    "/", "//", "/NetworkDriver", "/NetworkDriver.", "/networkdriver.join", "/../x", "/%00", "/%ff",
    "/NetworkDriver.Join/", "/NetworkDriver.Join?x=1", "/IpamDriver.Nothing", "/" + "a" * 3000, "*",
    "/Plugin.Activate#x", "/static/x", "/é",
)  # fmt: skip


class Mutator:
    """The same seed makes the same requests."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._ways: tuple[tuple[int, Callable[[str, Json], bytes]], ...] = (
            (60, self._other_values),
            (12, self._other_bytes),
            (8, self._other_http),
            (20, self._as_it_is),
        )

    def request(self, method: str, body: Json) -> bytes:
        """Return the bytes of a request, of whatever kind."""
        weights, ways = zip(*self._ways, strict=True)
        (way,) = self._random.choices(ways, weights)
        made: bytes = way(method, body)
        return made

    def choose(self, among: list[Any]) -> Any:
        """Return one of them."""
        return self._random.choice(among)

    def _as_it_is(self, method: str, body: Json) -> bytes:
        return _http("POST", f"/{method}", json.dumps(body).encode())

    def _other_values(self, method: str, body: Json) -> bytes:
        mutated: Any = json.loads(json.dumps(body))
        for _ in range(self._random.choice((1, 1, 1, 2, 4))):
            mutated = self._change(mutated)
        return _http("POST", f"/{method}", json.dumps(mutated).encode(errors="surrogatepass"))

    def _change(self, value: Any) -> Any:
        """Change one place of a value, the deeper the less likely."""
        if isinstance(value, dict) and value and self._random.random() < 0.85:
            return self._change_key(dict(value), self._random.choice(list(value)))
        if isinstance(value, list) and value and self._random.random() < 0.7:
            place = self._random.randrange(len(value))
            if self._random.random() < 0.2:
                return value * self._random.choice((0, 2, 50))
            return [*value[:place], self._change(value[place]), *value[place + 1 :]]
        return self._odd(value)

    def _change_key(self, value: Json, key: str) -> Json:
        match self._random.randrange(8):
            case 0:
                del value[key]
            case 1:
                value[self._random.choice((key.lower(), key.upper(), key + " ", ""))] = value.pop(
                    key
                )
            case 2:
                value[str(self._odd(key))] = self._odd(value[key])
            case _:
                value[key] = self._change(value[key])
        return value

    def _odd(self, value: Any) -> Any:
        match self._random.randrange(6):
            case 0:
                return {"a": value}
            case 1:
                return [value]
            case 2 if isinstance(value, str) and value:
                place = self._random.randrange(len(value))
                return (
                    value[:place]
                    + self._random.choice(("", "/", "0", "\0", "é"))
                    + value[place + 1 :]
                )
            case 3 if isinstance(value, int):
                return value + self._random.choice((-1, 1, 1 << 16, 1 << 32))
            case _:
                return self._random.choice(_ODD)

    def _other_bytes(self, method: str, body: Json) -> bytes:
        data = bytearray(json.dumps(body).encode())
        match self._random.randrange(7):
            case 0:
                for _ in range(self._random.choice((1, 2, 8))):
                    data[self._random.randrange(len(data))] = self._random.randrange(256)
            case 1:
                del data[self._random.randrange(len(data)) :]
            case 2:
                data = bytearray(b"[" * _DEEP + b"]" * self._random.choice((0, _DEEP)))
            case 3:
                data = bytearray(b'{"NetworkID":' * _DEEP)
            case 4:
                data += self._random.choice((b"{}", b"\0", b" \n", b"x", b"\xff"))
            case 5:
                data = bytearray(b"{" + data[1:-1] + b"," + data[1:-1] + b"}")
            case _:
                data = bytearray(
                    self._random.choice((b"", b" ", b"\xef\xbb\xbf{}", b"NaN", b'"', b"\x00"))
                )
        return _http("POST", f"/{method}", bytes(data))

    def _other_http(self, method: str, body: Json) -> bytes:  # noqa: PLR0911
        data = json.dumps(body).encode()
        path = f"/{method}"
        match self._random.randrange(7):
            case 0:
                return _http(self._random.choice(_VERBS), path, data)
            case 1:
                return _http("POST", self._random.choice(_PATHS), data)
            case 2:
                return _http("POST", path, data, length=self._random.choice(_lengths(len(data))))
            case 3:
                return _http("POST", path, data, more=self._random.choice(_HEADERS))
            case 4:
                return _http("POST", path, _chunked(data), length="", more=_CHUNKED)
            case 5:
                return _http("POST", path, b"zz\r\n" + data, length="", more=_CHUNKED)
            case _:
                return bytes(self._random.randrange(256) for _ in range(64)) + b"\r\n\r\n"


_CHUNKED: Final = "Transfer-Encoding: chunked\r\n"
_HEADERS: Final = (
    "Content-Length: 5\r\n", "X: " + "y" * 20_000 + "\r\n", "Content-Type: text/plain\r\n",
    "Content-Encoding: gzip\r\n", "Expect: 100-continue\r\n", "Connection: keep-alive\r\n",
    "Upgrade: h2c\r\n", "no colon\r\n", "X\0: y\r\n", "Host: other\r\n", "Cookie: a=b\r\n",
    _CHUNKED, "X: y\r\n" * 200,
)  # fmt: skip


def _lengths(length: int) -> tuple[str, ...]:
    return (
        str(length - 1), str(length + 100), "0", "-1", "1e3", "99999999999999999999", "٣", "+5",
    )  # fmt: skip


def _chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n0\r\n\r\n"


def _http(verb: str, path: str, data: bytes, *, length: str | None = None, more: str = "") -> bytes:
    counted = str(len(data)) if length is None else length
    head = f"{verb} {path} HTTP/1.1\r\nHost: plugin.moby.localhost\r\n"
    if counted:
        head += f"Content-Length: {counted}\r\n"
    return (head + more + "\r\n").encode() + data
