"""A cluster with certificates and users: etcd itself, and users of the one in memory."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from etcdgw import (
    AccessError,
    Changed,
    Client,
    Credentials,
    InvalidSettingError,
    Listed,
    Member,
    RefusedError,
    Settings,
    Tls,
    UnavailableError,
)
from tests.contract.etcdgw.clusters import place
from tests.contract.etcdgw.guarded import Guarded, GuardedEtcd, GuardedFake

USER = Credentials(user="pynet", password="of pynet")
Opens = Callable[..., Client]


@pytest.fixture(scope="module", params=["fake", pytest.param("etcd", marks=pytest.mark.root)])
def guarded(request: pytest.FixtureRequest) -> Iterator[Guarded]:
    """One member that demands a certificate, where it can, and a user."""
    with place(request.param) as netns:
        made: Guarded = GuardedEtcd(USER) if netns else GuardedFake(USER)
        with closing(made):
            yield made


@pytest.fixture
def opens(guarded: Guarded) -> Iterator[Opens]:
    """Makes clients with the cluster's settings, or with some that differ."""
    with ExitStack() as stack:

        def make(**differs: object) -> Client:
            return stack.enter_context(closing(Client(replace(guarded.settings, **differs))))

        yield make


def test_a_user_has_what_its_role_allows(opens: Opens) -> None:
    """And nothing else."""
    etcd = opens()
    etcd.put(b"/pynet/a", b"1")

    assert etcd.get(b"/pynet/a") is not None


def test_a_wrong_password(opens: Opens) -> None:
    """Is said, with the user."""
    etcd = opens(credentials=Credentials(user="pynet", password="wrong"))

    with pytest.raises(AccessError, match="knows no user 'pynet' with this password"):
        etcd.put(b"/pynet/a", b"1")


def test_nobody(opens: Opens) -> None:
    """Is refused.  Behind a member that demands certificates etcd takes its own gateway for the user."""
    with pytest.raises(AccessError, match=r"give one of them|permission denied"):
        opens(credentials=None).put(b"/pynet/a", b"1")


def test_a_token_that_etcd_forgot_is_renewed(guarded: Guarded, opens: Opens) -> None:
    """Users and roles were changed, or the member was restarted: a write is done all the same."""
    etcd = opens()
    etcd.put(b"/pynet/a", b"1")
    guarded.forget_tokens()

    etcd.put(b"/pynet/a", b"2")

    found = etcd.get(b"/pynet/a")
    assert found is not None
    assert found.value == b"2"


def test_a_watch_begins_with_a_token_that_etcd_forgot(guarded: Guarded, opens: Opens) -> None:
    """It asks for another one."""
    etcd = opens()
    etcd.put(b"/pynet/a", b"1")
    watch = etcd.watch(b"/pynet/", period=0.2)
    news = watch.news()
    assert isinstance(next(news), Listed)
    guarded.forget_tokens()
    opens().put(b"/pynet/b", b"2")

    told = next(each for each in news if isinstance(each, Changed))

    watch.close()
    assert [event.kv.value for event in told.events] == [b"2"]


def test_users_are_given_where_there_are_none() -> None:
    """A client with a password works at a cluster without users."""
    member = GuardedFake(None)
    with_user = Client(replace(member.settings, credentials=USER))
    with_user.put(b"/pynet/a", b"1")
    with_user.close()
    member.close()


def test_certificates_are_looked_at(guarded: Guarded, opens: Opens) -> None:
    """By both: the client's of the member, and where etcd has users its gateway takes no CommonName.

    The member in memory has no certificates, so that there is nothing to ask of it.
    """
    if guarded.named is not None:
        with pytest.raises(UnavailableError, match="certificate verify failed"):
            opens(tls=replace(guarded.settings.tls, ca=None)).get(b"/pynet/a")
        with pytest.raises(UnavailableError):
            opens(tls=Tls(ca=guarded.settings.tls.ca)).get(b"/pynet/a")
        with pytest.raises(RefusedError, match="use one without"):
            opens(tls=guarded.named).get(b"/pynet/a")


@pytest.mark.parametrize("name", ["ca", "certificate"])
def test_files_that_are_none(name: str, tmp_path: Path) -> None:
    """Are named before anything is asked."""
    file = tmp_path / "none.pem"
    file.write_text("nothing")
    members = (Member(host="127.0.0.1", encrypted=True),)

    with pytest.raises(InvalidSettingError, match=f"{file}.* cannot be used .*expected .*PEM"):
        Client(Settings(members=members, tls=replace(Tls(), **{name: file})))
