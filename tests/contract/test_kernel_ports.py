"""One suite, two kernels: ports of the host."""

from ipaddress import ip_address

import pytest

from plugin.errors import PortTakenError, RefusedError
from plugin.model.network import Protocol
from plugin.model.ports import HostPort
from tests.contract.hosts import Host, make

ANY4, ANY6, LOOPBACK = ip_address("0.0.0.0"), ip_address("::"), ip_address("127.0.0.1")


def a_port(
    address: str = "0.0.0.0", port: int = 8080, protocol: Protocol = Protocol.TCP
) -> HostPort:
    return HostPort(protocol=protocol, address=ip_address(address), port=port)


class TestHostPorts:
    def test_a_port_ends_with_its_process(self, host: Host) -> None:
        """Nothing has to be cleaned up after a crash."""
        make(host, a_port())
        host.restart()

        assert host.kernel.read([a_port()]) == frozenset()
        make(host, a_port())

    def test_a_foreign_port_is_refused_in_the_engines_words(self, host: Host) -> None:
        """People and programs know the sentence."""
        host.listen(Protocol.TCP, "0.0.0.0", 8080)

        with pytest.raises(
            PortTakenError, match=r"^Bind for 0\.0\.0\.0:8080 failed: port is already allocated$"
        ):
            make(host, a_port())

    @pytest.mark.parametrize(
        ("taken", "asked", "protocol"),
        [
            ("0.0.0.0", "127.0.0.1", Protocol.TCP),
            ("127.0.0.1", "0.0.0.0", Protocol.TCP),
            ("127.0.0.1", "127.0.0.1", Protocol.UDP),
            ("0.0.0.0", "127.0.0.1", Protocol.UDP),
            ("::1", "::", Protocol.TCP),
        ],
    )
    def test_a_port_that_another_server_has_is_refused(
        self, host: Host, taken: str, asked: str, protocol: Protocol
    ) -> None:
        """Any address covers each of its family."""
        host.listen(protocol, taken, 8080)
        port = a_port(asked, protocol=protocol)
        with pytest.raises(PortTakenError):
            make(host, port)

        assert host.kernel.read([port]) == frozenset()

    @pytest.mark.parametrize(
        ("taken", "asked"), [("127.0.0.2", "127.0.0.1"), ("::", "0.0.0.0"), ("0.0.0.0", "::")]
    )
    def test_a_server_elsewhere_is_not_in_the_way(self, host: Host, taken: str, asked: str) -> None:
        """Another address, or the other family."""
        host.listen(Protocol.TCP, taken, 8080)
        make(host, a_port(asked))

        assert host.kernel.read([a_port(asked)]) == {a_port(asked)}

    @pytest.mark.parametrize("protocol", list(Protocol))
    @pytest.mark.parametrize(
        ("first", "second"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0"), ("::", "::1")]
    )
    def test_we_do_not_bind_over_ourselves(
        self, host: Host, first: str, second: str, protocol: Protocol
    ) -> None:
        """Two containers, one on any address and one on a single address."""
        host.need(protocol)
        held = a_port(first, protocol=protocol)
        make(host, held)
        with pytest.raises(PortTakenError):
            make(host, a_port(second, protocol=protocol))

        assert host.kernel.read([held, a_port(second, protocol=protocol)]) == {held}

    def test_protocols_do_not_meet(self, host: Host) -> None:
        """``-p 53:53 -p 53:53/udp``."""
        both = [a_port(), a_port(protocol=Protocol.UDP)]
        make(host, *both)

        assert host.kernel.read(both) == frozenset(both)

    @pytest.mark.parametrize("address", ["0.0.0.0", "::"])
    def test_a_protocol_that_the_kernel_does_not_have_is_refused(
        self, host: Host, address: str
    ) -> None:
        """With what can be done about it, however the port was asked for."""
        host.lack(Protocol.SCTP)
        port = a_port(address, protocol=Protocol.SCTP)
        message = r"cannot publish a port of sctp: this host's kernel does not have it .*; load its"
        with pytest.raises(RefusedError, match=message):
            make(host, port)
        for ports in (range(8080, 8081), None):
            with pytest.raises(RefusedError, match=message):
                host.kernel.reserve(Protocol.SCTP, [port.address], ports)

        assert host.kernel.read([port]) == frozenset()

    def test_an_address_that_the_host_does_not_have_is_refused(self, host: Host) -> None:
        """The message says what is wrong with it."""
        with pytest.raises(RefusedError, match="this host has no such address"):
            make(host, a_port("198.51.100.9"))

    def test_a_port_that_was_released_is_free(self, host: Host) -> None:
        """A container was stopped, another wants its port."""
        make(host, a_port())
        host.kernel.remove([a_port()])
        make(host, a_port("127.0.0.1"))

        assert host.kernel.read([a_port(), a_port("127.0.0.1")]) == {a_port("127.0.0.1")}


class TestReserve:
    def test_the_first_free_port_of_a_range(self, host: Host) -> None:
        """``-p 8080-8082:80``."""
        host.listen(Protocol.TCP, "0.0.0.0", 8080)

        number = host.kernel.reserve(Protocol.TCP, [ANY4], range(8080, 8083))

        assert number == 8081
        assert host.kernel.read([a_port(port=8081)])

    def test_one_port_on_both_families(self, host: Host) -> None:
        """One answer serves ``localhost`` whichever way it is resolved."""
        host.listen(Protocol.TCP, "::", 8080)

        number = host.kernel.reserve(Protocol.TCP, [ANY4, ANY6], range(8080, 8082))

        assert number == 8081
        wanted = {a_port(port=8081), a_port("::", 8081)}
        assert host.kernel.read(wanted) == wanted
        assert not host.kernel.read([a_port(port=8080)])

    @pytest.mark.parametrize("protocol", list(Protocol))
    def test_any_port_is_of_the_ephemeral_range(self, host: Host, protocol: Protocol) -> None:
        """And the same in both families."""
        host.need(protocol)
        numbers = {host.kernel.reserve(protocol, [ANY4, ANY6], None) for _ in range(8)}

        assert len(numbers) == 8
        assert all(32768 <= number < 61000 for number in numbers)
        held = {a_port(a, n, protocol) for n in numbers for a in ("0.0.0.0", "::")}
        assert host.kernel.read(held) == held

    def test_an_exhausted_range_is_refused(self, host: Host) -> None:
        """With its first port in the engine's words, and nothing held."""
        host.kernel.reserve(Protocol.TCP, [ANY4], range(8080, 8082))
        host.kernel.reserve(Protocol.TCP, [ANY4], range(8080, 8082))

        with pytest.raises(PortTakenError, match=r"Bind for 127\.0\.0\.1:8080 failed"):
            host.kernel.reserve(Protocol.TCP, [LOOPBACK], range(8080, 8082))

    def test_what_was_reserved_is_ensured_already(self, host: Host) -> None:
        """Reserving comes first, the plan that holds the port afterwards."""
        number = host.kernel.reserve(Protocol.UDP, [ANY4], None)
        port = a_port(port=number, protocol=Protocol.UDP)
        make(host, port)
        host.kernel.remove([port])

        assert host.kernel.read([port]) == frozenset()
