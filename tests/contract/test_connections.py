"""`ports.Connections` and `ports.Descriptions`, but for leases."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from broker.domain.connection import Check, Connection, Findings, Status
from broker.domain.contacts import Contact
from broker.domain.grants import Grant
from broker.domain.names import Incarnation, Name
from broker.ports.stores import CHANGED, PAGE_BYTES
from tests.contract import samples
from tests.contract.conftest import CROWD, Crowd, Stores
from tests.contract.samples import NOW, OTHER, OWN


def test_what_is_created_is_read_back_whole(stores: Stores) -> None:
    full, bare = samples.full(), samples.connection("bare")
    assert stores.connections.create(full)
    assert stores.connections.create(bare)
    assert stores.connections.get(full.name) == full
    assert stores.connections.get(bare.name, consistent=False) == bare


def test_absent(stores: Stores) -> None:
    assert stores.connections.get(Name("nobody")) is None
    assert stores.descriptions.describe(Name("nobody")) is None


def test_a_taken_name_is_refused(stores: Stores) -> None:
    first = samples.connection()
    assert stores.connections.create(first)
    assert not stores.connections.create(samples.connection())
    assert stores.connections.get(first.name) == first
    assert stores.connections.create(first), "its answer may have been lost"


def test_one_of_a_crowd_gets_the_name(stores: Stores, crowd: Crowd) -> None:
    wanted = [samples.connection() for _ in range(CROWD)]
    won = crowd([partial(stores.connections.create, each) for each in wanted])
    assert sum(won) == 1
    assert stores.connections.get(wanted[0].name) == wanted[won.index(True)]


def test_a_description_holds_what_a_page_tells(stores: Stores) -> None:
    full = samples.full()
    stores.connections.create(full)
    assert stores.descriptions.describe(full.name) == Connection(
        name=full.name,
        incarnation=full.incarnation,
        epoch=full.epoch,
        link=full.link,
        open_link=full.open_link,
        display_name=full.display_name,
        purpose=full.purpose,
        service=full.service,
        resource=full.resource,
        tenant=full.tenant,
        scopes=full.scopes,
        status=full.status,
        grants=full.grants,
        expected=full.expected,
        account=full.account,
        created_at=full.created_at,
        created_by=full.created_by,
        client_id=full.client_id,
        authority=full.authority,
    )


def test_change_writes_what_operators_change_and_counts(stores: Stores) -> None:
    before = samples.full()
    stores.connections.create(before)
    wanted: dict[str, Any] = {
        "display_name": "New",
        "purpose": "",
        "contacts": {"tenant_admin": Contact("admin@example.com")},
        "grants": (Grant("999900001111"),),
        "labels": {"team": "search"},
        "parameters": {},
        "suspended": False,
    }
    assert wanted.keys() == set(CHANGED)
    after = replace(before, **wanted, status=Status.PENDING, service="another")
    assert stores.connections.change(before, after)
    assert stores.connections.get(before.name) == replace(before, **wanted, version=6)


def test_change_of_an_old_version_or_another_incarnation(stores: Stores) -> None:
    before = samples.connection()
    stores.connections.create(before)
    other = replace(before, incarnation=samples.connection().incarnation)
    assert not stores.connections.change(other, replace(other, suspended=True))
    assert not stores.connections.change(replace(before, name=Name("nobody")), before)
    assert stores.connections.get(before.name) == before
    assert stores.connections.change(before, replace(before, suspended=True))
    assert not stores.connections.change(before, replace(before, labels={"a": "b"}))
    assert stores.connections.get(before.name) == replace(before, suspended=True, version=2)


def test_link_numbers_links(stores: Stores) -> None:
    before = samples.full()
    stores.connections.create(before)
    new = samples.opened(scopes=("https://other/x",))
    assert stores.connections.link(before, ("new-a", "new-b"), new)
    after = replace(before, link=4, tickets=("new-a", "new-b"), open_link=new)
    assert stores.connections.get(before.name) == after
    assert not stores.connections.link(before, ("late-a", "late-b"), samples.opened())
    other = replace(after, incarnation=samples.connection().incarnation)
    assert not stores.connections.link(other, ("late-a", "late-b"), samples.opened())
    assert stores.connections.get(before.name) == after


def test_used(stores: Stores) -> None:
    before = samples.connection()
    stores.connections.create(before)
    stores.connections.used(before.name, before.incarnation, samples.later(5))
    after = replace(before, last_used_at=samples.later(5))
    assert stores.connections.get(before.name) == after
    stores.connections.used(before.name, samples.connection().incarnation, samples.later(6))
    stores.connections.used(Name("nobody"), before.incarnation, samples.later(6))
    assert stores.connections.get(before.name) == after
    assert stores.connections.get(Name("nobody")) is None


@pytest.fixture
def many(stores: Stores) -> list[Connection]:
    """Five connections with two statuses, in the order of a page."""
    wanted = [
        samples.connection("zeta"),
        samples.full("alpha", status=Status.ACTIVE),
        samples.full("beta", status=Status.ACTIVE),
        samples.full("gamma", status=Status.ACTIVE),
        samples.full("eta", status=Status.BLOCKED),
    ]
    for each in reversed(wanted):
        assert stores.connections.create(each)
    return [replace(each, tokens={}) for each in wanted]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
def test_pages_hold_each_connection_once(
    stores: Stores, many: list[Connection], limit: int
) -> None:
    found: list[Connection] = []
    page, after = stores.connections.page(None, limit, None)
    while True:
        found += page
        if after is None:
            break
        assert len(page) == limit
        page, after = stores.connections.page(None, limit, after)
        assert page
    assert found == many


def test_pages_of_one_status(stores: Stores, many: list[Connection]) -> None:
    page, after = stores.connections.page(Status.ACTIVE, 2, None)
    assert page == many[1:3]
    assert after == ("active", "beta")
    assert stores.connections.page(Status.ACTIVE, 2, after) == (many[3:4], None)
    assert stores.connections.page(Status.AWAITING_ADMIN, 2, None) == ([], None)
    # The position may lie in a status before, and be that of a connection that is gone.
    assert stores.connections.page(Status.BLOCKED, 2, ("active", "betb")) == (many[4:], None)


def test_a_long_page(stores: Stores) -> None:
    wanted = [samples.connection(f"c-{number:03}") for number in range(120)]
    for each in wanted:
        stores.connections.create(each)
    page, after = stores.connections.page(None, 110, None)
    assert page == wanted[:110]
    assert stores.connections.page(None, 110, after) == (wanted[110:], None)


@pytest.mark.parametrize(
    ("weights", "shown"),
    [
        ((PAGE_BYTES // 2, PAGE_BYTES // 2, 1, 1, 1), 2),
        ((PAGE_BYTES // 2, PAGE_BYTES // 2 + 1, 1, 1, 1), 1),
        ((PAGE_BYTES + 1, 1, 1, 1, 1), 1),
        ((1, 1, 1, 1, PAGE_BYTES), 4),
        ((1, 1, 1, 1, 1), 5),
    ],
)
def test_a_page_ends_by_size_too(
    stores: Stores, many: list[Connection], weights: tuple[int, ...], shown: int
) -> None:
    weight = {each.name: number for each, number in zip(many, weights, strict=True)}
    page, after = stores.connections.page(None, 5, None, lambda each: weight[each.name])
    assert page == many[:shown]
    assert (after is None) is (shown == 5)
    if after:
        rest, end = stores.connections.page(None, 5, after)
        assert (rest, end) == (many[shown:], None), "it goes on right there"


def test_status_moves_through_the_index(stores: Stores) -> None:
    before = samples.connection()
    stores.connections.create(before)
    assert stores.consents.complete(samples.consent(before))
    assert stores.connections.page(Status.PENDING, 5, None) == ([], None)
    (found,), _ = stores.connections.page(Status.ACTIVE, 5, None)
    assert found.epoch == 1
    assert not {OWN, OTHER} & found.tokens.keys()


WAITS = Status.AWAITING_ADMIN


def test_a_refused_consent_is_remembered_and_changes_nothing_else(stores: Stores) -> None:
    active = replace(samples.connection(), status=Status.ACTIVE, link=2)
    stores.connections.create(active)
    failure = samples.failure()
    assert not stores.connections.refused(replace(active, link=1), failure)
    assert stores.connections.refused(active, failure)
    assert not stores.connections.refused(replace(active, epoch=1), failure)
    assert stores.connections.get(active.name) == replace(active, consent_error=failure)


def test_a_connection_waits_for_its_administrator_before_any_consent(stores: Stores) -> None:
    before = replace(samples.connection(), link=2)
    stores.connections.create(before)
    failure = samples.failure()
    assert not stores.connections.refused(replace(before, link=1), failure, WAITS)
    assert not stores.connections.refused(
        replace(before, incarnation=Incarnation("other")), failure, WAITS
    )
    assert stores.connections.get(before.name) == before
    assert stores.connections.refused(before, failure, WAITS)
    waiting = replace(before, status=Status.AWAITING_ADMIN, consent_error=failure)
    assert stores.connections.get(before.name) == waiting
    assert not stores.connections.refused(before, samples.failure(), WAITS), "it waits already"
    assert stores.connections.page(Status.PENDING, 10, None)[0] == []
    (found,), _ = stores.connections.page(Status.AWAITING_ADMIN, 10, None)
    assert found.name == before.name


def test_only_a_pending_connection_may_begin_to_wait(stores: Stores) -> None:
    active = replace(samples.connection(), status=Status.ACTIVE)
    stores.connections.create(active)
    assert not stores.connections.refused(active, samples.failure(), WAITS)
    assert stores.connections.get(active.name) == active


def test_findings_are_of_one_consent(stores: Stores) -> None:
    before, findings = samples.full(findings=None), Findings(NOW, (Check("token", True),))
    stores.connections.create(before)
    given = (before.name, before.incarnation, before.epoch)
    assert stores.connections.checked(*given, findings)
    assert stores.connections.get(before.name) == replace(before, findings=findings)
    late = Findings(NOW, ())
    assert not stores.connections.checked(before.name, before.incarnation, before.epoch - 1, late)
    assert not stores.connections.checked(before.name, Incarnation("gone"), before.epoch, late)
    assert stores.connections.get(before.name) == replace(before, findings=findings)
