"""Elements as plans write them, and as the kernel holds them."""

import pytest

from plugin.errors import FirewallError
from plugin.firewall.elements import SHAPES
from plugin.model.resources import Element
from plugin.model.rules import SetEntry
from tests.contract.test_firewall import EVERY_KIND


@pytest.mark.parametrize("element", EVERY_KIND, ids=lambda e: f"{e.container} {e.match[0]}")
def test_there_and_back(element: Element) -> None:
    """Whatever is written is read the same."""
    shape = SHAPES[element.container]

    assert list(shape.elements(shape.entries(element))) == [element]


@pytest.mark.parametrize(
    "element",
    [
        Element(container="pn_bridges", match=('"a-name-that-is-too-long"',)),
        Element(container="pn_bridges", match=('"a"', '"b"')),
        Element(container="pn_ports4", match=("tcp", "80"), data=("10.1.0.2",)),
        Element(container="pn_ports4", match=("tcp", "70000"), data=("10.1.0.2", "80")),
        Element(container="pn_ports4", match=("tcp", "80"), data=("10.1.0", "80")),
        Element(container="pn_guard_mac", match=('"pnv-1"', "02:00:00:00:00")),
        Element(container="pn_subnets4", match=("10.1.0.7/24",)),
    ],
    ids=lambda e: f"{e.container} {e.match} {e.data}",
)
def test_what_is_none_of_its_kind_is_refused(element: Element) -> None:
    """The kernel would take some of those for something else."""
    with pytest.raises(FirewallError, match=f"is no element of {element.container}"):
        SHAPES[element.container].entries(element)


def test_intervals_side_by_side() -> None:
    """The end of one and the start of the next are at one key, in whatever order they are told."""
    entries = [
        SetEntry(key=bytes((10, 1, 2, 0)), ends=True),
        SetEntry(key=bytes((10, 1, 1, 0))),
        SetEntry(key=bytes((10, 1, 1, 0)), ends=True),
        SetEntry(key=bytes((10, 1, 0, 0))),
        SetEntry(key=bytes(4), ends=True),  # nft puts that before the first
    ]

    assert [each.match for each in SHAPES["pn_subnets4"].elements(entries)] == [
        ("10.1.0.0/24",),
        ("10.1.1.0/24",),
    ]


def test_an_interval_without_an_end_ends_with_the_next() -> None:
    """Or with the last address there is."""
    entries = [SetEntry(key=bytes((10, 1, 0, 0))), SetEntry(key=bytes((128, 0, 0, 0)))]

    assert [each.match for each in SHAPES["pn_subnets4"].elements(entries)] == [
        ("10.1.0.0-127.255.255.255",),
        ("128.0.0.0/1",),
    ]


def test_entries_of_another_size_are_passed_over() -> None:
    """Of a set that an earlier version made with another type."""
    assert list(SHAPES["pn_bridges"].elements([SetEntry(key=b"four")])) == []
