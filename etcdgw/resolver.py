"""Addresses of the members' names, within a deadline.

``getaddrinfo`` takes no timeout and waits for a silent name server for half a minute, so it runs in
a thread of its own.  What was found last stands in where there is no answer.
"""

import socket
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread


class Resolver:
    """Remembers what names led to."""

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {}

    def addresses(self, host: str, seconds: float) -> list[str]:
        """The host's addresses.  Raises OSError, TimeoutError among them."""
        if _is_address(host):
            return [host]
        answers: SimpleQueue[list[str] | OSError] = SimpleQueue()
        known = self._known.get(host)
        Thread(target=_look_up, args=(host, answers), name="etcd-name", daemon=True).start()
        try:
            answer = answers.get(timeout=seconds / 2 if known else seconds)
        except Empty:
            answer = TimeoutError(f"the name {host} was not resolved in time")
        if not isinstance(answer, OSError):
            self._known[host] = answer
            return answer
        if known:
            return known
        raise answer


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _look_up(host: str, answers: "SimpleQueue[list[str] | OSError]") -> None:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        answers.put(error)
        return
    answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
