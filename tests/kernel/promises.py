"""The names of what pynet promises, as the page of the firewall has them, and what checks each.

Most are attacked in ``test_attacks``.  Of some the attack needs a life of its own: a container that
has gone, a plugin that restarts, another kernel.
"""

from typing import Final

from tests.kernel.attacks import ATTACKS
from tests.kernel.forgeries import FORGERIES

# Folder, module and test.
ELSEWHERE: Final[dict[str, tuple[str, ...]]] = {
    "own-exemption": ("kernel/test_spoofing/test_a_neighbour_of_an_exempt_one_is_guarded",),
    "bridge-groups": (
        "kernel/test_bridge_groups/test_nothing_reaches_the_host_by_them",
        "kernel/test_bridge_groups/test_a_port_is_closed_also_without_its_bridge",
        "e2e/test_hostile/test_frames_of_ones_own",
    ),
    "unpublished-ports": (
        "kernel/test_isolation/test_every_pair",
        "kernel/test_published/test_every_form_from_everywhere",
        "e2e/test_bridge_isolation/test_dockers_networks",
    ),
    "internal": (
        "kernel/test_isolation/test_an_internal_network_hears_nothing_from_one_that_is_open",
    ),
    "isolated": ("kernel/test_bridge_options/test_the_host_has_no_part_in_it",),
    "isolation-strict": ("kernel/test_relayed/test_a_port_that_is_carried",),
    "icc": (
        "kernel/test_attacks/test_who_is_kept_apart_does_not_hear_what_is_for_all",
        "e2e/test_bridge_isolation/test_icc_off",
    ),
    "icc-allow": ("kernel/test_bridge_options/test_the_friendship_ends_with_the_container",),
    "host-loopback": (
        "kernel/test_published_traffic/test_a_container_does_not_reach_the_hosts_loopback",
        "kernel/test_published_traffic/test_nor_without_rules_unless_a_port_needs_it",
    ),
    "published-address": ("kernel/test_published/test_every_form_from_everywhere",),
    "hidden-addresses": (
        "kernel/test_published_traffic/test_what_belongs_to_no_connection_does_not_leave",
        "kernel/test_traffic/test_containers_go_out_behind_the_hosts_address",
    ),
    "removed-containers": (
        "kernel/test_conntrack_successors/test_tcp_of_a_published_port",
        "kernel/test_conntrack_successors/test_udp_that_it_began",
        "kernel/test_conntrack/test_a_withdrawn_port_is_closed_to_those_who_knew_it",
        "e2e/test_hostile/test_an_address_that_comes_back",
    ),
    "only-peers": (
        "kernel/test_overlay/test_only_peers",
        "kernel/test_overlay/test_a_host_that_is_no_peer_any_more",
    ),
    "no-inner-frames": (
        "kernel/test_overlay/test_a_container_does_not_speak_as_its_host",
        "kernel/test_overlay/test_a_container_cannot_have_anothers_address",
    ),
    "encrypted": (
        "kernel/test_encrypted/test_nothing_is_in_clear",
        "kernel/test_encrypted/test_what_comes_in_clear_is_not_heard",
        "kernel/test_encrypted/test_a_host_does_not_send_it_in_clear",
        "kernel/test_encrypted/test_nothing_leaves_in_clear_while_the_link_is_away",
        "kernel/test_encrypted/test_a_peer_reaches_nothing_else_of_the_host",
        "kernel/test_encrypted/test_another_user_cannot_take_the_place_of_its_process",
    ),
    "own-gateway": (
        "kernel/test_overlay_gateway/test_another_hosts_does_not_answer",
        "kernel/test_overlay_gateway/test_no_other_host_says_that_it_has_it",
        "kernel/test_overlay_gateway/test_a_host_is_not_heard_by_containers_of_others",
    ),
    "adopted-bridges": ("kernel/test_adopted/test_who_reaches_whom",),
    "your-rules": (
        "kernel/test_docker_user/test_the_user_decides_about_published_ports",
        "kernel/test_docker_user/test_nobody_slips_past_the_user_while_docker_starts",
        "kernel/test_docker_user/test_legacy_tables_with_what_the_unit_may",
        "e2e/test_user_rules/test_iptables",
    ),
    "your-marks": (
        "kernel/test_accepted_mark/test_containers_cannot_set_it",
        "kernel/test_accepted_mark/test_who_is_reached_with_the_mark",
    ),
    "put-back": (
        "kernel/test_healing/test_a_table",
        "kernel/test_healing/test_the_whole_ruleset",
        "kernel/test_healing/test_an_element",
        "kernel/test_healing/test_rules_of_a_chain",
        "kernel/test_own_tables/test_what_others_put_there_goes",
    ),
    "no-way-through": ("kernel/test_router/test_it_stays_closed_to_others",),
    "no-advertisement": ("kernel/test_attacks/test_the_host_takes_no_container_for_a_router",),
    "held-ports": (
        "kernel/test_host_ports/test_nobody_can_listen",
        "kernel/test_host_ports/test_nobody_can_receive",
    ),
    "proxy-shares": (
        "kernel/test_proxy_bounds/test_a_client_takes_places_of_its_own_only",
        "kernel/test_proxy_bounds/test_a_port_takes_places_of_its_own_only",
        "kernel/test_proxy_bounds/test_forged_sources_keep_nobody_out",
    ),
    "proxy-confined": (
        "kernel/test_proxy_confined/test_it_has_nothing_that_it_does_not_need",
        "kernel/test_proxy_confined/test_without_setuid_it_has_no_capability_either",
    ),
    "parent-services": (
        "kernel/test_shims/test_services_of_the_host",
        "kernel/test_shims/test_no_hardware_address_leads_past_the_hosts_link",
        "vm/test_ipvlan_host/test_a_frame_past_the_services",
    ),
    "parent-host": (
        "kernel/test_shims/test_the_lan_is_not_heard",
        "vm/test_ipvlan_host/test_what_guards_the_parent_guards_the_host",
    ),
    "parent-private": (
        "e2e/test_macvlan/test_modes",
        "e2e/vm/test_ipvlan/test_who_keeps_to_himself",
    ),
    "one-pynet": (
        "kernel/test_instance_lock/test_another_user_keeps_nobody_out",
        "kernel/test_instance_lock/test_root_of_another_user_namespace_keeps_nobody_out",
    ),
    "private-files": (
        "unit/server/test_listeners/test_its_file_is_for_root_and_its_group",
        "unit/store/test_directory/test_nobody_else_can_look_in",
        "kernel/test_backup/test_saved_while_it_runs_and_brought_back",
    ),
}
PROMISES: Final = {*(each.promise for each in ATTACKS), *FORGERIES, *ELSEWHERE}
