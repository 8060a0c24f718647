"""Plans as tests speak of them."""

from typing import Any

from plugin.firewall.fact_table import elements_of
from plugin.model.facts import Fact
from plugin.model.plan import Plan
from plugin.model.ports import ProxiedPort
from plugin.model.sysctls import Sysctl

DUAL = ("10.1.0.0/24", "fd00:1::/64")


def of_kind(plan: Plan, kind: type) -> set[Any]:
    """All resources of one kind."""
    return {each for each in plan.resources if isinstance(each, kind)}


def elements(plan: Plan, *containers: str) -> set[tuple[str, ...]]:
    """As text: the set or map, the key, and the data; of all sets and maps, or of some."""
    return {
        (each.set_name, *each.match, *each.data)
        for fact in of_kind(plan, Fact)
        for each in elements_of(fact)
        if not containers or each.set_name in containers
    }


def settings(plan: Plan) -> dict[str, str]:
    """Settings of the kernel by their names."""
    return {each.name: each.value for each in of_kind(plan, Sysctl)}


def proxied(plan: Plan) -> set[str]:
    """What a process carries, as text."""
    return {
        f"[{each.held.address}]:{each.held.port} to {each.address}:{each.port}"
        for each in of_kind(plan, ProxiedPort)
    }
