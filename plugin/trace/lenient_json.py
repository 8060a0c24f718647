"""Read JSON of programs that print names of links as they are, with whatever bytes these have."""

import json
from typing import Any

import msgspec


def decoded(text: str) -> Any:
    """The value.  Raises ValueError."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:  # strict, and some times as fast
        return json.loads(text, strict=False)
