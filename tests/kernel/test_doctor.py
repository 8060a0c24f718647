"""`pynet doctor` on a host whose kernel, rules and files are real: each cause is made, and its sentence read."""

import pytest

from plugin.operator.doctor.host import UnseenError
from tests.kernel.doctored import UPLINK, Doctored


def test_a_healthy_host(doctored: Doctored) -> None:
    """Every check is made, and none finds anything."""
    outcomes = doctored.examine("web", "site")

    assert [(each.check.id, each.unseen) for each in outcomes if each.unseen] == []
    assert [each.findings for each in outcomes if each.findings] == []


def test_what_is_not_asked_about(doctored: Doctored) -> None:
    """Findings about other networks are left out; those about the whole host stay."""
    doctored.netns.ip(f"link set {UPLINK} mtu 1420")

    assert doctored.finds("D19", "other") == []
    assert doctored.finds("D19", "web") != []


def test_without_a_plugin(doctored: Doctored) -> None:
    """It says so, and which checks it could not make."""
    doctored.plugin.clear()
    outcomes = doctored.examine()
    found = [each.check.id for each in outcomes if each.findings]

    assert found == ["D01"]
    assert {each.check.id for each in outcomes if each.unseen} >= {"D18", "D23", "D42"}
    assert len(doctored.asked) == 1
    with pytest.raises(UnseenError, match="no pynet answers"):
        doctored.host().ask("/v1/networks")
