"""From error classes to answers: the only table there is.

Every answer is JSON and has both ``Err`` (which NetworkDriver reads) and ``Error`` (which
IpamDriver reads) if anything went wrong.  404 is for unknown methods alone: dockerd takes it
for "not implemented" in two methods, and so would take a missing network for success.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

import msgspec
from prometheus_client import Histogram

from ipam import errors as ipam_errors
from plugin.errors import HostError, PynetError, RefusedError
from plugin.log import Log
from plugin.telemetry import LAST_CALL, REFUSED, RPC_SECONDS
from plugin.wire.errors import WireError

Answer = dict[str, object]

METHODS: Final = frozenset(
    {
        "Plugin.Activate",
        *("NetworkDriver.GetCapabilities", "NetworkDriver.GwAllocCheck"),
        *("NetworkDriver.AllocateNetwork", "NetworkDriver.FreeNetwork"),
        *("NetworkDriver.CreateNetwork", "NetworkDriver.DeleteNetwork"),
        *("NetworkDriver.CreateEndpoint", "NetworkDriver.DeleteEndpoint"),
        *("NetworkDriver.EndpointOperInfo", "NetworkDriver.Join", "NetworkDriver.Leave"),
        *("NetworkDriver.DiscoverNew", "NetworkDriver.DiscoverDelete"),
        "NetworkDriver.ProgramExternalConnectivity",
        "NetworkDriver.RevokeExternalConnectivity",
        *("IpamDriver.GetCapabilities", "IpamDriver.GetDefaultAddressSpaces"),
        *("IpamDriver.RequestPool", "IpamDriver.ReleasePool"),
        *("IpamDriver.RequestAddress", "IpamDriver.ReleaseAddress"),
    }
)
_log: Final = Log("rpc")
_IPAM_REFUSALS: Final = (ipam_errors.InvalidRequestError, ipam_errors.RefusedError)
_OWN: Final = (PynetError, ipam_errors.IpamError)


class Reply(NamedTuple):
    """The status of HTTP and the body, which is JSON."""

    status: int
    body: bytes


class UnknownMethodError(PynetError):
    """A path that is no method of the plugin."""


def respond(method: str, call: Callable[[], Answer]) -> Reply:
    """Run a method and wrap what comes of it."""
    started = time.perf_counter()
    status, answer, result = _outcome(method, call)
    seconds = time.perf_counter() - started
    # No other name becomes a label of the metric: any caller could make the metric grow.
    known = method if method in METHODS else "unknown"
    _seconds_of(known, result).observe(seconds)
    LAST_CALL.set_to_current_time()
    _log.debug("rpc.answered", method=method, result=result, ms=round(seconds * 1000, 1))
    return reply(status, answer)


@cache
def _seconds_of(method: str, result: str) -> Histogram:
    """One series of the metric, which the client looks up by its texts, under a lock, each time."""
    return RPC_SECONDS.labels(method=method, result=result)


def reply(status: int, answer: Answer) -> Reply:
    """An answer as JSON."""
    return Reply(status, msgspec.json.encode(answer))


def failure(message: str) -> Answer:
    """An answer with the reason of a failure, for either protocol."""
    return {"Err": message, "Error": message}


def _outcome(method: str, call: Callable[[], Answer]) -> tuple[int, Answer, str]:
    try:
        return 200, call(), "ok"
    except UnknownMethodError as error:
        return 404, failure(str(error)), "unknown"
    except WireError as error:
        _log.warning("rpc.malformed", method=method, reason=error)
        return 400, failure(str(error)), "malformed"
    except (RefusedError, *_IPAM_REFUSALS) as error:
        _log.warning("rpc.refused", method=method, reason=error)
        REFUSED.labels(reason=type(error).__name__.removesuffix("Error")).inc()
        return 200, failure(str(error)), "refused"
    except (HostError, ipam_errors.IpamError, ExceptionGroup) as error:
        reason = _reasons(error)
        _log.error("rpc.failed", method=method, reason=reason)
        return 500, failure(reason), "failed"
    except Exception as error:  # noqa: BLE001 - the one place that answers after any failure
        _log.exception("rpc.fault", method=method)
        kind = type(error).__name__
        return 500, failure(f"internal error in pynet ({kind}); see its log"), "fault"


def _reasons(error: BaseException) -> str:
    if isinstance(error, ExceptionGroup):
        return "; ".join(_reasons(each) for each in error.exceptions)
    return str(error) if isinstance(error, _OWN) else f"{type(error).__name__}: {error}"
