"""The admin socket's API as OpenAPI 3.1, made of the types of its answers.

See https://spec.openapis.org/oas/v3.1.0.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from plugin import __version__
from plugin.admin import answers
from plugin.admin import maintenance_answers as more

DESCRIPTION: Final = "/v1/openapi.json"
_REFS: Final = "#/components/schemas/{name}"
_JSON: Final = "application/json"
_TEXT: Final = "text/plain"
_YAML: Final = "application/yaml"
_PATHS: Final = "paths"
_STRING: Final = {"type": "string"}


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path: what it answers, text if that is None; what it takes, or a kind of text."""

    method: str
    about: str
    answer: Any = None
    takes: Any = None
    text: str = ""
    values: tuple[tuple[str, type, str], ...] = ()


OPERATIONS: Final[dict[str, tuple[Operation, ...]]] = {
    "/health": (Operation("get", "how the plugin is", answers.Health),),
    "/metrics": (Operation("get", "metrics, for Prometheus"),),
    DESCRIPTION: (Operation("get", "this description", dict[str, Any]),),
    "/v1/status": (Operation("get", "how everything is", answers.Status),),
    "/v1/networks": (Operation("get", "networks", list[answers.Network]),),
    "/v1/ports": (Operation("get", "published ports", list[answers.Port]),),
    "/v1/pools": (Operation("get", "pools of addresses", list[answers.Pool]),),
    "/v1/addresses": (
        Operation(
            "get",
            "256 addresses of a pool",
            answers.Addresses,
            values=(("pool", str, "a pool's id"), ("at", str, "one of the addresses")),
        ),
    ),
    "/v1/reservations": (
        Operation("get", "reservations", answers.Reservations),
        Operation("post", "keep addresses", answers.Reserved, text=_YAML),
        Operation("delete", "keep them no longer", answers.Unreserved, text=_YAML),
    ),
    "/v1/cluster": (
        Operation("get", "hosts that share networks", answers.Cluster),
        Operation("delete", "free what a host has that is gone", answers.Forgotten, text=_TEXT),
    ),
    "/v1/explain": (
        Operation(
            "get",
            "how to build a network or an endpoint by hand",
            list[answers.Part],
            values=(("id", str, "the beginning of an id"), ("lang", str, "en or ko")),
        ),
    ),
    "/v1/leases": (
        Operation("get", "leases of DHCP servers", list[answers.Lease]),
        Operation(
            "post", "renew leases, by address, MAC address or name", list[answers.Lease], text=_TEXT
        ),
        Operation("delete", "give leases back that rest", list[answers.Lease], text=_TEXT),
    ),
    "/v1/drops": (Operation("get", "what was dropped", more.Drops),),
    "/v1/events": (
        Operation(
            "get",
            "what happened after a number",
            more.Events,
            values=(
                ("after", int, "the number of an event"),
                ("wait", float, "seconds to wait for one, at most 1"),
            ),
        ),
    ),
    "/v1/rules": (Operation("get", "tables of nftables", more.Rules),),
    "/v1/differences": (Operation("get", "what the last comparison found", more.Differences),),
    "/v1/check": (Operation("get", "compare now; nothing is changed", list[more.Difference]),),
    "/v1/garbage": (
        Operation("get", "what can be removed", more.Garbage),
        Operation("post", "remove it", list[more.Difference], takes=more.Collection),
    ),
    "/v1/reconcile": (Operation("post", "compare and repair now", answers.Health),),
    "/v1/repair": (Operation("post", "repair what can be", more.Repair),),
}


def document() -> dict[str, Any]:
    """The whole description."""
    types = [
        each
        for operations in OPERATIONS.values()
        for operation in operations
        for each in (operation.answer, operation.takes)
        if each is not None
    ]
    schemas, components = msgspec.json.schema_components(
        [*types, answers.Refusal], ref_template=_REFS
    )
    *described, refusal = schemas
    known = {id(each): schema for each, schema in zip(types, described, strict=True)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pynet's admin socket",
            "version": __version__,
            "description": "HTTP over the Unix socket of PYNET_ADMIN_SOCKET.",
        },
        "servers": [{"url": "http://localhost"}],
        _PATHS: {
            path: {each.method: _operation(each, known, refusal) for each in operations}
            for path, operations in OPERATIONS.items()
        },
        "components": {"schemas": components},
    }


def _operation(
    operation: Operation, known: dict[int, dict[str, Any]], refusal: dict[str, Any]
) -> dict[str, Any]:
    failed = {"content": {_JSON: {"schema": refusal}}}
    answered: dict[str, Any] = (
        {_TEXT: {"schema": _STRING}}
        if operation.answer is None
        else {_JSON: {"schema": known[id(operation.answer)]}}
    )
    found: dict[str, Any] = {
        "summary": operation.about,
        "responses": {
            "200": {"description": operation.about, "content": answered},
            "400": {"description": "what was asked for is wrong", **failed},
            "500": {"description": "it failed", **failed},
            "503": {"description": "the plugin still starts", **failed},
        },
    }
    taken = {operation.text: {"schema": _STRING}} if operation.text else {}
    if operation.takes is not None:
        taken[_JSON] = {"schema": known[id(operation.takes)]}
    if taken:
        found["requestBody"] = {"required": True, "content": taken}
    if operation.values:
        found["parameters"] = [
            {
                "name": name,
                "in": "query",
                "description": about,
                "schema": msgspec.json.schema(kind),
            }
            for name, kind, about in operation.values
        ]
    return found
