"""An encrypted network, looked at from the wire between the hosts."""

from functools import partial
from typing import Final

import pytest

from plugin.model.ids import wireguard_name
from tests.e2e.spanning import (
    HEADERS,
    SOON,
    VXLAN_PORT,
    WIREGUARD_PORT,
    App,
    Two,
    forgery_heard,
    hears,
    is_udp,
    overheard,
)
from tests.lab.clients import http_get
from tests.lab.commands import run, wait_until
from tests.lab.lab import Lab
from tests.lab.namespace import Peer, enter, ip

MTU: Final = 1370


def test_encrypted(two: Two, app: App, hidden: App, lab: Lab, peer: Peer) -> None:
    """Nothing of it is on the wire or heard in clear, the largest packet fits, its link comes back."""
    site, (one, other) = two.sites[0], hidden.netns
    with overheard(lab.fabric.netns) as frames:
        assert hidden.pings() == [True] * 4
        assert http_get(one, hidden.addresses[1], 80) == hidden.webs[1]
        most = MTU - HEADERS
        assert hears(other, str(hidden.addresses[1]), most, one) == most
        with pytest.raises(OSError, match="Message too long"):
            hears(other, str(hidden.addresses[1]), most + 1, one)
    told = [b"HTTP/1.", *(each.packed for each in hidden.addresses)]
    assert [each for each in frames if is_udp(each, WIREGUARD_PORT)]
    assert not [each for each in frames if is_udp(each, VXLAN_PORT)]
    assert not [each for each in frames if any(word in each for word in told)]
    assert forgery_heard(app, peer)
    assert not forgery_heard(hidden, peer)

    link = wireguard_name(site.host.address, WIREGUARD_PORT)
    reached = partial(site.pings, hidden.webs[0], hidden.addresses[1])
    for harm in ("link delete {}", "link set {} down", "address flush dev {}"):
        ip(site.host.netns, harm.format(link))
        wait_until(reached, f"reach after: {harm}", deadline=SOON)
    run(enter(site.host.netns, "wg", "set", link, "private-key", "/dev/null"))
    site.installed.reconcile()  # which no kernel announces
    wait_until(reached, "reach after the key was lost", deadline=SOON)
