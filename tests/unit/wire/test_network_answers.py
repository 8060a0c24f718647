"""Answers that depend on little."""

import pytest

from plugin.config import Scope
from plugin.wire import network_answers as answers
from tests.fakes.values import a_network, a_published_port, an_endpoint
from tests.unit.wire.bodies import LABEL


class TestOtherAnswers:
    @pytest.mark.parametrize("scope", list(Scope))
    def test_capabilities(self, scope: Scope) -> None:
        """Any other word, and the engine does not register the driver."""
        assert answers.capabilities(scope) == {
            "Scope": scope.value,
            "ConnectivityScope": scope.value,
            "GwAllocChecker": True,
        }

    def test_operational_info(self) -> None:
        """The ports as they were published."""
        endpoint = an_endpoint(
            a_network(), published=(a_published_port(), a_published_port("127.0.0.1", 9000))
        )

        assert answers.oper_info_answer(endpoint) == {
            "Value": {
                LABEL + "portmap": [
                    {
                        "Proto": 6,
                        "IP": "10.1.0.2",
                        "Port": 80,
                        "HostIP": "0.0.0.0",
                        "HostPort": 8080,
                        "HostPortEnd": 8080,
                    },
                    {
                        "Proto": 6,
                        "IP": "10.1.0.2",
                        "Port": 80,
                        "HostIP": "127.0.0.1",
                        "HostPort": 9000,
                        "HostPortEnd": 9000,
                    },
                ],
                LABEL + "endpoint.exposedports": [{"Proto": 6, "Port": 80}],
                LABEL + "endpoint.macaddress": endpoint.mac_address,
            }
        }

    def test_an_allocation_gives_the_options_back(self) -> None:
        """Every node of the swarm gets them so."""
        given = {"mtu": "1400", "pynet.allocated": "true"}

        assert answers.allocation_answer({"mtu": "1400"}) == {"Options": given}
