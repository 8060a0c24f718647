"""Lines of a stream, whatever pieces they come in."""

import pytest

from etcdgw.framing import Chunks, Lines
from etcdgw.messages import prefix_end

BODY = b'{"a":1}\n\n{"b":2}\n{"c":'
CHUNKED = b'9;x=y\r\n{"a":1}\n\n\r\ne\r\n{"b":2}\n{"c":3\r\n0\r\n\r\n'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_lines_in_pieces(size: int) -> None:
    """A line is told once it is whole; empty ones are none."""
    lines = Lines()

    told = [
        line
        for start in range(0, len(BODY), size)
        for line in lines.feed(BODY[start : start + size])
    ]

    assert told == [b'{"a":1}', b'{"b":2}']
    assert lines.feed(b"3}\n") == [b'{"c":3}']


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_chunks_in_pieces(size: int) -> None:
    """The coding is taken off wherever it is cut, and its end is seen."""
    chunks = Chunks()

    data = b"".join(
        chunks.feed(CHUNKED[start : start + size]) for start in range(0, len(CHUNKED), size)
    )

    assert data == b'{"a":1}\n\n{"b":2}\n{"c":3'
    assert chunks.ended


def test_what_is_not_chunked() -> None:
    """Is no data."""
    with pytest.raises(ValueError, match="invalid literal"):
        Chunks().feed(b"{}\r\n")


@pytest.mark.parametrize(
    ("prefix", "end"),
    [(b"/a/", b"/a0"), (b"a\xff", b"b"), (b"", b"\x00"), (b"\xff\xff", b"\x00")],
)
def test_the_end_of_a_prefix(prefix: bytes, end: bytes) -> None:
    """Is the first key behind it; to etcd, a zero byte means the end of all keys."""
    assert prefix_end(prefix) == end
