"""Settings from the environment: each good, each bad, and all of them documented in one place."""

import json
from ipaddress import ip_address
from pathlib import Path

import pytest

from plugin.config import (
    AcceptedMark,
    Config,
    PluginSocket,
    Role,
    Scope,
    read_config,
    read_served_config,
)
from plugin.errors import SettingError
from plugin.settings import SETTINGS
from plugin.sockets import Listener

LONG = "/" + "x" * 107


class TestDefaults:
    def test_an_empty_environment_is_enough(self) -> None:
        """As a service that was just installed has it."""
        config = read_config({})

        assert config.state == Path("/var/lib/pynet")
        assert config.plugin_sockets == (
            PluginSocket(path=Path("/run/docker/plugins/pynet.sock"), scope=Scope.LOCAL),
        )
        assert config.admin_socket == Path("/run/pynet/admin.sock")
        assert config.log_level == "info"
        assert config.roles == {Role.NETWORK, Role.IPAM}
        assert (config.mark, config.tick) == (0x800, 30)
        assert config.accepted is None

    @pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
    def test_an_empty_value_is_the_default(self, name: str) -> None:
        """``docker plugin set`` leaves such behind."""
        assert read_config({name: "  "}) == read_config({})

    def test_every_setting_says_what_it_is_for(self) -> None:
        """Once."""
        assert all(setting.meaning for setting in SETTINGS)
        assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)


GOOD = [
    ("PYNET_STATE", "/srv/pynet", "state", Path("/srv/pynet")),
    ("PYNET_ADMIN_SOCKET", "/tmp/a.sock", "admin_socket", Path("/tmp/a.sock")),
    ("PYNET_LOG_LEVEL", "DEBUG", "log_level", "debug"),
    ("PYNET_ROLES", "ipam", "roles", {Role.IPAM}),
    ("PYNET_ROLES", "network, ipam", "roles", {Role.NETWORK, Role.IPAM}),
    ("PYNET_MARK", "0x1", "mark", 1),
    ("PYNET_MARK", "4096", "mark", 4096),
    ("PYNET_MARK", "0x80000000", "mark", 1 << 31),
    ("PYNET_ACCEPT_FWMARK", "2/3", "accepted", AcceptedMark(value=2, mask=3)),
    ("PYNET_ACCEPT_FWMARK", "0x2 / 0xff", "accepted", AcceptedMark(value=2, mask=0xFF)),
    ("PYNET_ACCEPT_FWMARK", "0x2/0xfff", "accepted", AcceptedMark(value=2, mask=0xFFF)),
    ("PYNET_ACCEPT_FWMARK", "7", "accepted", AcceptedMark(value=7, mask=0xFFFFFFFF)),
    ("PYNET_SYSCTLS", "/host/proc/sys", "sysctls", Path("/host/proc/sys")),
    ("PYNET_TICK", "1", "tick", 1),
    ("PYNET_TICK", "2.5", "tick", 2.5),
    (
        "SCOPE",
        "global",
        "plugin_sockets",
        (PluginSocket(path=Path("/run/docker/plugins/pynet.sock"), scope=Scope.GLOBAL),),
    ),
    (
        "PYNET_PLUGIN_SOCKETS",
        "/a/pynet.sock, /b/pynet.sock=global,",
        "plugin_sockets",
        (
            PluginSocket(path=Path("/a/pynet.sock"), scope=Scope.LOCAL),
            PluginSocket(path=Path("/b/pynet.sock"), scope=Scope.GLOBAL),
        ),
    ),
]
BAD = [
    ("PYNET_METRICS", "9610", "an IP address and a port"),
    ("PYNET_METRICS", ":9610", "an IP address and a port"),
    ("PYNET_METRICS", "localhost:9610", "an IP address and a port"),
    ("PYNET_METRICS", "127.0.0.1", "an IP address and a port"),
    ("PYNET_METRICS", "1.2.3.4:0", "an IP address and a port"),
    ("PYNET_METRICS", "1.2.3.4:65536", "an IP address and a port"),
    ("PYNET_ANSWER_ALWAYS", "perhaps", "true or false"),
    ("PYNET_STATE", "pynet", "PYNET_STATE is 'pynet', expected an absolute path"),
    ("PYNET_ADMIN_SOCKET", "a.sock", "PYNET_ADMIN_SOCKET is 'a.sock', expected an absolute path"),
    ("PYNET_ADMIN_SOCKET", LONG, "expected a path of at most 107 bytes"),
    ("PYNET_LOG_LEVEL", "loud", "PYNET_LOG_LEVEL is 'loud', expected one of debug, info, warning"),
    ("SCOPE", "swarm", "SCOPE is 'swarm', expected local or global as the scope"),
    ("PYNET_PLUGIN_SOCKETS", ",", "PYNET_PLUGIN_SOCKETS is ',', expected at least one absolute"),
    ("PYNET_PLUGIN_SOCKETS", "pynet.sock", "expected an absolute path"),
    ("PYNET_PLUGIN_SOCKETS", LONG, "expected a path of at most 107 bytes"),
    ("PYNET_PLUGIN_SOCKETS", "/a=swarm", "PYNET_PLUGIN_SOCKETS is 'swarm', expected local or"),
    ("PYNET_PLUGIN_SOCKETS", "/a,/a=global", "expected each path once"),
    (
        "PYNET_SECRET",
        "short",
        "PYNET_SECRET is '5 characters long', expected a secret of at least 32",
    ),
    ("PYNET_SECRET_FILE", "secret", "PYNET_SECRET_FILE is 'secret', expected an absolute path"),
    ("PYNET_SECRET_FILE", "/nowhere/secret", "a file that can be read (No such file or directory)"),
    ("PYNET_SECRET_FILE", "/dev/null", "expected a regular file"),
    ("PYNET_ROLES", "dns", "PYNET_ROLES is 'dns', expected network, ipam or network,ipam"),
    ("PYNET_ROLES", ",", "PYNET_ROLES is ',', expected network"),
    ("PYNET_MARK", "0", "PYNET_MARK is '0', expected a number with one bit set, as 0x800"),
    ("PYNET_MARK", "3", "expected a number with one bit set"),
    ("PYNET_MARK", "-1", "expected a number with one bit set"),
    ("PYNET_MARK", "0x100000000", "expected a number with one bit set"),
    ("PYNET_MARK", "x", "expected a number with one bit set"),
    (
        "PYNET_ACCEPT_FWMARK",
        "0",
        "PYNET_ACCEPT_FWMARK is '0', expected a mark within its mask and not 0",
    ),
    (
        "PYNET_ACCEPT_FWMARK",
        "0/0x1",
        "expected a mark within its mask and not 0, as 0x2/0x3 or 0x2",
    ),
    (
        "PYNET_ACCEPT_FWMARK",
        "hello/0x2",
        "expected a mark within its mask and not 0, as 0x2/0x3 or 0x2",
    ),
    (
        "PYNET_ACCEPT_FWMARK",
        "1/hello",
        "expected a mark within its mask and not 0, as 0x2/0x3 or 0x2",
    ),
    ("PYNET_ACCEPT_FWMARK", "1/", "expected a mark within its mask and not 0, as 0x2/0x3 or 0x2"),
    ("PYNET_ACCEPT_FWMARK", "/1", "expected a mark within its mask and not 0, as 0x2/0x3 or 0x2"),
    ("PYNET_ACCEPT_FWMARK", "1/2", "expected a mark within its mask and not 0, as 0x2/0x3 or 0x2"),
    ("PYNET_ACCEPT_FWMARK", "-1", "expected a mark within its mask and not 0, as 0x2/0x3 or 0x2"),
    ("PYNET_ACCEPT_FWMARK", "1/-1", "expected a mark within its mask and not 0, as 0x2/0x3 or 0x2"),
    (
        "PYNET_ACCEPT_FWMARK",
        "0x100000000",
        "expected a mark within its mask and not 0, as 0x2/0x3 or 0x2",
    ),
    (
        "PYNET_ACCEPT_FWMARK",
        "1/0x100000001",
        "expected a mark within its mask and not 0, as 0x2/0x3 or 0x2",
    ),
    ("PYNET_ACCEPT_FWMARK", "1_0", "expected a mark within its mask and not 0, as 0x2/0x3 or 0x2"),
    ("PYNET_ACCEPT_FWMARK", "0x802/0xfff", "expected a mark without the bit of PYNET_MARK, 0x800"),
    ("PYNET_SYSCTLS", "proc/sys", "PYNET_SYSCTLS is 'proc/sys', expected an absolute path"),
    ("PYNET_CLUSTER", "10.48.0.0/12", "expected nothing where PYNET_ETCD is empty"),
    ("PYNET_HOST_ADDRESS", "10.99.0.1", "expected nothing where PYNET_ETCD is empty"),
    ("PYNET_ETCD_CA", "/ca.pem", "expected nothing where PYNET_ETCD is empty"),
    ("PYNET_ETCD_CERT", "/own.pem", "expected nothing where PYNET_ETCD is empty"),
    ("PYNET_ETCD_KEY", "/own.key", "expected nothing where PYNET_ETCD_CERT is empty"),
    ("PYNET_ETCD_USER", "pynet", "expected nothing where PYNET_ETCD is empty"),
    ("PYNET_ETCD_PASSWORD_FILE", "/password", "nothing where PYNET_ETCD_USER is empty"),
    ("PYNET_TICK", "0.5", "PYNET_TICK is '0.5', expected a number from 1 to 3600"),
    ("PYNET_TICK", "3601", "expected a number from 1 to 3600"),
    ("PYNET_TICK", "nan", "expected a number from 1 to 3600"),
    ("PYNET_TICK", "1_0", "expected a number from 1 to 3600"),
    ("PYNET_TICK", "\u0661\u0660", "expected a number from 1 to 3600"),
    ("PYNET_MARK", "0x8_00", "a number with one bit set"),
    ("PYNET_TICK", "soon", "expected a number from 1 to 3600"),
    ("PYNET_QUARANTINE", "-1", "PYNET_QUARANTINE is '-1', expected a number from 0 to"),
    ("PYNET_STICKY", "x", "PYNET_STICKY is 'x', expected a number from 0 to"),
    ("PYNET_RESERVE_TIMEOUT", "inf", "PYNET_RESERVE_TIMEOUT is 'inf', expected a number from 0"),
    ("PYNET_REQUIRES_MAC", "yes", "PYNET_REQUIRES_MAC is 'yes', expected true or false"),
]


@pytest.mark.parametrize(("name", "text", "field", "value"), GOOD)
def test_good_values(name: str, text: str, field: str, value: object) -> None:
    """Read once, into what it means."""
    config: Config = read_config({name: text})

    assert getattr(config, field) == value


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("PYNET_POOLS", "10.9.0.0/16:24", "pools", "10.9.0.0/16:24"),
        ("PYNET_QUARANTINE", "0", "quarantine", 0),
        ("PYNET_STICKY", "3600", "sticky", 3600),
        ("PYNET_RESERVE_TIMEOUT", "1.5", "reserve_timeout", 1.5),
        ("PYNET_REQUIRES_MAC", "True", "requires_mac", True),
    ],
)
def test_good_values_for_the_ipam(name: str, text: str, field: str, value: object) -> None:
    """They go on together."""
    assert getattr(read_config({name: text}).addresses, field) == value


@pytest.mark.parametrize(("name", "text", "complaint"), BAD)
def test_bad_values(name: str, text: str, complaint: str) -> None:
    """Refused before anything is opened, with the variable's name."""
    with pytest.raises(SettingError) as refusal:
        read_config({name: text})

    assert complaint in str(refusal.value)


def test_every_setting_is_tried_here() -> None:
    """A new one needs its good and its bad values, unless any text will do."""
    tried = {name for name, *_ in BAD}

    # What any text may be is read where the IPAM and etcd are known (bootstrap).
    assert {setting.name for setting in SETTINGS} - tried == {"PYNET_POOLS", "PYNET_ETCD"}


ALWAYS = {"PYNET_ANSWER_ALWAYS": "true"}


class TestAnsweringAlways:
    def test_wrong_settings_are_told_instead(self) -> None:
        """Each with what would be right; the others hold."""
        wrong = {"SCOPE": "galaxy", "PYNET_QUARANTINE": "abc", "PYNET_TICK": "5"}
        config = read_served_config({**ALWAYS, **wrong})

        assert "SCOPE is 'galaxy', expected local or global" in config.fault
        assert "PYNET_QUARANTINE is 'abc', expected a number" in config.fault
        assert config.tick == 5

    def test_right_ones_are_no_fault(self) -> None:
        """The ordinary case."""
        assert read_served_config(ALWAYS) == read_config({})

    @pytest.mark.parametrize(
        "environ",
        [
            {"SCOPE": "galaxy"},
            {"SCOPE": "galaxy", "PYNET_ANSWER_ALWAYS": "false"},
            {**ALWAYS, "PYNET_ADMIN_SOCKET": "here"},
            {"PYNET_ANSWER_ALWAYS": "perhaps"},
        ],
    )
    def test_it_ends_where_nobody_could_be_told(self, environ: dict[str, str]) -> None:
        """Without the setting, and without sockets to tell it by."""
        with pytest.raises(SettingError):
            read_served_config(environ)


class TestMetrics:
    @pytest.mark.parametrize(
        ("text", "address", "port"),
        [("127.0.0.1:9610", "127.0.0.1", 9610), ("[::1]:80", "::1", 80)],
    )
    def test_where(self, text: str, address: str, port: int) -> None:
        """An address of either family."""
        wanted = Listener(address=ip_address(address), port=port)

        assert read_config({"PYNET_METRICS": text}).metrics == wanted
        assert read_config({}).metrics is None


def test_every_setting_can_be_set_in_the_managed_plugin() -> None:
    """But for those that say where things are inside."""
    inside = {
        *("PYNET_STATE", "PYNET_ADMIN_SOCKET", "PYNET_PLUGIN_SOCKETS", "PYNET_SYSCTLS"),
        "PYNET_ANSWER_ALWAYS",
    }
    config = json.loads((Path(__file__).parents[2] / "config.json").read_text())
    settable = {each["name"] for each in config["env"] if each.get("settable") == ["value"]}
    others = {each["name"]: each["value"] for each in config["env"] if each["name"] in settable}

    assert settable == {setting.name for setting in SETTINGS} - inside
    assert others == {s.name: s.default for s in SETTINGS if s.name in settable}
