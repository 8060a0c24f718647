"""Two clocks: what lasts is counted by one that runs on in sleep, and found again in another boot by the wall's."""

import time

from plugin.service.boot_clock import moment


def test_both_clocks_go_on() -> None:
    """Within one boot."""
    first, second = moment(), moment()

    assert first.boot_id == second.boot_id
    assert first.boottime <= second.boottime
    assert abs(first.wall - time.time()) < 60
