"""Every promise about security, attacked; beside each attack, a like probe that is to succeed.

What ``promises`` names elsewhere needs a life of its own, and has it there.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Final

import pytest

from tests.kernel.attacked import Attacked, Guarded
from tests.kernel.attacks import ATTACKS, Ask, Attack, Send
from tests.kernel.forgeries import FORGERIES, named
from tests.kernel.site import WEATHERS, Site

ASKED: Final = [(each, family) for each in ATTACKS for family in each.families]


class Scene:
    """One host for all attacks."""

    def __init__(self, site: Site) -> None:
        self.guarded = Guarded(site)
        self.attacked = Attacked(site)

    @cached_property
    def reached(self) -> tuple[set[tuple[Attack, int]], set[tuple[Attack, int]]]:
        """Attacks that are questions, all asked at once, and their controls."""
        probes = {key: key[0].probe for key in ASKED if isinstance(key[0].probe, Ask)}
        controls = {key: key[0].control for key in ASKED if isinstance(key[0].control, Ask)}
        succeeded = self.attacked.answers(controls, wanted=True)
        return self.attacked.answers(probes, wanted=False), succeeded

    def outcome(self, attack: Attack, family: int) -> tuple[bool, bool]:
        """Whether the attack succeeds, and whether the control does."""
        probe, control = attack.probe, attack.control
        if isinstance(probe, Send) and isinstance(control, Send):
            found = (self.attacked.arrives(each, family) for each in (probe, control))
            return next(found), next(found)
        probes, controls = self.reached
        return (attack, family) in probes, (attack, family) in controls


@pytest.fixture(scope="module", params=WEATHERS)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A host in all weathers; what is tried on it changes nothing."""
    br_netfilter, docker = request.param
    site = Site(br_netfilter=br_netfilter, docker=docker)
    with site.host.entered():
        made = Scene(site)
        yield made
        made.guarded.close()
        site.close()


@pytest.mark.parametrize(
    ("attack", "family"),
    ASKED,
    ids=[f"{each.promise}: {each.what}, IPv{family}" for each, family in ASKED],
)
def test_what_is_promised(scene: Scene, attack: Attack, family: int) -> None:
    """The attack comes to nothing, and not for another reason."""
    assert scene.outcome(attack, family) == (False, True)


@pytest.mark.parametrize("frame", named(FORGERIES).values(), ids=named(FORGERIES))
def test_nobody_hears_who_speaks_as_another(scene: Scene, frame: bytes) -> None:
    """But of a container that may."""
    assert (scene.guarded.heard(frame), scene.guarded.heard_of_exempt(frame)) == (False, True)


def test_who_is_kept_apart_does_not_hear_what_is_for_all(scene: Scene) -> None:
    """Neither one that has no friends nor one that has; others of a network do."""
    heard = {
        (name, by)
        for by, at in (("apart", "apart too"), ("friend", "apart"), ("internal", "internal too"))
        for name, (target, packet) in scene.attacked.to_all(by).items()
        if scene.attacked.hears(by, at, target, packet)
    }

    assert heard == {(name, "internal") for name in scene.attacked.to_all("internal")}


@pytest.mark.parametrize("believes", [False, True])
def test_the_host_takes_no_container_for_a_router(*, believes: bool) -> None:
    """Unless the user has the bridge accept advertisements, however unguarded the container is."""
    site = Site()
    with site.host.entered():
        guarded = Guarded(site)
        site.host.sysctl("net/ipv6/conf/all/forwarding", 0)
        if believes:
            site.host.sysctl(f"net/ipv6/conf/{guarded.bridge}/accept_ra", 1)
        arrived = guarded.heard_of_exempt(FORGERIES["no-router"]["an advertisement"])
        routes = site.host.run("ip", "-6", "route", "show", "default", "proto", "ra")
        guarded.close()
        site.close()

    assert (arrived, guarded.bridge in routes) == (True, believes)
