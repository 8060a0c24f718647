"""Where pools come from."""

from ipaddress import IPv4Network, IPv6Network

import pytest

from ipam.errors import InvalidSettingError
from ipam.settings import Settings, parse_pools, parse_ranges, ula_source, with_defaults


class TestParsePools:
    def test_pairs_of_both_families_are_read_in_order(self) -> None:
        """What is written first is used first."""
        sources = parse_pools(" 10.9.0.0/16:26, fd00:1:2::/48:64 ,172.16.0.0/16:24,")

        assert [str(source) for source in sources] == [
            "10.9.0.0/16:26",
            "fd00:1:2::/48:64",
            "172.16.0.0/16:24",
        ]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "pools is '', expected base:size pairs"),
            ("10.9.0.0/16", "'10.9.0.0/16', expected base:size"),
            ("fd00::/48", "expected base:size"),
            ("10.9.0.0/16:8", "size '8', expected a length from 16 to 32"),
            ("10.9.0.0/16:33", "size '33', expected a length from 16 to 32"),
            ("10.9.0.0/16:x", "size 'x'"),
            ("10.9.0.0/16:\u0662\u0664", "expected a length from 16 to 32"),
            (
                "172.17.0.0/12:16",
                "172.17.0.0/12 is an address within 172.16.0.0/12.*; write 172.16.0.0/12:16, or a range",
            ),
            ("fd00:1:2::1/48:64", "write fd00:1:2::/48:64, or a range that begins there"),
            ("ten/8:24", "expected base:size"),
            ("10.9.0.0/16:24,10.9.5.0/24:28", "10.9.5.0/24, which overlaps 10.9.0.0/16"),
        ],
    )
    def test_is_refused(self, text: str, message: str) -> None:
        """The value, the rule and the remedy are in the message."""
        with pytest.raises(InvalidSettingError, match=message):
            parse_pools(text)


class TestDefaults:
    def test_a_family_that_is_left_out_has_a_default(self) -> None:
        """Naming v4 ranges does not switch IPv6 off."""
        sources = with_defaults(parse_pools("172.16.0.0/16:24"), "this host")

        assert [source.base.version for source in sources] == [4, 6]

    def test_docker_s_default_pools_are_left_to_docker(self) -> None:
        """Both can then serve one host."""
        docker = [IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16")]

        for source in with_defaults((), "this host"):
            if isinstance(source.base, IPv4Network):
                assert not any(source.base.overlaps(network) for network in docker)

    def test_the_v6_range_is_a_host_s_own_for_ever(self) -> None:
        """A ULA /48 (RFC 4193) that depends on nothing but the host."""
        base = ula_source("this host").base

        assert base == ula_source("this host").base
        assert base != ula_source("that host").base
        assert base.prefixlen == 48
        assert isinstance(base, IPv6Network)
        assert base.subnet_of(IPv6Network("fd00::/8"))
        assert str(base) == "fd66:5e17:cd76::/48"


class TestSettings:
    def test_negative_times_are_refused(self) -> None:
        """0 means never; less means nothing."""
        with pytest.raises(InvalidSettingError, match="quarantine is -1, expected seconds"):
            Settings(quarantine=-1)


class TestCluster:
    def test_ranges_are_read(self) -> None:
        """Of both IP versions."""
        assert [str(each) for each in parse_ranges("10.48.0.0/12, fd00:48::/48")] == [
            "10.48.0.0/12",
            "fd00:48::/48",
        ]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("lan", "cluster has 'lan', expected prefixes such as"),
            ("10.50.0.1/12", "write 10.48.0.0/12"),
            ("10.48.0.0/12,10.50.0.0/16", "10.50.0.0/16, which overlaps another"),
        ],
    )
    def test_a_wrong_range_is_refused(self, text: str, said: str) -> None:
        """With what would be right."""
        with pytest.raises(InvalidSettingError, match=said):
            parse_ranges(text)

    def test_this_host_s_pools_are_not_in_the_cluster_s(self) -> None:
        """Other hosts would choose the same."""
        with pytest.raises(InvalidSettingError, match=r"overlaps 10\.208\.0\.0/12 of pools"):
            Settings(cluster=parse_ranges("10.0.0.0/8"))
