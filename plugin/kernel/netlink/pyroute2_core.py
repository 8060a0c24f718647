"""pyroute2 without the parts that pynet never uses.

Its package module imports a database of the network (NDB), an ipset client and more: 4 MiB and
100 ms of every start.  So the package is registered without running it.  It runs at the first
access to one of its names; submodules import as usual.
"""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

_PACKAGE: Final = "pyroute2"


class _Deferred(ModuleType):
    """A package that executes itself when a name of it is missed."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(_PACKAGE)
        self.__spec__ = spec
        self.__loader__ = spec.loader
        self.__file__ = spec.origin
        self.__path__ = list(spec.submodule_search_locations or ())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or self.__dict__.get("_executing") or _is_submodule(name):
            # "from pyroute2 import config" asks the package first, and imports then.
            raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
        self.__dict__["_executing"] = True
        if self.__spec__ is not None and self.__spec__.loader is not None:
            self.__spec__.loader.exec_module(self)
        return self.__dict__[name]


def _is_submodule(name: str) -> bool:
    return importlib.util.find_spec(f"{_PACKAGE}.{name}") is not None


def _defer() -> None:
    spec = importlib.util.find_spec(_PACKAGE)
    if _PACKAGE not in sys.modules and spec is not None:
        sys.modules[_PACKAGE] = _Deferred(spec)


_defer()

from pyroute2.iproute.linux import IPRoute  # noqa: E402
from pyroute2.netlink.exceptions import NetlinkError  # noqa: E402

__all__ = ["IPRoute", "NetlinkError"]
