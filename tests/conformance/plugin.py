"""The application of a plugin socket over a fake host, and the shapes libnetwork insists on."""

import json
from collections.abc import Callable
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any, Final

from flask.testing import FlaskClient

from ipam.allocator import Allocator
from ipam.pool import AddressSpaces
from ipam.settings import Settings, with_defaults
from ipam.store.memory import MemoryStore as AddressStore
from plugin.config import Role, Scope
from plugin.model.ids import IFNAMSIZ
from plugin.server.app import Handler
from plugin.server.flask_app import create_app
from plugin.server.ipam_driver import IpamMethods
from plugin.server.network_driver import NetworkMethods, constant_methods
from plugin.wire.handshake import activation_answer
from tests.fakes.rig import Rig

Json = dict[str, Any]


class Plugin:
    """Everything but the server, the kernel and the disk."""

    def __init__(self) -> None:
        self.allocator = Allocator(AddressStore(), Settings(pools=with_defaults((), "conformance")))
        self._serve(Rig())

    def restart(self) -> None:
        """The process ends and is started again."""
        self._serve(self.rig.restarted())

    def _serve(self, rig: Rig) -> None:
        self.rig = rig
        table: dict[str, Handler] = {
            "Plugin.Activate": lambda _: activation_answer(frozenset(Role)),
            **constant_methods(Scope.LOCAL, lambda: None),
            **NetworkMethods(
                rig.networks, rig.endpoints, rig.gateways, rig.allocations, rig.cluster
            ).table(),
            **IpamMethods(self.allocator, rig.pools, requires_mac=False).table(),
        }
        self.methods = frozenset(table)
        self.app = create_app(table.get)
        self.client: FlaskClient = self.app.test_client()

    def call(self, method: str, body: Json | None = None) -> Json:
        """Call as an engine does; the answer must be one that it takes."""
        status, answer = self.ask(method, body)
        assert status == 200, (method, body, answer)
        assert not answer.get("Err"), (method, body, answer)
        assert not answer.get("Error"), (method, body, answer)
        if method in SHAPES:
            SHAPES[method](body or {}, answer)
        else:
            assert answer == {}, (method, answer)
        return answer

    def ask(self, method: str, body: Json | None = None) -> tuple[int, Json]:
        """Call, and take whatever comes, as long as it is JSON."""
        data = b"" if body is None else json.dumps(body).encode()
        response = self.client.post(
            f"/{method}",
            data=data,
            headers={"Host": "", "Accept": "application/vnd.docker.plugins.v1.2+json"},
        )
        assert response.mimetype == "application/json"
        answer = json.loads(response.data)
        assert isinstance(answer, dict)
        return response.status_code, answer


def _activation(body: Json, answer: Json) -> None:
    assert answer == {"Implements": ["NetworkDriver", "IpamDriver"]}


def _network_capabilities(body: Json, answer: Json) -> None:
    assert set(answer) == {"Scope", "ConnectivityScope", "GwAllocChecker"}
    assert answer["Scope"] in ("local", "global")
    assert answer["ConnectivityScope"] in ("local", "global")
    assert isinstance(answer["GwAllocChecker"], bool)


def _ipam_capabilities(body: Json, answer: Json) -> None:
    assert set(answer) == {"RequiresMACAddress", "RequiresRequestReplay"}
    assert all(isinstance(value, bool) for value in answer.values())


def _address_spaces(body: Json, answer: Json) -> None:
    assert answer == {
        "LocalDefaultAddressSpace": AddressSpaces().local,
        "GlobalDefaultAddressSpace": AddressSpaces().global_,
    }


def _pool(body: Json, answer: Json) -> None:
    assert set(answer) == {"PoolID", "Pool", "Data"}
    assert answer["PoolID"]
    assert "/" in answer["Pool"]
    pool = ip_network(answer["Pool"])
    if body.get("Pool") and not ip_network(body["Pool"]).network_address.is_unspecified:
        assert pool == ip_network(body["Pool"])
    else:
        assert (pool.version == 6) is body["V6"] or body.get("Pool")
    assert isinstance(answer["Data"], dict)


def _address(body: Json, answer: Json) -> None:
    assert set(answer) == {"Address", "Data"}
    assert "/" in answer["Address"], "an address without a mask is refused"
    given = ip_interface(answer["Address"])
    if body.get("Address"):
        assert given.ip == ip_address(body["Address"])


def _gateway_check(body: Json, answer: Json) -> None:
    assert set(answer) == {"SkipIPv4", "SkipIPv6"}
    assert all(isinstance(value, bool) for value in answer.values())


def _endpoint(body: Json, answer: Json) -> None:
    """Whatever the engine has set already must not be in the answer, not even the same."""
    assert set(answer) == {"Interface"}
    chosen = {name for name, value in (body.get("Interface") or {}).items() if value}
    assert not chosen & set(answer["Interface"])
    if "MacAddress" not in chosen:
        octets = bytes.fromhex(answer["Interface"]["MacAddress"].replace(":", ""))
        assert len(octets) == 6
        assert not octets[0] & 1


def _join(body: Json, answer: Json) -> None:
    name = answer["InterfaceName"]
    assert set(name) == {"SrcName", "DstPrefix", "DstName"}
    assert len(name["DstName"]) <= IFNAMSIZ
    assert 0 < len(name["SrcName"]) <= IFNAMSIZ
    assert name["DstPrefix"]
    for key, version in (("Gateway", 4), ("GatewayIPv6", 6)):
        assert isinstance(answer[key], str)
        assert not answer[key] or ip_address(answer[key]).version == version
    for route in answer["StaticRoutes"]:
        ip_network(route["Destination"])
        assert route["RouteType"] in (0, 1)
    assert isinstance(answer["DisableGatewayService"], bool)


def _oper_info(body: Json, answer: Json) -> None:
    assert set(answer) == {"Value"}
    for port in answer["Value"]["com.docker.network.portmap"]:
        assert all(isinstance(port[key], int) for key in ("Proto", "Port", "HostPort"))
        ip_address(port["IP"])
        ip_address(port["HostIP"])


SHAPES: Final[dict[str, Callable[[Json, Json], None]]] = {
    "Plugin.Activate": _activation,
    "NetworkDriver.GetCapabilities": _network_capabilities,
    "NetworkDriver.GwAllocCheck": _gateway_check,
    "NetworkDriver.CreateEndpoint": _endpoint,
    "NetworkDriver.Join": _join,
    "NetworkDriver.EndpointOperInfo": _oper_info,
    "IpamDriver.GetCapabilities": _ipam_capabilities,
    "IpamDriver.GetDefaultAddressSpaces": _address_spaces,
    "IpamDriver.RequestPool": _pool,
    "IpamDriver.RequestAddress": _address,
}
