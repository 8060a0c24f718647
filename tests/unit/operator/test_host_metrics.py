"""Metrics of what the plugin has now."""

from pathlib import Path

import pytest

from ipam.errors import StoreError
from plugin import __version__, telemetry
from plugin.operator import host_metrics
from plugin.operator.host_metrics import HostMetrics
from tests.unit.admin.behind import Life


def values(metrics: HostMetrics) -> dict[tuple[str, ...], float]:
    """Every sample by its name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in metrics.collect()
        for sample in family.samples
    }


def of(life: Life) -> HostMetrics:
    return HostMetrics(life.health, lambda: (life.store(), life.addresses()), lambda: 3)


def test_what_there_is(life: Life) -> None:
    """One network with one container that publishes one port."""
    life.health.degrade("firewall", "gone", "install it")
    found = values(of(life))

    assert found["pynet_build_info", __version__] == 1
    assert found["pynet_healthy",] == 0
    assert found["pynet_condition", "firewall"] == 1
    assert found["pynet_networks", "bridge"] == 1
    assert found["pynet_endpoints", "bridge"] == 1
    assert found["pynet_published_ports", "tcp"] == 1
    assert found["pynet_pool_addresses", "10.1.0.0/24", "pynet-local", "", "bound"] == 3
    assert found["pynet_pool_size", "10.1.0.0/24", "pynet-local", ""] == 254
    assert found["pynet_rpc_inflight",] == 3


def test_before_there_is_anything(life: Life) -> None:
    """The health alone."""
    found = values(HostMetrics(life.health, lambda: None, lambda: 0))

    assert found["pynet_healthy",] == 1
    assert ("pynet_networks", "bridge") not in found


def test_pools_that_cannot_be_read(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are left out."""

    def away() -> list[dict[str, object]]:
        raise StoreError("etcd does not answer")

    monkeypatch.setattr(life.addresses(), "pools", away)
    found = values(of(life))

    assert ("pynet_networks", "bridge") in found
    assert not [each for each in found if each[0].startswith("pynet_pool")]


def test_many_who_ask(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """They get what was gathered within the last second."""
    metrics = of(life)
    first = metrics.collect()
    assert metrics.collect() is first
    monkeypatch.setattr(host_metrics, "_FRESH_SECONDS", 0.0)

    assert metrics.collect() is not first


def test_every_metric_is_on_the_page(life: Life) -> None:
    """And none of them has a second series for when it was made."""
    page = (Path(__file__).parents[3] / "docs" / "reference" / "cli.md").read_text()
    own = [each.name for each in of(life).collect()]
    counters = [each.name for each in telemetry.REGISTRY.collect() if each.type == "counter"]

    assert [n for n in own if f"`{n}`" not in page and f"`{n}_total`" not in page] == []
    assert [n for n in counters if f"`{n}_total`" not in page] == []
    assert b"_created" not in telemetry.exposition()


@pytest.fixture
def life() -> Life:
    return Life()
