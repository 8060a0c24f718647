"""Everything a user can say wrong with options, and what pynet answers.

The unit tests put each case to the driver, the end-to-end tests put all of them to an engine.
None depends on a host: what a parent is refused for is another matter.
"""

from collections.abc import Iterator
from typing import Final

from tests.refusals.case import LABEL, Refusal
from tests.refusals.contradictions import CONTRADICTIONS
from tests.refusals.parents import ON_PARENTS
from tests.refusals.unknown import UNKNOWN
from tests.refusals.values import BESIDE, DOCKERS_NAMES, FOR_CONTAINERS, ON_HOSTS, VALUES

NETWORK_OF: Final = {
    "bridge": {"icc": "false"},
    "overlay": {"icc": "false", **ON_HOSTS},
    "macvlan": {"parent": "eth0"},
    "ipvlan": {"parent": "eth0"},
}


def of_networks() -> Iterator[Refusal]:
    """Everything that ``docker network create`` is refused for."""
    for mode, values in VALUES.items():
        for option, (right, wrong) in values.items():
            for value in wrong:
                yield Refusal(
                    mode=mode,
                    options={**BESIDE[mode], option: value},
                    said=f"option {option} is {value!r}, expected {right}",
                )
    for label, option, value, right in DOCKERS_NAMES:
        beside = {"mode": "overlay", **ON_HOSTS} if option in {"vni", "encrypted"} else {}
        yield Refusal(
            mode=beside.get("mode", "bridge"),
            options={**beside, LABEL + label: value},
            said=f"option {option} is {value!r}, expected {right}",
        )
    yield from (each for each in (*CONTRADICTIONS, *ON_PARENTS, *UNKNOWN) if not each.container)


def of_containers() -> Iterator[Refusal]:
    """Everything that ``docker network connect`` is refused for."""
    for mode, values in FOR_CONTAINERS.items():
        for option, (right, wrong) in values.items():
            for value in wrong:
                yield Refusal(
                    mode=mode,
                    options=NETWORK_OF[mode],
                    container={option: value},
                    said=f"option {option} is {value!r}, expected {right}",
                )
    yield from (each for each in (*CONTRADICTIONS, *ON_PARENTS, *UNKNOWN) if each.container)
