"""The constant part of our table."""

import re
from itertools import chain

from plugin.firewall import skeleton

SCRIPT = skeleton.script(0x800)


def test_every_set_and_map_is_looked_up() -> None:
    """One that no rule asks would be kept for nothing."""
    rules = "\n".join(line for line in SCRIPT.splitlines() if line.startswith("add rule"))
    asked = set(re.findall(r"@(pn_\w+)", rules))

    kept = [name for kinds in (skeleton.SETS, skeleton.MAPS) for name in chain(*kinds.values())]
    assert asked == set(kept)


def test_elements_survive_it() -> None:
    """It is run under running containers: rules are replaced, sets are not."""
    assert "flush table" not in SCRIPT
    assert "delete" not in SCRIPT
    assert not re.search(r"flush (set|map)", SCRIPT)


def test_names_are_no_words_of_nft() -> None:
    """``fwd``, ``mark`` and others are."""
    names = re.findall(r"add (?:set|map|chain) (?:inet|bridge) pynet (\w+)", SCRIPT)

    assert names
    assert all(name.startswith("pn_") for name in names)


def test_the_mark_is_the_one_that_was_set() -> None:
    """Docker's rule asks for the same."""
    assert "meta mark set meta mark or 0x4 accept" in skeleton.script(0x4)
    assert "{mark" not in SCRIPT
