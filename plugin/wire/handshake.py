"""The handshake (moby, pkg/plugins): what the plugin implements."""

from typing import Final

from plugin.config import Role

_IMPLEMENTS: Final = {Role.NETWORK: "NetworkDriver", Role.IPAM: "IpamDriver"}


def activation_answer(roles: frozenset[Role]) -> dict[str, object]:
    """Plugin.Activate; engines run the handlers in the order of the list."""
    return {"Implements": [name for role, name in _IMPLEMENTS.items() if role in roles]}
