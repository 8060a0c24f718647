"""Which tests failed, and were run once more."""

import re
from collections.abc import Iterable
from typing import Final

# pytest-rerunfailures', with -rR.
_RERUN: Final = re.compile(r"^RERUN (\S+::\w+(?:\[.*?\](?= - |$))?)")


def run_again(lines: Iterable[str]) -> list[str]:
    """Return a line for each, by name; whether it passed then is said by its stage."""
    names = {match[1] for line in lines if (match := _RERUN.match(line))}
    return [f"   {name}" for name in sorted(names)]
