"""Bodies of calls, as engines send them."""

import json
from typing import Any

from plugin.wire.decoding import decode

LABEL = "com.docker.network."
POOL = {"AddressSpace": "L", "Pool": "10.1.0.0/24", "Gateway": "10.1.0.1/24"}


def read(kind: Any, **message: Any) -> Any:
    """Through bytes, as it comes."""
    return decode(json.dumps(message).encode(), kind)
