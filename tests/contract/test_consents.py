"""`ports.Consents`, and what late work may not undo."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from broker.domain.connection import Connection, Status
from broker.domain.grants import Grant
from broker.domain.names import Incarnation
from tests.contract import samples
from tests.contract.conftest import CROWD, Crowd, Stores
from tests.contract.samples import NOW, OWN, later


def create(stores: Stores, connection: Connection) -> Connection:
    assert stores.connections.create(connection)
    return connection


def test_complete_writes_both(stores: Stores) -> None:
    before = create(stores, samples.full())
    consent = samples.consent(before)
    assert stores.consents.complete(consent)
    assert stores.vault.get(before.incarnation) == consent.stored
    assert stores.connections.get(before.name) == replace(
        before,
        epoch=before.epoch + 1,
        version=before.version + 1,
        generation=consent.stored.generation,
        client_id="client-2",
        authority="https://login.partner.microsoftonline.cn",
        status=Status.ACTIVE,
        account=consent.account,
        scopes=consent.scopes,
        granted=consent.granted,
        tokens=consent.tokens,
        failures={},
        last_error=None,
        consent_error=None,
        findings=None,
        suspicion=None,
        authorized_at=NOW,
        refreshed_at=NOW,
        next_refresh_at=later(1800),
        lease_owner=None,
        lease_until=None,
        link=before.link + 1,
        tickets=(),
        open_link=None,
    )


def test_an_import_leaves_the_link(stores: Stores) -> None:
    before = create(stores, samples.full())
    assert stores.connections.link(before, ("new-a", "new-b"), samples.opened())
    assert stores.consents.complete(samples.consent(before, link=None))
    found = stores.connections.get(before.name)
    assert found is not None
    assert (found.epoch, found.link) == (before.epoch + 1, before.link + 1)
    assert found.tickets == ("new-a", "new-b")
    assert found.open_link == samples.opened()


def test_a_change_meanwhile_stays(stores: Stores) -> None:
    before = create(stores, samples.full())
    grants = (Grant("999900001111"),)
    assert stores.connections.change(before, replace(before, grants=grants))
    assert stores.consents.complete(samples.consent(before))
    found = stores.connections.get(before.name)
    assert found is not None
    assert (found.grants, found.version) == (grants, before.version + 2)


def test_a_second_consent_replaces_the_first(stores: Stores) -> None:
    before = create(stores, samples.connection())
    assert stores.consents.complete(samples.consent(before))
    again = stores.connections.get(before.name)
    assert again is not None
    consent = samples.consent(again)
    assert stores.consents.complete(consent)
    assert stores.vault.get(before.incarnation) == consent.stored


def test_complete_of_what_is_not_current_writes_neither(stores: Stores) -> None:
    before = create(stores, samples.full())
    first = samples.consent(before)
    assert stores.consents.complete(first)
    after = stores.connections.get(before.name)
    assert after is not None
    for wrong in (
        samples.consent(before),  # another epoch and link
        samples.consent(after, link=before.link),
        samples.consent(before, link=after.link),
        samples.consent(before, link=None),
        samples.consent(replace(after, incarnation=Incarnation("other"))),
        samples.consent(samples.connection("nobody")),
    ):
        assert not stores.consents.complete(wrong)
        assert stores.connections.get(before.name) == after
        assert stores.vault.get(before.incarnation) == first.stored
        other = wrong.before.incarnation
        assert other == before.incarnation or stores.vault.get(other) is None


def test_a_new_link_ends_the_consent_under_way(stores: Stores) -> None:
    before = create(stores, samples.full())
    assert stores.connections.link(before, ("new-a", "new-b"), samples.opened())
    after = stores.connections.get(before.name)
    assert not stores.consents.complete(samples.consent(before))
    assert stores.connections.get(before.name) == after
    assert stores.vault.get(before.incarnation) is None


def test_remove_takes_both(stores: Stores) -> None:
    before = create(stores, samples.connection())
    assert stores.consents.complete(samples.consent(before))
    assert stores.consents.remove(before)
    assert stores.connections.get(before.name) is None
    assert stores.vault.get(before.incarnation) is None
    assert not stores.consents.remove(before)


def test_remove_of_one_never_consented(stores: Stores) -> None:
    before = create(stores, samples.connection())
    assert stores.consents.remove(before)
    assert stores.connections.get(before.name) is None


def test_a_redemption_under_way_loses_against_a_consent(stores: Stores) -> None:
    before = create(stores, samples.connection())
    assert stores.consents.complete(samples.consent(before))
    old = stores.connections.get(before.name)
    stored = stores.vault.get(before.incarnation)
    assert old is not None
    assert stored is not None
    stores.connections.lease(old.name, old.incarnation, "one", NOW, later(60))
    consent = samples.consent(old)
    assert stores.consents.complete(consent)
    after = stores.connections.get(before.name)

    assert not stores.vault.rotate(stored, samples.sealed(), stored.generation + 1, NOW)
    assert not stores.vault.postpone(stored, None)
    assert not stores.connections.settle(samples.settlement(old, "one"))
    stores.connections.release(old.name, old.incarnation, "one")
    assert stores.connections.get(before.name) == after
    assert stores.vault.get(before.incarnation) == consent.stored


def test_work_of_a_deleted_creation_changes_nothing(stores: Stores) -> None:
    first = create(stores, samples.connection())
    assert stores.consents.complete(samples.consent(first))
    old, stored = stores.connections.get(first.name), stores.vault.get(first.incarnation)
    assert old is not None
    assert stored is not None
    leased = stores.connections.lease(old.name, old.incarnation, "one", NOW, later(60))
    assert leased is not None
    assert stores.consents.remove(leased)
    # The same name anew: same link, epoch, version and generation as the first had.
    second = create(stores, samples.connection())
    assert stores.consents.complete(samples.consent(second))
    new = stores.connections.get(second.name)
    vault = stores.vault.get(second.incarnation)

    assert not stores.connections.settle(samples.settlement(leased, "one"))
    assert not stores.vault.rotate(stored, samples.sealed(), stored.generation + 1, NOW)
    assert not stores.vault.postpone(stored, None)
    assert not stores.consents.complete(samples.consent(leased))
    assert not stores.consents.complete(samples.consent(leased, link=None))
    assert not stores.consents.remove(leased)
    assert not stores.connections.change(leased, replace(leased, suspended=True))
    assert not stores.connections.link(leased, ("a", "b"), samples.opened())
    given = (leased.name, leased.incarnation, "two", NOW, later(1), leased.generation)
    assert not stores.connections.claim(*given)
    stores.connections.used(leased.name, leased.incarnation, NOW)
    stores.connections.release(leased.name, leased.incarnation, "one")
    assert stores.connections.get(second.name) == new
    assert stores.vault.get(second.incarnation) == vault
    assert stores.vault.get(first.incarnation) is None


def test_one_of_a_crowd_completes(stores: Stores, crowd: Crowd) -> None:
    before = create(stores, samples.connection())
    wanted = [samples.consent(before) for _ in range(CROWD)]
    won = crowd([partial(stores.consents.complete, each) for each in wanted])
    assert sum(won) == 1
    winner = wanted[won.index(True)]
    assert stores.vault.get(before.incarnation) == winner.stored
    found = stores.connections.get(before.name)
    assert found is not None
    assert (found.epoch, found.tokens) == (1, winner.tokens)


def test_consent_and_settlement_at_once(stores: Stores, crowd: Crowd) -> None:
    for number in range(10):
        before = create(stores, samples.connection(f"c-{number}"))
        stores.connections.lease(before.name, before.incarnation, "one", NOW, later(60))
        consent = samples.consent(before)
        end = samples.settlement(before, "one")
        done, _ = crowd(
            [
                partial(stores.consents.complete, consent),
                partial(stores.connections.settle, end),
            ]
        )
        found = stores.connections.get(before.name)
        assert done
        assert found is not None
        assert found.tokens == {OWN: consent.tokens[OWN]}
        assert (found.epoch, found.generation) == (1, consent.stored.generation)
        assert found.lease_owner is None


def test_consent_and_new_link_at_once(stores: Stores, crowd: Crowd) -> None:
    for number in range(10):
        before = create(stores, samples.connection(f"c-{number}"))
        consent = samples.consent(before)
        completed, linked = crowd(
            [
                partial(stores.consents.complete, consent),
                partial(stores.connections.link, before, ("a", "b"), samples.opened()),
            ]
        )
        assert completed is not linked
        found = stores.connections.get(before.name)
        assert found is not None
        assert (found.epoch, found.link) == (int(completed), 1)
        assert (stores.vault.get(before.incarnation) is not None) is completed
