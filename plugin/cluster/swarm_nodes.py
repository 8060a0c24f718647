"""The nodes of a swarm, as its engine named them to this host, kept over a restart of the plugin.

An engine names other nodes once, when they come and when they go, to the plugins that run then.
To a plugin that starts later it names this host alone (moby, libnetwork/agent.go:
agentDriverNotify).  What was told holds as long as the engine's agent for its swarm runs.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Self

from plugin.log import Log
from plugin.model.network import IPAddress

NODES_FILE: Final = "swarm-nodes"

_log: Final = Log("swarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """This host's address among the nodes, and the addresses of other nodes' agents.

    A node that starts again has another agent at the same address, which may come before the
    former one is found to have gone: the address is there twice then.

    ``agent`` is this host's own, which told the others.  They are not ``complete`` if it ran before
    a plugin listened.
    """

    agent: str | None = None
    own: IPAddress | None = None
    others: tuple[IPAddress, ...] = ()
    complete: bool = True

    def with_node(self, node: IPAddress) -> Self:
        """An agent has come."""
        return replace(self, others=(*self.others, node))

    def without_node(self, node: IPAddress) -> Self:
        """An agent has gone."""
        rest = list(self.others)
        if node in rest:
            rest.remove(node)
        return replace(self, others=tuple(rest))


class NodesFile:
    """The nodes in a file of the state directory; what cannot be read is nothing."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NODES_FILE

    def read(self) -> Nodes:
        """What was kept last."""
        try:
            kept = json.loads(self._path.read_text())
            return Nodes(
                agent=kept["agent"],
                own=kept["own"] and ip_address(kept["own"]),
                others=tuple(map(ip_address, kept["others"])),
                complete=bool(kept["complete"]),
            )
        except FileNotFoundError:
            return Nodes()
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.error("nodes.not_read", reason=error)
            return Nodes()

    def write(self, nodes: Nodes) -> None:
        """Keep the nodes; a failure is logged, because the engine does not tell them again."""
        fresh = self._path.with_name(f"{NODES_FILE}.new")
        kept = asdict(nodes)
        kept["own"] = nodes.own and str(nodes.own)
        kept["others"] = list(map(str, nodes.others))
        try:
            fresh.write_text(json.dumps(kept) + "\n")
            fresh.replace(self._path)
        except OSError as error:
            _log.error("nodes.not_kept", reason=error)
            with suppress(OSError):
                fresh.unlink()
