"""What somebody else did to rules is told; what we did ourselves is not."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.firewall import skeleton
from plugin.kernel.watches import PROCESS_NAME, RulesetWatch
from tests.kernel.netns import Netns

ELEMENT = 'element inet pynet pn_bridges { "x" }'


@pytest.fixture
def told(netns: Netns) -> Iterator[threading.Event]:
    """Set when the watch has something to tell; our table is there."""
    netns.run("nft", "-f", "-", stdin=skeleton.script(0x800))
    netns.run("nft", "add", *ELEMENT.split())
    event = threading.Event()
    watch = RulesetWatch(event.set)
    yield event
    watch.close()


def is_told(netns: Netns, told: threading.Event) -> bool:
    """Whether it was told soon; that it listens at all is seen by a later change."""
    first = told.wait(0.1)
    netns.run("nft", "flush", "ruleset")
    assert told.wait(5), "a flush must be told"
    return first


@pytest.mark.parametrize(
    "command",
    [
        "nft flush ruleset",
        "nft delete table inet pynet",
        "nft flush chain inet pynet pn_forward",
        f"nft delete {ELEMENT}",
    ],
)
def test_a_loss_of_ours_is_told(netns: Netns, told: threading.Event, command: str) -> None:
    """At once, not with the next tick."""
    netns.run(*command.split())

    assert told.wait(5)


def test_docker_that_comes_is_told(netns: Netns, told: threading.Event) -> None:
    """Our rule has to move into its chain."""
    netns.run("iptables", "-N", "DOCKER-USER")

    assert told.wait(5)


def test_rules_that_do_not_concern_us_are_not(netns: Netns, told: threading.Event) -> None:
    """Docker changes some with every container."""
    netns.run("nft", "add", "table", "ip", "other")
    netns.run("nft", "delete", "table", "ip", "other")
    netns.run("nft", "add", "element", "inet", "pynet", "pn_bridges", '{ "y" }')

    assert not is_told(netns, told)


def test_our_own_changes_are_not(netns: Netns, told: threading.Event, tmp_path: Path) -> None:
    """The kernel says whose they are: a loop would have no end."""
    nft = shutil.which("nft")
    assert nft
    own = tmp_path / PROCESS_NAME
    shutil.copy(nft, own)
    netns.run(str(own), "delete", *ELEMENT.split())

    assert not is_told(netns, told)
