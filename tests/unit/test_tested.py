"""The tests of a module are found by its name.

A test module has the name (``test_vlan.py``, ``test_vlan_again.py``); or one in the room's own
folder of ``tests/unit``, or of a real kernel, or of a contract, imports the module.  Of all others the
table says where to look, and of rooms that are tested as a whole.
"""

import ast
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.unit.test_house import MODULES, ROOT, names

TESTS: Final = ROOT / "tests"
OUTSIDE: Final = ("contract", "kernel", "property", "vm")
ROOMS: Final = {
    "etcdgw/": "contract/etcdgw",
    "ipam/cli/": "unit/ipam/cli/test_commands.py",
    "ipam/store/": "contract/test_ipam_store.py",
    "plugin/bootstrap/": "kernel/test_start.py",
    "plugin/dhcp/": "unit/dhcp",
    "plugin/operator/doctor/": "kernel/test_doctor.py",
    "plugin/kernel/explained/": "kernel/test_explanations.py",
    "plugin/kernel/proxy/": "kernel/test_proxy.py",
    "plugin/kernel/wireguard/": "kernel/test_encrypted.py",
    "plugin/trace/": "kernel/test_walk.py",
}
WHERE: Final = {
    "ipam/address_space.py": "unit/ipam/test_pools.py",
    "ipam/blocks/kept.py": "unit/ipam/test_cluster_kept.py",
    "ipam/blocks/layout.py": "unit/ipam/test_blocks.py",
    "ipam/attempt.py": "contract/test_ipam_store_again.py",
    "ipam/check.py": "unit/ipam/cli/test_commands.py",
    "ipam/claims.py": "unit/ipam/test_addresses.py",
    "ipam/contents.py": "contract/test_ipam_store.py",
    "ipam/held_pools.py": "unit/ipam/test_pools.py",
    "ipam/kept_addresses.py": "unit/ipam/test_reserved.py",
    "ipam/lease_changes.py": "unit/ipam/test_rest.py",
    "ipam/pool_request.py": "unit/ipam/test_pools.py",
    "ipam/remembered.py": "unit/ipam/test_addresses.py",
    "ipam/spaces.py": "unit/ipam/test_reserved.py",
    "plugin/cli/errors.py": "unit/cli/test_status.py",
    "plugin/cli/explain.py": "unit/cli/test_explain.py",
    "plugin/cli/output.py": "unit/cli/test_output.py",
    "plugin/cli/place.py": "unit/cli/test_place.py",
    "plugin/cli/serve.py": "kernel/test_forked_server.py",
    "plugin/cli/show.py": "unit/cli/test_commands.py",
    "plugin/cli/this_host.py": "unit/cli/test_doctor.py",
    "plugin/cli/containers.py": "unit/cli/test_trace.py",
    "plugin/cli/traced.py": "unit/cli/test_trace.py",
    "plugin/drivers/bridged/conflicts.py": "unit/drivers/test_refusals.py",
    "plugin/drivers/bridged/parsed.py": "unit/drivers/bridged/test_options.py",
    "plugin/drivers/dhcp_terms.py": "unit/service/test_dhcp_exchange.py",
    "plugin/drivers/encryption.py": "kernel/test_encrypted.py",
    "plugin/drivers/host_access.py": "unit/drivers/test_host_shim.py",
    "plugin/drivers/link_options.py": "unit/drivers/test_refusals.py",
    "plugin/drivers/nic_hints.py": "unit/drivers/test_parent_modes.py",
    "plugin/firewall/fact_types.py": "unit/firewall/test_fact_table.py",
    "plugin/drivers/parent_checks.py": "unit/service/test_parents.py",
    "plugin/drivers/publishing.py": "unit/drivers/bridged/test_ports.py",
    "plugin/drivers/routes.py": "unit/drivers/bridged/test_attachment.py",
    "plugin/drivers/shim_ports.py": "unit/drivers/test_host_ports.py",
    "plugin/firewall/dbus.py": "kernel/test_firewalld.py",
    "plugin/firewall/explained.py": "kernel/test_explanations.py",
    "plugin/firewall/iptables.py": "kernel/test_docker_user.py",
    "plugin/firewall/user_nat.py": "kernel/test_user_rules.py",
    "plugin/kernel/connection_reaper.py": "kernel/test_conntrack.py",
    "plugin/kernel/netlink/conntrack_messages.py": "kernel/test_conntrack.py",
    "plugin/kernel/links/docker_bridges.py": "kernel/test_isolation.py",
    "plugin/kernel/links/dummy.py": "contract/test_kernel_stacked.py",
    "plugin/kernel/links/flood_entries.py": "contract/test_kernel_tunnels.py",
    "plugin/kernel/links/host_routes.py": "contract/test_kernel_shims.py",
    "plugin/kernel/links/link_errors.py": "kernel/test_stacked.py",
    "plugin/kernel/links/link_handler.py": "contract/test_kernel.py",
    "plugin/kernel/links/ownership.py": "kernel/test_links.py",
    "plugin/kernel/links/reaper.py": "kernel/test_links.py",
    "plugin/kernel/links/shaping.py": "kernel/test_rates.py",
    "plugin/kernel/links/shim.py": "contract/test_kernel_shims.py",
    "plugin/kernel/links/stacking.py": "unit/kernel/test_stacked.py",
    "plugin/kernel/links/vxlan.py": "contract/test_kernel_tunnels.py",
    "plugin/kernel/links/wireguard.py": "kernel/test_encrypted.py",
    "plugin/kernel/netlink/link_messages.py": "kernel/test_links.py",
    "plugin/kernel/netlink/nf_messages.py": "kernel/test_own_tables.py",
    "plugin/kernel/netlink/pyroute2_core.py": "kernel/test_rates.py",
    "plugin/kernel/netlink/unix_diag.py": "kernel/test_instance_lock.py",
    "plugin/kernel/watch.py": "kernel/test_watches.py",
    "plugin/sockets.py": "unit/test_config.py",
    "plugin/firewall/drop_reasons.py": "kernel/test_drops.py",
    "plugin/operator/drops.py": "unit/cli/test_drops.py",
    "plugin/operator/overview.py": "unit/admin/test_app.py",
    "plugin/operator/views.py": "unit/admin/test_app.py",
    "plugin/server/process.py": "kernel/test_forked_server.py",
    "plugin/service/claims.py": "unit/service/test_leases.py",
    "plugin/service/hosts.py": "unit/upkeep/test_peers.py",
    "plugin/service/lease_seats.py": "unit/service/test_leases.py",
    "plugin/service/mac_addresses.py": "unit/service/test_endpoints.py",
    "plugin/service/teardown.py": "unit/service/test_endpoints.py",
    "plugin/socket_filters.py": "kernel/test_watches.py",
    "plugin/upkeep/abandoned.py": "unit/upkeep/test_idle_timer.py",
    "plugin/upkeep/forward_policy.py": "unit/upkeep/test_healing.py",
    "plugin/upkeep/moves.py": "unit/upkeep/test_host_addresses.py",
    "plugin/upkeep/unplugged.py": "unit/service/test_parents_watched.py",
    "plugin/wire/port_bindings.py": "unit/wire/test_network_driver.py",
}


def behaves(path: Path) -> bool:
    """Whether the module does anything, or only says what others do."""
    functions = [n for n in ast.walk(parsed(path)) if isinstance(n, ast.FunctionDef)]
    return any(not _is_text(statement) for each in functions for statement in each.body)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> frozenset[str]:
    """Modules, and what is taken of each."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return frozenset(found)


@cache
def modules_of_tests() -> tuple[Path, ...]:
    return tuple(TESTS.rglob("test_*.py"))


def is_found(path: Path) -> bool:
    """Whether a developer who looks for tests of the module finds them without the table."""
    inside = path.relative_to(ROOT)
    if any(test.stem == f"test_{path.stem}" for test in modules_of_tests()):
        return True
    if any(test.stem.startswith(f"test_{path.stem}_") for test in modules_of_tests()):
        return True
    parts = inside.parts[1:-1] if inside.parts[0] == "plugin" else inside.parts[:-1]
    folders = [TESTS.joinpath("unit", *parts), *(TESTS / each for each in OUTSIDE)]
    near = [
        test for test in modules_of_tests() if any(folder in test.parents for folder in folders)
    ]
    return any(".".join(inside.with_suffix("").parts) in imports(test) for test in near)


def test_every_module_has_tests_that_are_found() -> None:
    """Give the test module its name, or say in the table where the tests are."""
    listed = [path for path in MODULES if not path.stem.startswith("__") and behaves(path)]
    rest = [each for each in listed if names([each])[0] not in WHERE]
    alone = [each for each in rest if not names([each])[0].startswith(tuple(ROOMS))]

    assert names([path for path in alone if not is_found(path)]) == []


@pytest.mark.parametrize("where", sorted({*ROOMS.values(), *WHERE.values()}))
def test_the_table_is_right(where: str) -> None:
    """The tests are there."""
    assert (TESTS / where).exists()


def test_the_table_is_of_modules_that_are_there() -> None:
    """A module that moves takes its row along."""
    assert [each for each in (*ROOMS, *WHERE) if not (ROOT / each).exists()] == []
