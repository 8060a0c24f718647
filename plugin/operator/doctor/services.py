"""Services of a swarm that pynet's networks cannot serve as they are."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from plugin.operator.doctor.base import Finding
from plugin.operator.doctor.host import Host


def virtual_addresses(host: Host) -> Iterator[Finding]:
    """Services whose name resolves to an address that no container has; only a manager tells.

    Docker balances by IPVS on networks of its own overlay driver (moby, libnetwork/service_linux.go).
    """
    about = host.ask_engine("/info").get("Swarm") or {}
    if not about.get("ControlAvailable"):
        return
    names = {each["Id"]: each.get("Name", "") for each in host.ask_engine("/networks")}
    served = {each["id"] for each in host.ask("/v1/networks")}
    served |= {each["network"] for each in host.ask("/v1/pools")}
    yield from unserved(host.ask_engine("/services"), served, names)


def unserved(
    services: Iterable[Mapping[str, Any]], served: Collection[str], names: Mapping[str, str]
) -> Iterator[Finding]:
    """Those of the engine's ``services`` with a virtual address on a network that pynet has ``served``."""
    for service in services:
        name = service["Spec"]["Name"]
        for each in service.get("Endpoint", {}).get("VirtualIPs") or ():
            if each["NetworkID"] in served:
                network = names.get(each["NetworkID"], each["NetworkID"][:12])
                address = each.get("Addr", "").partition("/")[0]
                yield Finding(
                    cause=f"service {name} resolves to its virtual address {address} on network {network}, and "
                    "no container has that: Docker serves such addresses for its own overlay driver only",
                    remedy=f"run: docker service update --endpoint-mode dnsrr {name}",
                    about=(network,),
                )
