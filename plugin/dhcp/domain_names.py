"""Names as DNS writes them (RFC 1035 section 4.1.4), in options of DHCP and of routers."""

import re
from typing import Final

_MOST_NAMES: Final = 16
_LONGEST: Final = 253  # RFC 1035 section 2.3.4, as text
_POINTER: Final = 0xC0
_LABEL: Final = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def read_names(data: bytes) -> tuple[str, ...]:
    """The names of a list, as far as each is one; compressed ones as in RFC 3397."""
    names: list[str] = []
    at = 0
    while at < len(data) and len(names) < _MOST_NAMES:
        labels, end = _labels(data, at)
        if end is None:
            break
        text = b".".join(labels)
        if labels and len(text) <= _LONGEST and all(_LABEL.fullmatch(each) for each in labels):
            names.append(text.decode("ascii"))
        at = end
    return tuple(dict.fromkeys(names))


def _labels(data: bytes, at: int) -> tuple[list[bytes], int | None]:
    """A name's labels, and where the next name starts: None if this one is broken.

    A pointer leads back only, so that following pointers ends.
    """
    labels: list[bytes] = []
    end: int | None = None
    while at < len(data):
        length = data[at]
        if length == 0:
            return labels, at + 1 if end is None else end
        if length & _POINTER == _POINTER:
            if at + 1 >= len(data):
                break
            target = (length & ~_POINTER) << 8 | data[at + 1]
            if target >= at:
                break
            end = at + 2 if end is None else end
            at = target
            continue
        if length & _POINTER or at + 1 + length > len(data):
            break
        labels.append(data[at + 1 : at + 1 + length])
        if len(labels) > _LONGEST:
            break
        at += 1 + length
    return labels, None
