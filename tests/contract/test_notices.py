"""`ports.Notices` and `ports.Invitations`."""

from __future__ import annotations

from broker.domain.names import Instant, Name
from tests.contract import samples
from tests.contract.conftest import CROWD, Crowd, Stores
from tests.contract.samples import NOW


def until(seconds: int) -> Instant:
    return Instant(NOW + seconds)


def test_what_was_told_is_told_again_when_its_time_is_over(stores: Stores) -> None:
    assert stores.notices.claim("mail#1", NOW, until(60))
    assert not stores.notices.claim("mail#1", until(59), until(600))
    assert stores.notices.claim("mail#2", NOW, until(60))
    assert stores.notices.claim("mail#1", until(60), until(600))


def test_what_was_not_told_after_all_may_be_told_at_once(stores: Stores) -> None:
    assert stores.notices.claim("mail#1", NOW, until(60))
    stores.notices.release("mail#1")
    assert stores.notices.claim("mail#1", NOW, until(60))
    stores.notices.release("never told")


def test_one_of_many_tells_it(stores: Stores, crowd: Crowd) -> None:
    work = [lambda: stores.notices.claim("post#1", NOW, until(60))] * CROWD
    assert sum(crowd(work)) == 1


def test_who_waits_is_read_without_what_is_secret(stores: Stores) -> None:
    connection = samples.full()
    assert stores.connections.create(connection)
    read = stores.invitations.read(connection.name)
    assert read is not None
    for name in ("incarnation", "status", "link", "tickets", "open_link", "contacts", "last_error"):
        assert getattr(read, name) == getattr(connection, name)
    assert stores.invitations.read(Name("nobody")) is None


def test_a_link_is_made_once(stores: Stores) -> None:
    connection = samples.full()
    assert stores.connections.create(connection)
    opened = connection.open_link
    assert opened is not None
    assert stores.invitations.link(connection, ("a", "b"), opened)
    assert not stores.invitations.link(connection, ("c", "d"), opened)
    read = stores.invitations.read(connection.name)
    assert read is not None
    assert (read.link, read.tickets) == (connection.link + 1, ("a", "b"))
