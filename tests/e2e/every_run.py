"""Which tests are in every run, by their names; all others are the night's on one of their places."""

from typing import Final

# Other namespaces, links of other kinds, sysctls, host ports, the proxy, queues, Docker's bridges,
# the firewall and announcements of its changes.
IN_BOTH: Final = frozenset(
    {
        "test_a_parent_comes_and_goes",
        "test_loopback_only",
        "test_neighbours_of_the_lan",
        "test_pynet_restarts",
        "test_existing_bridge",
        "test_every_origin",
        "test_from_another_machine",
        "test_gateway_container",
        "test_healed",
        "test_host_and_containers",
        "test_ports",
        "test_icc_off",
        "test_published_by_docker",
        "test_rates",
        "test_two_networks",
    }
)
# One of each kind; the rest of the two engines' tests is the night's on one of them.
ON_BOTH_IN_EVERY_RUN: Final = frozenset(
    {
        "test_addresses_of_a_routers_prefix",
        "test_addresses_of_the_lans_own_server",
        "test_a_network_that_docker_forgot",
        "test_a_parent_comes_and_goes",
        "test_an_answer_that_was_lost",
        "test_answers_from_everywhere",
        "test_backup_and_restore",
        "test_check_and_repair",
        "test_containers",
        "test_create_inspect_remove",
        "test_dual_stack",
        "test_engine_restarts",
        "test_doctor_in_many_troubles",
        "test_every_origin",
        "test_everything_flushed",
        "test_existing_bridge",
        "test_foreign_address",
        "test_gateway_container",
        "test_host_and_containers",
        "test_icc_off",
        "test_internal",
        "test_iptables",
        "test_ipv6",
        "test_loopback_only",
        "test_mac_addresses_keep_addresses",
        "test_named_addresses",
        "test_names_and_status",
        "test_neighbours_of_the_lan",
        "test_no_way_in",
        "test_plugin_is_killed",
        "test_plugin_restarts",
        "test_pynets_own_ipam",
        "test_range",
        "test_restart_and_stop",
        "test_restarts",
        "test_two_reach_each_other",
        "test_udp",
        "test_under_dockers_macvlan",
    }
)
MANAGED_IN_EVERY_RUN: Final = frozenset(
    {
        "test_answers_from_everywhere",
        "test_create_inspect_remove",
        "test_neighbours_of_the_lan",
        "test_plugin_is_killed",
        "test_settings",
        "test_two_reach_each_other",
    }
)
