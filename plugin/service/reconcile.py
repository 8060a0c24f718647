"""Make the host hold the resources of a plan, and none of a plan that failed."""

from collections.abc import Iterable
from typing import Final

from plugin import deadline
from plugin.errors import AbsentAddressError, LateError, MissingLinkError, PynetError, RefusedError
from plugin.firewall.base import Firewall
from plugin.kernel.base import Kernel
from plugin.log import Log
from plugin.model.diff import Delta, diff
from plugin.model.facts import Fact
from plugin.model.plan import Plan, in_order
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.resources import HostResource, Resource, is_shared
from plugin.model.sysctls import RouteLocalnet, Sysctl

_log: Final = Log("reconcile")
_FORWARDING: Final = {"net/ipv4/ip_forward": 4, "net/ipv6/conf/all/forwarding": 6}
_UNDO_SECONDS: Final = 10.0  # also if the call has been answered already


class Reconciler:
    """The only one who changes the host.

    ``running`` is false for a command that works in the place of a plugin that does not run.
    """

    def __init__(self, kernel: Kernel, firewall: Firewall, *, running: bool = True) -> None:
        self.kernel = self._kernel = kernel
        self.firewall = self._firewall = firewall
        # Ports are held by the plugin's process: a stopped plugin has none, and lacks none.
        self._unseen = () if running else (HostPort, ProxiedPort)

    def apply(self, plan: Plan) -> None:
        """Make the host hold the plan; if that fails, nothing of it is left.

        A way whose source is absent is no failure, and is left to the tick.  Raises what the
        host refused with, and MissingLinkError.
        """
        missing = self._kernel.missing_links(plan.requires) if plan.requires else frozenset()
        if missing:
            raise MissingLinkError(
                f"there is no link {min(missing)} on this host; plug it in, give it its name again, "
                "or recreate the network on one that 'ip link' shows"
            )
        host, facts = _split(plan.resources)
        if facts:
            self._firewall.check()
        self._close_to_others(host)
        started: list[HostResource] = []
        try:
            self._make(host, started)
        except RefusedError:
            self.undo(Plan(resources=frozenset(started[:-1])))
            raise
        except Exception:
            self.undo(Plan(resources=frozenset(started)))
            raise
        try:
            self._firewall.ensure(facts)
        except Exception:
            self.undo(plan)
            raise
        try:
            deadline.check()
        except LateError:
            self.undo(plan)
            raise
        self._kernel.forget_connections(_ports(host))

    def _close_to_others(self, host: Iterable[HostResource]) -> None:
        """Before the host begins to forward, make it drop what no rule accepts.

        So the host routes no more between other links than before.  Users who want that accept it in
        FORWARD, as with an engine that switches forwarding on (moby, setupIPForwarding).
        """
        for each in host:
            version = _FORWARDING.get(each.name) if isinstance(each, Sysctl) else None
            if version and each not in self._kernel.read([each]):
                self._firewall.drop_forwarded(version)
                _log.info("forward.closed", family=f"IPv{version}")

    def _make(self, host: list[HostResource], started: list[HostResource]) -> None:
        """Make the plan, except routes from an address that the host lacks: the tick makes those.

        After a boot the host may wait for its DHCP lease.  A container that cannot start then
        would never be started again.
        """
        while host:
            tried: list[HostResource] = []
            try:
                self._kernel.ensure(host, tried.append)
            except AbsentAddressError as error:
                _log.warning("way.waits", reason=error)
                host = host[len(tried) :]
            else:
                return
            finally:
                started += tried

    def repair(self, resources: Iterable[Resource]) -> None:
        """Make the host hold resources it should have had; nothing is undone on failure.

        One that fails does not keep the rest from being tried.  But settings that open the host
        are left alone where no rules can be had.

        Raises one ExceptionGroup of all failures.
        """
        host, facts = _split(resources)
        failures: list[Exception] = []
        try:
            self._firewall.check()
        except PynetError:
            host = [each for each in host if not isinstance(each, Sysctl | RouteLocalnet)]
        closed: list[HostResource] = []
        for resource in host:
            try:
                self._close_to_others([resource])
            except PynetError as error:
                failures.append(error)
            else:
                closed.append(resource)
        self._repair_host(closed, failures)
        try:
            self._firewall.ensure(facts)
        except PynetError as error:
            failures.append(error)
        if failures:
            raise ExceptionGroup("not everything could be restored", failures)

    def _repair_host(self, host: list[HostResource], failures: list[Exception]) -> None:
        """In one conversation, and another for what follows one that fails."""
        while host:
            tried: list[HostResource] = []
            try:
                self._kernel.ensure(host, tried.append)
            except PynetError as error:
                failures.append(error)
            host = host[max(len(tried), 1) :]

    def remove(self, plan: Plan) -> None:
        """Remove the plan, and go on after a failure; shared resources stay.

        Host ports stay until ``release``.  A free port may be taken by another endpoint at once, and
        a record that still lists the port would then remove it from its new holder.

        Raises one ExceptionGroup of all failures.
        """
        self.remove_unwanted(
            each for each in plan.resources if not (isinstance(each, HostPort) or is_shared(each))
        )
        self._kernel.forget_connections(_ports(plan.resources))

    def release(self, plan: Plan) -> None:
        """Release the host ports of a plan, once no record lists them as held."""
        self._kernel.release(_ports(plan.resources))

    def remove_unwanted(self, resources: Iterable[Resource]) -> None:
        """Remove resources that no network wants.  Raises as ``remove`` does."""
        host, facts = _split(resources)
        failures: list[Exception] = []
        try:
            self._firewall.remove(facts[::-1])
        except PynetError as error:
            failures.append(error)
        try:
            self._kernel.remove(host[::-1])
        except (PynetError, ExceptionGroup) as error:
            failures.append(error)
        if failures:
            raise ExceptionGroup("not everything could be removed", failures)

    def change(self, before: Plan, after: Plan) -> None:
        """Make what one plan has more than another, and remove what it has less.

        Raises as ``apply`` and ``remove`` do.
        """
        delta = diff(after.resources, before.resources)
        if delta.surplus:
            self.remove(Plan(resources=delta.surplus))
        if delta.missing:
            self.apply(Plan(resources=delta.missing))

    def compare(self, desired: frozenset[HostResource]) -> Delta:
        """How the host differs from ``desired``.

        Without ``surplus``: that is known only when every network has been looked at.
        """
        wanted = desired
        if self._unseen:
            wanted = frozenset(each for each in desired if not isinstance(each, self._unseen))
        return diff(wanted, self._kernel.read(wanted))

    def undo(self, plan: Plan) -> None:
        """Remove what a failed call made; what stays is left to the tick, and fails nothing."""
        try:
            with deadline.within(_UNDO_SECONDS):
                self.remove(plan)
        except ExceptionGroup as errors:
            # The tick finds what is left by its mark.
            _log.error("plan.not_undone", reasons="; ".join(str(e) for e in errors.exceptions))


def _split(resources: Iterable[Resource]) -> tuple[list[HostResource], list[Fact]]:
    host: list[HostResource] = []
    facts: list[Fact] = []
    for resource in in_order(resources):
        if isinstance(resource, Fact):
            facts.append(resource)
        else:
            host.append(resource)
    return host, facts


def _ports(resources: Iterable[Resource]) -> list[HostPort]:
    return [resource for resource in resources if isinstance(resource, HostPort)]
