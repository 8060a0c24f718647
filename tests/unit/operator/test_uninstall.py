"""Removing what pynet leaves on a host: part by part, and nothing else."""

from pathlib import Path

import pytest

from plugin.errors import FirewallError, StoreError
from plugin.model.ids import handoff_name
from plugin.operator.uninstall import (
    Installation,
    LinkTraces,
    StateTraces,
    ZoneTraces,
    containers_on,
)
from tests.fakes.rig import Rig
from tests.fakes.values import a_binding, a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24")


class Zones:
    """Remembers which links it was to dismiss."""

    def __init__(self) -> None:
        self.dismissed: list[str] = []

    def admit(self, links: object) -> None:
        raise AssertionError(links)

    def dismiss(self, links: list[str]) -> None:
        self.dismissed += links


class Broken:
    """A part that cannot be removed."""

    def found(self) -> tuple[str, ...]:
        return ("table inet pynet",)

    def remove(self) -> None:
        raise FirewallError("nf_tables did not answer")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory as a plugin leaves it after a restore and a damage."""
    directory = tmp_path / "state"
    (directory / "replaced-20260101T000000Z-7").mkdir(parents=True)
    (directory / "replaced-20260101T000000Z-7" / "pynet.db").touch()
    for name in ("pynet.db", "pynet.db-wal", "ipam.db", "ipam.db.corrupt-7", "host-id"):
        (directory / name).touch()
    return directory


class TestLinks:
    def test_links_of_pynet_go(self) -> None:
        """Those of networks and of endpoints; they are named as ``ip link`` does."""
        rig = Rig()
        rig.networks.create(BLUE)
        rig.run(BLUE, an_endpoint(BLUE), a_binding())
        links = LinkTraces(rig.kernel, lambda: None)
        found = links.found()
        links.remove()

        assert [each[:9] for each in found] == ["link pnb-", "link pnv-"]
        assert links.found() == ()

    def test_containers_that_have_links_are_named(self) -> None:
        """By what the host shows, whichever engine runs them and whatever became of the state."""
        rig = Rig()
        parent = a_network("lan", "10.2.0.0/24", mode="macvlan", options={"parent": "eth0"})
        rig.host.add_parent("eth0")
        for network in (BLUE, parent):
            rig.networks.create(network)
            rig.run(network, an_endpoint(network))
        lan = an_endpoint(parent)
        rig.host.hand_over(handoff_name(lan.id))
        idle = rig.endpoints.create(an_endpoint(BLUE, 3))

        assert idle
        assert containers_on(rig.kernel) == tuple(
            sorted(
                f"endpoint {each.id[:12]} of network {each.network_id[:12]}"
                for each in (an_endpoint(BLUE), lan)
            )
        )

    def test_they_leave_the_zones_of_firewalld(self) -> None:
        """Nothing is asked of firewalld where it does not filter."""
        rig, zones = Rig(), Zones()
        traces = ZoneTraces(rig.kernel, zones)
        traces.remove()

        assert (traces.found(), zones.dismissed) == ((), [])


class TestState:
    def test_the_directory_goes(self, state: Path) -> None:
        """With all that any version wrote there."""
        traces = StateTraces(state)
        found = traces.found()
        traces.remove()

        assert found == (f"state {state}",)
        assert not state.exists()

    def test_files_of_the_user_stay(self, state: Path) -> None:
        """A directory that has other files is kept, and the message names them."""
        (state / "notes.txt").write_text("mine")

        with pytest.raises(StoreError, match=r"did not write \(notes.txt\)"):
            StateTraces(state).remove()
        assert [path.name for path in state.iterdir()] == ["notes.txt"]

    def test_an_absent_directory_is_nothing(self, tmp_path: Path) -> None:
        """There is nothing to name."""
        assert StateTraces(tmp_path / "none").found() == ()


def test_a_failure_keeps_the_state(state: Path) -> None:
    """Other parts are removed all the same; the next try finds the state."""
    rig = Rig()
    rig.networks.create(BLUE)
    links = LinkTraces(rig.kernel, lambda: None)
    installed = Installation(networks=(), traces=[Broken(), links, StateTraces(state)])

    with pytest.raises(ExceptionGroup) as raised:
        installed.remove()
    assert [str(each) for each in raised.value.exceptions] == ["nf_tables did not answer"]
    assert installed.found() == ["table inet pynet", f"state {state}"]
