"""How long engines waited for pynet's answers, by its own metrics since its start."""

import re
from typing import Final

from tests.lab.installed import Installed
from tests.lab.unix_http import get_bytes

LONGEST: Final = "3.0"  # seconds that an engine may wait for an answer
_CALL: Final = re.compile(r"^pynet_rpc_seconds_(count|bucket)\{(.*?)\} (\S+)$", re.MULTILINE)


def calls(installed: Installed) -> dict[str, tuple[int, int]]:
    """Return by method how many calls there were, and how many of them took longer than an engine may wait."""
    text = get_bytes(installed.admin_socket, "/metrics").decode()
    counts: dict[str, int] = {}
    in_time: dict[str, int] = {}
    for kind, labels, number in _CALL.findall(text):
        method = re.sub(r'le="[^"]*",?', "", labels)
        if kind == "count":
            counts[method] = counts.get(method, 0) + int(float(number))
        elif f'le="{LONGEST}"' in labels:
            in_time[method] = in_time.get(method, 0) + int(float(number))
    return {method: (number, number - in_time[method]) for method, number in counts.items()}


def late(installed: Installed) -> list[str]:
    """Methods of which a call took longer than an engine may wait."""
    return [method for method, (_, slow) in calls(installed).items() if slow]
