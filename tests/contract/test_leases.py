"""The lease and what its holder settles."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from broker.domain.connection import Connection, Status, Suspicion
from broker.domain.names import Name
from tests.contract import samples
from tests.contract.conftest import CROWD, Crowd, Stores
from tests.contract.samples import NOW, OTHER, OWN, later


@pytest.fixture
def known(stores: Stores) -> Connection:
    """A stored connection without a lease."""
    made = samples.full(lease_owner=None, lease_until=None)
    stores.connections.create(made)
    return made


def lease(stores: Stores, of: Connection, owner: str, **changes: Any) -> Connection | None:
    wanted = {"now": NOW, "until": later(60)} | changes
    return stores.connections.lease(of.name, of.incarnation, owner, **wanted)


def test_the_lease_hands_out_the_connection(stores: Stores, known: Connection) -> None:
    leased = replace(known, lease_owner="one", lease_until=later(60))
    assert lease(stores, known, "one") == leased
    assert stores.connections.get(known.name) == leased


def test_another_waits_until_it_ends(stores: Stores, known: Connection) -> None:
    lease(stores, known, "one")
    assert lease(stores, known, "two", now=later(59), until=later(99)) is None
    assert lease(stores, known, "two", now=later(60), until=later(99)) is not None


def test_the_same_owner_extends_it(stores: Stores, known: Connection) -> None:
    lease(stores, known, "one")
    longer = lease(stores, known, "one", now=later(30), until=later(90))
    assert longer is not None
    assert longer.lease_until == later(90)


def test_claim_is_lease_without_the_connection(stores: Stores, known: Connection) -> None:
    given = (known.name, known.incarnation)
    assert stores.connections.claim(*given, "one", NOW, later(60), known.generation)
    assert not stores.connections.claim(*given, "two", NOW, later(60), known.generation)
    assert stores.connections.get(known.name) == replace(
        known, lease_owner="one", lease_until=later(60), last_used_at=NOW
    )
    assert lease(stores, known, "one") is not None


def test_no_claim_if_somebody_has_redeemed_since(stores: Stores, known: Connection) -> None:
    """The lease is free again, but the claimant looked at the connection before."""
    given = (known.name, known.incarnation, "one", NOW, later(60))
    assert not stores.connections.claim(*given, known.generation - 1)
    assert stores.connections.get(known.name) == known
    assert stores.connections.claim(*given, known.generation)


def test_no_lease_of_what_is_gone(stores: Stores, known: Connection) -> None:
    gone = samples.connection()
    assert lease(stores, gone, "one") is None
    assert lease(stores, replace(known, name=Name("nobody")), "one") is None
    assert stores.connections.get(Name("nobody")) is None
    assert stores.connections.get(known.name) == known


@pytest.mark.parametrize(("beyond", "won"), [(-1, False), (0, True), (1, True)])
def test_no_lease_for_what_has_been_done(
    stores: Stores, known: Connection, beyond: int, won: bool
) -> None:
    found = lease(stores, known, "one", generation=known.generation + beyond)
    assert (found is not None) is won


def test_one_of_a_crowd_gets_the_lease(stores: Stores, known: Connection, crowd: Crowd) -> None:
    for _ in range(3):
        given = (known.name, known.incarnation)
        owners = [f"owner-{number}" for number in range(CROWD)]
        won = crowd(
            [
                partial(stores.connections.claim, *given, owner, NOW, later(60), known.generation)
                for owner in owners
            ]
        )
        assert sum(won) == 1
        owner = owners[won.index(True)]
        found = stores.connections.get(known.name)
        assert found is not None
        assert found.lease_owner == owner
        stores.connections.release(*given, owner)


def test_release(stores: Stores, known: Connection) -> None:
    leased = lease(stores, known, "one")
    stores.connections.release(known.name, known.incarnation, "two")
    stores.connections.release(known.name, samples.connection().incarnation, "one")
    stores.connections.release(Name("nobody"), known.incarnation, "one")
    assert stores.connections.get(known.name) == leased
    stores.connections.release(known.name, known.incarnation, "one")
    assert stores.connections.get(known.name) == known


def test_an_own_token_heals(stores: Stores, known: Connection) -> None:
    lease(stores, known, "one")
    end = samples.settlement(known, "one")
    assert end.token is not None
    assert end.granted is not None
    assert stores.connections.settle(end)
    assert stores.connections.get(known.name) == replace(
        known,
        tokens={**known.tokens, OWN: end.token},
        granted={**known.granted, end.token.resource: end.granted},
        last_error=None,
        suspicion=None,
        generation=known.generation + 1,
        refreshed_at=later(10),
        next_refresh_at=later(20),
        status=Status.ACTIVE,
    )


def test_a_token_of_another_resource(stores: Stores, known: Connection) -> None:
    lease(stores, known, "one")
    token = samples.token(resource=OTHER)
    end = samples.settlement(known, "one", token=token, status=None, granted=())
    assert end.token is not None
    assert stores.connections.settle(end)
    assert stores.connections.get(known.name) == replace(
        known,
        tokens={**known.tokens, OTHER: end.token},
        granted={**known.granted, OTHER: ()},
        failures={},
        generation=known.generation + 1,
        refreshed_at=later(10),
        next_refresh_at=later(20),
    )


def test_an_own_failure(stores: Stores, known: Connection) -> None:
    lease(stores, known, "one")
    end = samples.settlement(
        known,
        "one",
        token=None,
        generation=None,
        refreshed_at=None,
        next_refresh_at=None,
        failures={OWN: samples.failure(code="mfa_required")},
        suspicion=Suspicion("mfa_required", later(1)),
        status=Status.REAUTHORIZATION_REQUIRED,
    )
    assert stores.connections.settle(end)
    assert stores.connections.get(known.name) == replace(
        known,
        last_error=end.failures[OWN],
        suspicion=end.suspicion,
        status=Status.REAUTHORIZATION_REQUIRED,
    )


def test_a_failure_of_another_resource(stores: Stores, known: Connection) -> None:
    lease(stores, known, "one")
    end = samples.settlement(
        known,
        "one",
        token=None,
        failures={OTHER: samples.failure(code="scope_not_granted")},
        generation=None,
        refreshed_at=None,
        next_refresh_at=None,
        status=None,
    )
    assert stores.connections.settle(end)
    assert stores.connections.get(known.name) == replace(known, failures=end.failures)


def test_an_own_token_and_a_failure_of_another_resource(stores: Stores, known: Connection) -> None:
    lease(stores, known, "one")
    failure = samples.failure(code="throttled")
    end = samples.settlement(known, "one", granted=None, failures={OTHER: failure})
    assert stores.connections.settle(end)
    after = stores.connections.get(known.name)
    assert after is not None
    assert (after.failures, after.last_error) == ({OTHER: failure}, None)
    assert after.granted == known.granted


def test_failures_of_both_resources(stores: Stores, known: Connection) -> None:
    lease(stores, known, "one")
    failures = {OTHER: samples.failure(code="throttled"), OWN: samples.failure()}
    end = samples.settlement(known, "one", token=None, granted=None, failures=failures)
    assert stores.connections.settle(end)
    after = stores.connections.get(known.name)
    assert after is not None
    assert (after.failures, after.last_error) == ({OTHER: failures[OTHER]}, failures[OWN])


def test_nothing_but_the_lease_to_settle(stores: Stores) -> None:
    bare = samples.connection()
    stores.connections.create(bare)
    lease(stores, bare, "one")
    end = samples.settlement(
        bare,
        "one",
        token=None,
        generation=None,
        refreshed_at=None,
        next_refresh_at=None,
        status=None,
    )
    assert stores.connections.settle(end)
    assert stores.connections.get(bare.name) == bare


def test_only_the_holder_settles(stores: Stores, known: Connection) -> None:
    assert not stores.connections.settle(samples.settlement(known, "one")), "no lease"
    assert stores.connections.get(known.name) == known
    leased = lease(stores, known, "one")
    for wrong in (
        samples.settlement(known, "two"),
        samples.settlement(known, "one", epoch=known.epoch - 1),
        samples.settlement(known, "one", epoch=known.epoch + 1),
        samples.settlement(samples.connection(), "one"),
        samples.settlement(known, "one", name=Name("nobody")),
    ):
        assert not stores.connections.settle(wrong)
        assert stores.connections.get(known.name) == leased
    assert stores.connections.get(Name("nobody")) is None


def test_a_holder_who_is_late_changes_nothing(stores: Stores, known: Connection) -> None:
    lease(stores, known, "slow")
    second = lease(stores, known, "quick", now=later(61), until=later(120))
    assert not stores.connections.settle(samples.settlement(known, "slow"))
    assert stores.connections.get(known.name) == second
    assert stores.connections.settle(samples.settlement(known, "quick"))
    after = stores.connections.get(known.name)
    assert not stores.connections.settle(samples.settlement(known, "slow"))
    stores.connections.release(known.name, known.incarnation, "slow")
    assert stores.connections.get(known.name) == after
