"""What is served without gunicorn's parser is what that parser reads, too, and nothing else."""

from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.config import Config
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser
from hypothesis import example, given
from hypothesis import strategies as st

from plugin.server import plain
from tests.property.effort import effort

FIRST = b"POST /IpamDriver.RequestPool HTTP/1.1"
AGENT = b"User-Agent: Go-http-client/1.1"
Seen = tuple[str, str, str, bytes]  # method, path, query and body

firsts = st.sampled_from(
    (
        *(FIRST, b"POST /a.b HTTP/1.1", b"POST //a.b HTTP/1.1", b"GET /a.b HTTP/1.1"),
        *(b"GET /health HTTP/1.1", b"GET /v1/explain?id=0f&lang=ko HTTP/1.1"),
        *(b"DELETE /v1/leases HTTP/1.1", b"POST /v1/reconcile HTTP/1.1", b"HEAD /health HTTP/1.1"),
        *(b"GET /v1/a?b=%20;c HTTP/1.1", b"GET /v1/../a HTTP/1.1", b"GET /v1/a#b HTTP/1.1"),
    )
)
lengths = st.sampled_from([b"Content-Length: %d" % number for number in range(5)])
headers = st.sampled_from(
    (
        *(b"Host: pynet", b"Host: a b", AGENT, b"Accept: */*", b"Accept-Encoding: gzip"),
        *(b"Content-Type: text/plain", b"Content-Type: a,b", b"Transfer-Encoding: chunked"),
        *(b"Connection: keep-alive", b"Expect: 100-continue", b"Host : b", b"Host:", b" a"),
    )
)
# Places are parts of a request, of any length.
places = st.floats(0, 1)
changes = st.lists(
    st.tuples(
        places,
        st.integers(0, 3),
        st.sampled_from((b"", b"\r\n", b"\n", b"\0", b"\xff", b" ", b":", b"0")),
    ),
    max_size=2,
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Requests as an engine sends them, and those that differ in little."""
    before = draw(st.lists(headers, max_size=3))
    after = draw(st.lists(headers, max_size=3))
    lines = [draw(firsts), *before, *draw(st.lists(lengths, max_size=2)), *after]
    request = b"\r\n".join((*lines, b"", draw(st.sampled_from((b"", b"{}", b"{}{}")))))
    for where, gone, come in draw(changes):
        place = int(where * len(request))
        request = request[:place] + come + request[place + gone :]
    return request


class Sent:
    """A connection with all that its caller sends."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def recv(self, bufsize: int, _: int = 0, /) -> bytes:
        found, self._data = self._data[:bufsize], self._data[bufsize:]
        return found

    def sendall(self, _: bytes, /) -> None:
        """The answer is not looked at here."""

    def unread(self, data: bytes) -> None:
        self._data = data + self._data


def served(connection: Sent) -> Seen | None:
    """What the application is asked; None if that is left to gunicorn."""
    asked: list[Seen] = []

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        named = [environ[each] for each in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING")]
        asked.append((*named, environ["wsgi.input"].read()))
        start("200 OK", [])
        return []

    return asked[0] if plain.serve(connection, app) else None


def parsed(data: bytes) -> Seen | None:
    """What gunicorn reads as the one request in it; None if it refuses it, or more follows."""
    parser = RequestParser(Config(), [data], "")
    try:
        request = next(parser)
        body = request.body.read()
    except ParseException:
        return None
    rest = parser.unreader.read()
    seen = (request.method, request.path, request.query, body)
    return seen if request.version == (1, 1) and not rest else None


@effort(2000)
@given(data=requests())
@example(data=b"\r\n".join((FIRST, b"Host: a", b"Content-Length: 2", b"Host: b", b"", b"{}")))
def test_what_is_served_at_once_is_what_gunicorn_reads(data: bytes) -> None:
    """Two parsers that differ would each serve another request than was sent."""
    connection = Sent(data)
    found = served(connection)

    if found is None:
        assert connection.recv(len(data) + 1) == data
    else:
        assert found == parsed(data)


def test_some_are_served_at_once() -> None:
    """Or the comparison above compares nothing."""
    data = b"\r\n".join((FIRST, b"Host: pynet", AGENT, b"Content-Length: 2", b"", b"{}"))

    assert served(Sent(data)) == parsed(data) == ("POST", "/IpamDriver.RequestPool", "", b"{}")


def test_so_are_those_of_commands() -> None:
    """As http.client and curl write them."""
    asked = (
        b"GET /v1/explain?id=0f HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n"
    )
    told = b"POST /v1/leases HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/7\r\nAccept: */*\r\nContent-Length: 1\r\n\r\nx"

    assert served(Sent(asked)) == parsed(asked) == ("GET", "/v1/explain", "id=0f", b"")
    assert served(Sent(told)) == parsed(told) == ("POST", "/v1/leases", "", b"x")
