"""Check what a compose file says of pynet's networks, before `docker compose` fails half-way.

Each finding has the line.  Files that are merged are checked one by one.  What compose fills in
(``${NAME}``) is not known here, and not judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from plugin.drivers.options import MODE, TRUE
from plugin.drivers.registry import DEFAULT_MODE, check_network
from plugin.errors import RefusedError
from plugin.model.ids import NetworkID
from plugin.model.network import Network
from plugin.operator.doctor.base import Finding
from plugin.wire.errors import WireError
from plugin.wire.labels import GENERIC, network_options

_LARGEST: Final = 1 << 20  # bytes of a file
_MERGE: Final = "<<"  # YAML 1.1, merge keys
_ON_PARENTS: Final = ("macvlan", "ipvlan")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    """A value with the line where it begins, and whether it is a text or number to compose."""

    line: int
    text: str = ""
    tag: str = ""
    items: dict[str, "_Node"] = field(default_factory=dict)
    listed: tuple["_Node", ...] = ()

    def at(self, *names: str) -> "_Node | None":
        found: _Node | None = self
        for name in names:
            found = None if found is None else found.items.get(name)
        return found


def check_compose(path: Path) -> Iterator[Finding]:
    """What is wrong in a compose file.  Raises RefusedError for one that cannot be read."""
    root = _read(path)
    networks = root.at("networks")
    own = {
        name: node
        for name, node in (networks.items if networks else {}).items()
        if _is_pynet(_text(node.at("driver")))
    }
    for name, node in (networks.items if networks else {}).items():
        yield from _external(name, node)
    for name, node in own.items():
        yield from _options(name, node)
        yield from _ipam(name, node)
    services = root.at("services")
    for name, service in (services.items if services else {}).items():
        yield from _service(name, service, own)


def _external(name: str, node: _Node) -> Iterator[Finding]:
    external, driver = node.at("external"), node.at("driver")
    if external is not None and driver is not None and external.text.lower() in ("true", "yes"):
        yield Finding(
            cause=f"line {driver.line}: network {name} is external and has a driver; compose refuses both "
            "together, also when one of them comes from another file",
            remedy="leave out external, or the driver and its options",
        )


def _options(name: str, node: _Node) -> Iterator[Finding]:
    options = node.at("driver_opts")
    texts = {}
    for option, value in (options.items if options else {}).items():
        if value.tag == "bool":
            yield Finding(
                cause=f"line {value.line}: {option} of network {name} is {value.text} without quotes; "
                "compose takes texts and numbers here",
                remedy=f'write {option}: "{value.text}"',
            )
        texts[option] = value.text
    try:
        own = network_options({GENERIC: texts}, "driver_opts")
        check_network(
            Network(
                id=NetworkID("unknown"),
                mode=own.get(MODE, DEFAULT_MODE),
                options=own,
                pools=(),
                internal=_text(node.at("internal")).lower() in ("true", "yes"),
            )
        )
    except (RefusedError, WireError) as error:
        if any(_is_filled_in(text) and text in str(error) for text in texts.values()):
            return
        line = options.line if options else node.line
        for option, value in (options.items if options else {}).items():
            line = value.line if option in str(error) else line
        yield Finding(cause=f"line {line}: network {name}: {error}", remedy="change the option")


def _ipam(name: str, node: _Node) -> Iterator[Finding]:
    driver = node.at("ipam", "driver")
    if driver is None or not (_is_pynet(driver.text) or driver.text == "null"):
        yield Finding(
            cause=f"line {node.line}: network {name} has no ipam driver of pynet, so Docker chooses its subnet "
            "and addresses, and none is kept for a container's name",
            remedy="add to the network: ipam: {driver: pynet}",
            hint=True,
        )


def _service(name: str, service: _Node, own: dict[str, _Node]) -> Iterator[Finding]:
    attached = service.at("networks") or _Node(line=0)
    names = [*attached.items, *(each.text for each in attached.listed)]
    here = [each for each in names if each in own]
    mac = service.at("mac_address")
    if mac is not None and len(names) > 1 and here:
        yield Finding(
            cause=f"line {mac.line}: service {name} has mac_address beside several networks; it goes to one "
            "that compose chooses",
            remedy=f"write it below the network: networks: {{{here[0]}: {{mac_address: {mac.text}}}}}",
        )
    ports = service.at("ports")
    if ports is None or not here or len(here) != len(names):
        return
    options = [own[each].at("driver_opts") or _Node(line=0) for each in here]
    if all(
        _text(each.at(MODE)) in _ON_PARENTS
        and _text(each.at("host_access")).lower() not in TRUE
        and _text(each.at("publish")) != "docker"
        for each in options
    ):
        yield Finding(
            cause=f"line {ports.line}: service {name} publishes ports and is on network {here[0]} alone, which "
            "this host does not reach: Docker refuses to start it",
            remedy="leave out ports (the LAN reaches the container's address), or add host_access: "
            '"true" to driver_opts',
        )


def _is_filled_in(text: str) -> bool:
    """Whether compose puts a variable there; ``$$`` is a dollar."""
    return "$" in text.replace("$$", "")


def _is_pynet(driver: str) -> bool:
    return "pynet" in driver.partition(":")[0].split("/")


def _text(node: _Node | None) -> str:
    return "" if node is None else node.text


def _read(path: Path) -> _Node:
    try:
        if path.exists() and not path.is_file():
            raise RefusedError(f"{path} is no file")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise RefusedError(f"{path} is larger than a compose file can be ({_LARGEST} bytes)")
        node = yaml.compose(data.decode(), Loader=yaml.SafeLoader)
        if isinstance(node, yaml.MappingNode):
            return _node(node, {})
    except OSError as error:
        raise RefusedError(f"{path} cannot be read: {error.strerror or error}") from error
    except RecursionError as error:
        raise RefusedError(f"{path} is nested too deep for a compose file") from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1} of {path}" if mark else str(path)
        raise RefusedError(f"{where} is no YAML: {getattr(error, 'problem', error)}") from error
    raise RefusedError(f"{path} is no compose file: it has no services and networks")


def _node(node: Any, known: dict[int, _Node]) -> _Node:
    """A value as data.  One that has several places is read once; one that holds itself ends."""
    if id(node) in known:
        return known[id(node)]
    line = node.start_mark.line + 1
    known[id(node)] = _Node(line=line)  # while it is read
    if isinstance(node, yaml.MappingNode):
        found = _Node(line=line, items=_items(node, known))
    elif isinstance(node, yaml.SequenceNode):
        found = _Node(line=line, listed=tuple(_node(each, known) for each in node.value))
    else:
        found = _Node(line=line, text=str(node.value), tag=node.tag.rpartition(":")[2])
    known[id(node)] = found
    return found


def _items(node: Any, known: dict[int, _Node]) -> dict[str, _Node]:
    merged: dict[str, _Node] = {}
    items: dict[str, _Node] = {}
    for key, value in node.value:
        found = _node(value, known)
        if not isinstance(key, yaml.ScalarNode):
            continue  # compose has names alone
        if key.value == _MERGE:
            for each in (found, *found.listed):
                merged = {**each.items, **merged}
        else:
            items[key.value] = found
    return {**merged, **items}
