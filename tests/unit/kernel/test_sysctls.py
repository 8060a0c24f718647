"""Settings of a kernel that may lack a family."""

from pathlib import Path

import pytest

from plugin.errors import KernelError
from plugin.kernel.links import sysctls
from plugin.model.sysctls import Sysctl

OFF = Sysctl(name="net/ipv6/conf/pnb-1/accept_ra", value="0")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What /proc/sys is on a host that was started with ``ipv6.disable=1``."""
    (tmp_path / "net/ipv4").mkdir(parents=True)
    (tmp_path / "net/ipv4/ip_forward").write_text("0\n")
    return tmp_path


def test_without_ipv6_nothing_of_it_is_missing(root: Path) -> None:
    """It would be repaired, and counted, with every tick."""
    sysctls.ensure(OFF, root)

    assert sysctls.read(OFF, root) == OFF


def test_of_a_link_that_is_gone_they_are_missing(root: Path) -> None:
    """Where there is IPv6."""
    (root / "net/ipv6/conf/all").mkdir(parents=True)

    assert sysctls.read(OFF, root) is None


def test_what_every_kernel_has_must_be_there(root: Path) -> None:
    """Nothing is forwarded without it."""
    other = Sysctl(name="net/ipv4/nonsense", value="1")

    assert sysctls.read(other, root) is None
    with pytest.raises(KernelError, match="this kernel has no setting net/ipv4/nonsense"):
        sysctls.ensure(other, root)
