"""Every class of error, and the answer it becomes."""

import json

import pytest

from ipam import errors as ipam_errors
from plugin import errors
from plugin.server.envelope import Answer, UnknownMethodError, failure, respond
from plugin.telemetry import REGISTRY
from plugin.wire.errors import WireError

SAYING = "ten words that a user of docker can understand"
TABLE = [
    (WireError("$.X", SAYING), 400),
    (UnknownMethodError(SAYING), 404),
    (errors.RefusedError(SAYING), 200),
    (errors.UnknownOptionError("a", SAYING, ["b"]), 200),
    (errors.InvalidOptionError("a", SAYING, "b"), 200),
    (errors.NetworkNotFoundError(SAYING), 200),
    (errors.EndpointNotFoundError(SAYING), 200),
    (errors.SubnetOverlapError(SAYING), 200),
    (errors.GatewayOutsideError(SAYING), 200),
    (errors.ForeignLinkError(SAYING), 200),
    (errors.MissingLinkError(SAYING), 200),
    (errors.PortTakenError(SAYING, 80), 200),
    (errors.HostError(SAYING), 500),
    (errors.KernelError(SAYING), 500),
    (errors.FirewallError(SAYING), 500),
    (errors.StoreError(SAYING), 500),
    (errors.NotReadyError(SAYING), 500),
    (errors.BusyError(SAYING), 500),
    (ipam_errors.InvalidRequestError(SAYING), 200),
    (ipam_errors.InvalidPrefixError(SAYING), 200),
    (ipam_errors.UnknownPoolError(SAYING), 200),
    (ipam_errors.PoolOverlapError(SAYING), 200),
    (ipam_errors.PoolFullError(SAYING), 200),
    (ipam_errors.AddressInUseError(SAYING), 200),
    (ipam_errors.StoreError(SAYING), 500),
    (ExceptionGroup("", [errors.KernelError(SAYING), errors.KernelError("and more")]), 500),
    (ExceptionGroup("", [ExceptionGroup("", [errors.KernelError(SAYING)])]), 500),
]


def answered(error: Exception | None, method: str = "NetworkDriver.Test") -> tuple[int, Answer]:
    def call() -> Answer:
        if error is not None:
            raise error
        return {"Scope": "local"}

    status, body = respond(method, call)
    return status, json.loads(body)


@pytest.mark.parametrize(
    ("error", "status"), TABLE, ids=lambda value: getattr(type(value), "__name__", None)
)
def test_each_class_has_its_answer(error: Exception, status: int) -> None:
    """The message is in both keys, for either protocol, whole."""
    code, answer = answered(error)

    assert code == status
    assert answer["Err"] == answer["Error"]
    assert SAYING in str(answer["Err"])


def test_success_has_neither_key() -> None:
    """An engine takes an empty key for success, too, but need not: there is none."""
    assert answered(None) == (200, {"Scope": "local"})


def test_a_group_says_all_that_happened() -> None:
    """Removal goes on after a failure."""
    group = ExceptionGroup("", [errors.KernelError("one"), errors.FirewallError("two")])

    assert answered(group)[1]["Err"] == "one; two"


class TestFaults:
    @pytest.mark.parametrize("error", [ValueError("secret"), KeyError("x"), RecursionError()])
    def test_a_fault_of_our_own_tells_no_internals(self, error: Exception) -> None:
        """The trace is in the log."""
        code, answer = answered(error)

        kind = type(error).__name__
        assert code == 500
        assert answer == failure(f"internal error in pynet ({kind}); see its log")

    def test_its_trace_is_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        """A person who is to fix it will look there."""
        answered(ValueError("secret"))

        (record,) = caplog.records
        assert record.getMessage() == "rpc.fault method=NetworkDriver.Test"
        assert record.exc_info


class TestMetric:
    def count(self, method: str, result: str) -> float:
        labels = {"method": method, "result": result}
        return REGISTRY.get_sample_value("pynet_rpc_seconds_count", labels) or 0

    def test_calls_are_counted_by_method_and_result(self) -> None:
        """Whatever came of them."""
        method = "NetworkDriver.Join"
        before = [self.count(method, result) for result in ("ok", "refused")]
        answered(None, method)
        answered(errors.RefusedError("no"), method)

        assert [self.count(method, r) for r in ("ok", "refused")] == [n + 1 for n in before]

    def test_unknown_methods_do_not_make_it_grow(self) -> None:
        """Any program could ask for any name."""
        before = self.count("unknown", "unknown")
        answered(UnknownMethodError("no"), "Made.Up")

        assert self.count("unknown", "unknown") == before + 1
        assert not self.count("Made.Up", "unknown")

    def test_nor_while_nothing_is_known_of_methods(self) -> None:
        """The plugin has not started, and answers for whatever it is asked."""
        before = self.count("unknown", "failed")
        answered(errors.NotReadyError("wait"), "Made.Up")

        assert self.count("unknown", "failed") == before + 1
        assert not self.count("Made.Up", "failed")
