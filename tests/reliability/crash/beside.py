"""Deaths that no call is to blame for: of the reaper, in a start, after a reboot, in a look."""

import itertools

from plugin.model.links import OWNER_PREFIX
from tests.kernel.netns import Netns, wait_until
from tests.reliability.crash.points import CONNECTIONS, REAPER
from tests.reliability.crash.server import HANDOFFS
from tests.reliability.crash.snapshot import Snapshot
from tests.reliability.crash.walk import REMOVE, STOP, Walk
from tests.reliability.wire import DeadError


def die_reaping(walk: Walk) -> None:
    """Die when links are about to be deleted: the next start deletes them."""
    walk.run_up_to(STOP)
    walk.stop_and_die(REAPER)
    walk.counts["dies while links are deleted"] += 1
    walk.run_from(REMOVE)


def die_ending_connections(walk: Walk) -> None:
    """Die, and be refused, when connections of what is gone are ended and its record goes."""
    walk.run_up_to(STOP)
    points = walk.behind_stop(CONNECTIONS)
    walk.run_from(REMOVE)
    for at in range(points):
        walk.run_up_to(STOP)
        walk.stop_and_die(CONNECTIONS, at)
        walk.counts["dies while connections are ended"] += 1
        walk.run_from(REMOVE)
        walk.run_up_to(STOP)
        walk.stop_refused(CONNECTIONS, at)
        walk.counts["refused while connections are ended"] += 1
        walk.run_from(REMOVE)


def die_starting(walk: Walk) -> None:
    """Die at every point of a start, while a container runs."""
    walk.run_up_to(STOP)
    for at in itertools.count():
        walk.server.kill()
        if walk.server.start(at):
            break
        walk.counts["dies while it starts"] += 1
        walk.revive()
        walk.expect(walk.running(), f"after a start that ended at point {at}")
    walk.run_from(STOP)


def die_after_reboot(walk: Walk, netns: Netns) -> None:
    """Die at every point of the start that makes networks exist again."""
    rebooted: Snapshot | None = None
    for at in itertools.count(-1):
        walk.run_up_to(STOP)
        walk.server.kill()
        _reboot(netns)
        there = walk.server.start(at if at >= 0 else None)
        if not there:
            walk.counts["dies while it starts after a reboot"] += 1
            walk.revive()
        if rebooted is None:
            rebooted = walk.look()
        walk.expect(rebooted, f"after a reboot and a start that ended at point {at}")
        walk.run_from(STOP)
        if there and at >= 0:
            return


def die_ticking(walk: Walk, netns: Netns) -> None:
    """Die at every point of a tick that has much to repair."""
    walk.run_up_to(STOP)
    for at in itertools.count():
        walk.server.arm(at)
        _harm(netns)
        try:
            walk.server.tick()
            walk.server.arm(None)  # what goes on in the background may die until then
        except DeadError:
            walk.counts["dies while it repairs"] += 1
            walk.revive()
            walk.expect(walk.running(), f"after a tick that ended at point {at}")
        else:
            break
    walk.expect(walk.running(), "after a tick")
    walk.run_from(STOP)


def die_woken(walk: Walk, netns: Netns) -> None:
    """Die at every point of what the loop repairs by itself, told that links are down and apart."""
    walk.run_up_to(STOP)
    for at in itertools.count():
        walk.server.arm(at)
        names = [each for each in _ours(netns) if not each.startswith(HANDOFFS)]
        netns.ip(*(f"link set {name} down nomaster" for name in names))
        try:
            wait_until(lambda: _is_repaired(walk), "what is down stays down")
            walk.server.arm(None)
        except DeadError:
            walk.counts["dies while it repairs one network"] += 1
            walk.revive()
            walk.expect(walk.running(), f"after a look that ended at point {at}")
        else:
            break
    walk.run_from(STOP)


def _is_repaired(walk: Walk) -> bool:
    """Whether the plugin lives and all is as it was; raises DeadError if it does not live."""
    walk.server.control("ready")
    return walk.look() == walk.running()


def _reboot(netns: Netns) -> None:
    """Remove what a reboot removes; a container's end goes with its host's end."""
    for name in _ours(netns):
        netns.run("ip", "link", "delete", name)
    netns.run("nft", "flush", "ruleset")


def _harm(netns: Netns) -> None:
    """Remove what no container's link goes with: rules, bridges, and the host's own links."""
    netns.run("nft", "flush", "ruleset")
    for kind in ("bridge", "macvlan", "vxlan"):
        for name in _ours(netns, kind):
            if name.startswith(("pnb-", "pnh-", "pnx-")):
                netns.run("ip", "link", "delete", name)


def _ours(netns: Netns, kind: str = "") -> list[str]:
    words = ["type", kind] if kind else []
    shown = netns.run("ip", "-o", "link", "show", *words)
    names = [
        line.split()[1].rstrip(":").partition("@")[0]
        for line in shown.splitlines()
        if f"alias {OWNER_PREFIX}" in line
    ]
    return sorted(names)
