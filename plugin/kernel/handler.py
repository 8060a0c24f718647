"""The contract of a handler: what can be done with one kind of host object.

``handlers.py`` has the table of kinds and their handlers.
"""

import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, Protocol, TypeVar, cast

from plugin.errors import KernelError
from plugin.kernel.netlink.link_messages import LinkInfo
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.ids import IfName, Key


class HostObject(Protocol):
    """A value that describes one object on the host as it should be; its key identifies the object."""

    @property
    def key(self) -> Key: ...


T = TypeVar("T", bound=HostObject)
Look = TypeVar("Look")


class Session:
    """One conversation with the kernel, and what has been seen in it so far.

    ``links`` are all links by name, and ``names`` all names by number, where an earlier list of
    them is good enough: ``listed``.
    """

    def __init__(
        self,
        rtnl: Rtnl,
        links: Mapping[IfName, LinkInfo] | None = None,
        names: Mapping[int, IfName] | None = None,
        listed: tuple[LinkInfo, ...] | None = None,
    ) -> None:
        self.rtnl = rtnl
        self._links = links
        self._names = names
        self.listed = listed
        self._looks: dict[object, object] = {}

    def link(self, ifname: IfName) -> LinkInfo | None:
        """The link of that name.  Raises RtnlError."""
        return self.rtnl.link(ifname) if self._links is None else self._links.get(ifname)

    def name_of(self, index: int) -> IfName:
        """The name of the link with that number; empty if there is none."""
        return name_of(index) if self._names is None else self._names.get(index, IfName(""))

    def look(self, kind: Callable[[Rtnl], Look]) -> Look:
        """The one look of that kind in this conversation, for all who read: a long list is read once."""
        if kind not in self._looks:
            self._looks[kind] = kind(self.rtnl)
        return cast("Look", self._looks[kind])


def name_of(index: int) -> IfName:
    """The name of the link that has the number now; empty if there is none."""
    try:
        return IfName(socket.if_indextoname(index)) if index else IfName("")
    except OSError:
        return IfName("")


class Handler(Protocol[T]):
    """Makes, removes and reads the objects of one kind."""

    def ensure(self, session: Session, values: Iterable[T]) -> None:
        """Make the host hold ``values``, in their order; some may be there already.

        Values are drawn one by one: one that has not been drawn has not been touched. Raises
        what ``Kernel.ensure`` raises, RefusedError if the value drawn last was not touched.
        """

    def remove(self, session: Session, values: Iterable[T]) -> None:
        """Remove those of ``values`` that belong to pynet; ignore all others.

        Goes on after a failure and raises one ExceptionGroup of KernelError at the end.
        """

    def read(self, session: Session, values: Iterable[T]) -> Iterable[T]:
        """What the host has under the keys of ``values``, as it is."""

    def read_all(self, session: Session) -> Iterable[T]:
        """Every object of this kind that is known without a record to belong to pynet, for the sweep.

        Empty for kinds that go with something else.
        """

    def state(self, session: Session) -> object:
        """What answers of ``read`` and ``read_all`` depend on: while it is equal, so are they.

        None if that cannot be told, and the host must be asked each time.
        """


class OneByOne(ABC, Generic[T]):
    """A handler whose objects are made, removed and read one after the other."""

    @abstractmethod
    def ensure_one(self, session: Session, value: T) -> None:
        """Make the host hold the value.  Raises as ``Handler.ensure`` does."""

    @abstractmethod
    def remove_one(self, session: Session, value: T) -> None:
        """Remove the object, if it belongs to pynet.  Raises RtnlError or KernelError."""

    @abstractmethod
    def read_one(self, session: Session, value: T) -> T | None:
        """The object as it is; None if it is not there."""

    def ensure(self, session: Session, values: Iterable[T]) -> None:
        for value in values:
            self.ensure_one(session, value)

    def remove(self, session: Session, values: Iterable[T]) -> None:
        failures = []
        for value in values:
            try:
                self.remove_one(session, value)
            except RtnlError as error:
                # The end of a sandbox takes links along, also while they are looked at.
                if not error.is_gone:
                    failures.append(KernelError(f"{value.key}: {error}"))
            except KernelError as error:
                failures.append(error)
        if failures:
            raise ExceptionGroup("not everything could be removed", failures)

    def read(self, session: Session, values: Iterable[T]) -> Iterable[T]:
        found = (self.read_one(session, value) for value in values)
        return (each for each in found if each is not None)

    def read_all(self, session: Session) -> Iterable[T]:
        return ()

    def state(self, session: Session) -> object:
        return None


class ListedLinks(OneByOne[T]):
    """A handler whose objects are read from the list of links, and from nothing else."""

    def state(self, session: Session) -> object:
        return session.listed
