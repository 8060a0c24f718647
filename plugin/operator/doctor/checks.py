"""Every check, in the order in which causes are looked for: first what the others need."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from plugin.operator.doctor import (
    addresses,
    containers,
    filtering,
    foreign_chains,
    kernel_settings,
    parents,
    probes,
    running,
    services,
)
from plugin.operator.doctor.base import Check, Finding, When
from plugin.operator.doctor.host import Host, UnseenError

_ASKED: Final = When.ASKED
_PROBED: Final = When.PROBED

CHECKS: Final = (
    Check(id="D01", title="pynet runs", find=running.not_running),
    Check(id="D02", title="one pynet on the host", find=running.installed_twice),
    Check(id="D03", title="Docker sees pynet's socket", find=running.unseen_socket),
    Check(id="D04", title="one version", find=running.other_version),
    Check(id="D05", title="an engine that pynet works with", find=running.unsupported_engine),
    Check(id="D06", title="containers restarted", find=running.not_restarted),
    Check(id="D07", title="nftables", find=filtering.nftables),
    Check(id="D08", title="rules stay", find=filtering.flushed_often),
    Check(id="D09", title="FORWARD accepts", find=filtering.closed_forward),
    Check(id="D10", title="containers reach the host", find=filtering.host_closed),
    Check(id="D11", title="firewalld", find=filtering.firewalld),
    Check(id="D12", title="rules of the user", find=filtering.user_rules),
    Check(id="D13", title="forwarding", find=kernel_settings.forwarding),
    Check(id="D14", title="IPv6 default route", find=kernel_settings.advertised_route),
    Check(id="D15", title="reverse-path filter", find=kernel_settings.reverse_path),
    Check(id="D16", title="other firewalls", find=foreign_chains.closed_chains),
    Check(id="D17", title="links left alone", find=kernel_settings.managed_links),
    Check(id="D18", title="subnets of the network's own", find=addresses.overlap),
    Check(id="D19", title="MTU", find=addresses.path_mtu),
    Check(id="D20", title="name servers", find=addresses.name_servers),
    Check(id="D21", title="name server on this host", find=addresses.closed_name_server),
    Check(id="D22", title="ports for other machines", find=containers.loopback_only, when=_ASKED),
    Check(id="D23", title="programs listen", find=containers.not_listening),
    Check(id="D24", title="ports served", find=containers.port_taken),
    Check(id="D25", title="by design", find=containers.by_design, when=_ASKED),
    Check(id="D26", title="guards", find=filtering.guarded),
    Check(id="D27", title="host and LAN containers", find=parents.host_apart, when=_ASKED),
    Check(id="D28", title="hints", find=running.hints),
    Check(id="D30", title="subnet of the LAN", find=parents.other_lan),
    Check(id="D31", title="no address twice", find=probes.address_twice, when=_PROBED),
    Check(id="D32", title="VLAN of a parent", find=probes.unheard_vlan, when=_PROBED),
    Check(id="D33", title="parents", find=parents.parent_down),
    Check(id="D34", title="MAC addresses of ipvlan", find=parents.own_mac_required),
    Check(id="D35", title="addresses left", find=addresses.full_pools),
    Check(id="D36", title="gateway of the LAN", find=probes.silent_gateway, when=_PROBED),
    Check(id="D37", title="containers reach their gateway", find=probes.no_gateway, when=_PROBED),
    Check(id="D38", title="Traefik", find=containers.traefik),
    Check(id="D39", title="ports answer", find=probes.silent_port, when=_PROBED),
    Check(id="D40", title="state directory", find=running.state_directory),
    Check(id="D42", title="host as it should be", find=running.differences),
    Check(id="D43", title="conditions", find=running.conditions),
    Check(id="D44", title="services of a swarm", find=services.virtual_addresses),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A check with what it found; ``unseen`` says why it could not be made."""

    check: Check
    findings: tuple[Finding, ...] = ()
    unseen: str = ""


def examine(
    host: Host,
    *,
    about: Iterable[str] = (),
    probe: bool = False,
    checks: Iterable[Check] | None = None,
) -> Iterator[Outcome]:
    """Make the checks: with ``about`` names also those of what is so by design, and no others' findings."""
    wanted = frozenset(about)
    for check in CHECKS if checks is None else checks:
        if (check.when is When.ASKED and not wanted) or (check.when is When.PROBED and not probe):
            continue
        found: list[Finding] = []
        unseen = ""
        try:
            found.extend(check.find(host))  # what came before a failure is kept
        except UnseenError as error:
            unseen = str(error)
        kept = tuple(each for each in found if not wanted or _concerns(host, each, wanted))
        yield Outcome(check=check, findings=kept, unseen=unseen)


def _concerns(host: Host, finding: Finding, wanted: frozenset[str]) -> bool:
    """Whether a finding is about the whole host, or what was named: its container, if it has one."""
    about = frozenset(finding.about)
    return not about or bool(wanted & (about & {*host.names.containers.values()} or about))
