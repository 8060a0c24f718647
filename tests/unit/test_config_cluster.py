"""Settings of a cluster: where etcd is, and which subnets hosts share."""

from pathlib import Path

import pytest

from plugin.config import ClusterSettings, read_config
from plugin.errors import SettingError

ETCD = {"PYNET_ETCD": "http://10.0.0.1:2379"}


class TestTheCluster:
    def test_there_is_none(self) -> None:
        """Unless etcd is named."""
        assert read_config({}).cluster is None

    def test_it_is_read_together(self, tmp_path: Path) -> None:
        """With the password out of its file, which is not shown."""
        file = tmp_path / "password"
        file.write_text("of etcd\n")
        file.chmod(0o600)
        config = read_config(
            {
                **ETCD,
                "PYNET_CLUSTER": "10.48.0.0/12",
                "PYNET_HOST_ADDRESS": "10.99.0.1",
                "PYNET_ETCD_CA": "/ca.pem",
                "PYNET_ETCD_CERT": "/own.pem",
                "PYNET_ETCD_KEY": "/own.key",
                "PYNET_ETCD_USER": "pynet",
                "PYNET_ETCD_PASSWORD_FILE": str(file),
            }
        )

        assert config.cluster == ClusterSettings(
            etcd="http://10.0.0.1:2379",
            ranges="10.48.0.0/12",
            ca=Path("/ca.pem"),
            certificate=Path("/own.pem"),
            key=Path("/own.key"),
            user="pynet",
            password="of etcd",
            address="10.99.0.1",
        )
        assert "of etcd" not in repr(config)

    @pytest.mark.parametrize(
        ("more", "complaint"),
        [
            ({"PYNET_ETCD_CA": "ca.pem"}, "PYNET_ETCD_CA is 'ca.pem', expected an absolute path"),
            ({"PYNET_ETCD_USER": "pynet"}, "nothing where PYNET_ETCD_PASSWORD_FILE is empty"),
            ({"PYNET_ETCD_KEY": "/own.key"}, "nothing where PYNET_ETCD_CERT is empty"),
            ({"PYNET_ROLES": "network"}, "expected the role ipam in PYNET_ROLES too"),
        ],
    )
    def test_what_does_not_go_together(self, more: dict[str, str], complaint: str) -> None:
        """Refused before anything is opened."""
        with pytest.raises(SettingError) as refusal:
            read_config({**ETCD, **more})

        assert complaint in str(refusal.value)

    @pytest.mark.parametrize(
        ("mode", "content", "complaint"),
        [(0o644, "of etcd", "chmod 600"), (0o600, " \n", "and this one is empty")],
    )
    def test_a_password_that_is_none(
        self, tmp_path: Path, mode: int, content: str, complaint: str
    ) -> None:
        """Nor one that others may read."""
        file = tmp_path / "password"
        file.write_text(content)
        file.chmod(mode)

        with pytest.raises(SettingError, match=complaint):
            read_config({**ETCD, "PYNET_ETCD_USER": "pynet", "PYNET_ETCD_PASSWORD_FILE": str(file)})
