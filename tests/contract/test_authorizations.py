"""`ports.Authorizations`, `ports.Candidates` and `ports.Breakers`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from broker.domain.attempts import Progress
from broker.domain.names import Incarnation, Instant
from broker.ports.stores import Fault
from tests.contract import samples
from tests.contract.conftest import CROWD, Crowd, Stores
from tests.contract.samples import NOW, later

END = samples.ticket().expires_at


def test_a_ticket_is_read_back_whole_and_when_expired(stores: Stores) -> None:
    used = samples.ticket(opened_at=NOW, started_at=later(1), returned_at=later(2), starts=3)
    stores.authorizations.put_ticket("a", samples.ticket())
    stores.authorizations.put_ticket("b", used)
    stores.authorizations.put_ticket("c", samples.ticket(expires_at=NOW - 999_999))
    assert stores.authorizations.ticket("a") == samples.ticket()
    assert stores.authorizations.ticket("b") == used
    assert stores.authorizations.ticket("c") is not None
    assert stores.authorizations.ticket("d") is None


def test_the_first_opening_counts(stores: Stores) -> None:
    stores.authorizations.put_ticket("a", samples.ticket())
    stores.authorizations.opened("a", later(1))
    stores.authorizations.opened("a", later(2))
    stores.authorizations.opened("unknown", later(2))
    assert stores.authorizations.ticket("a") == samples.ticket(opened_at=later(1))
    assert stores.authorizations.ticket("unknown") is None


def test_an_expired_ticket_is_neither_opened_nor_started(stores: Stores) -> None:
    stores.authorizations.put_ticket("a", samples.ticket())
    stores.authorizations.opened("a", END)
    assert not stores.authorizations.start("a", END, 20)
    assert stores.authorizations.ticket("a") == samples.ticket()
    assert stores.authorizations.start("a", samples.later(599), 20)


def test_starts_are_counted_and_limited(stores: Stores) -> None:
    stores.authorizations.put_ticket("a", samples.ticket())
    assert stores.authorizations.start("a", later(1), 2)
    stores.authorizations.returned("a", later(2))
    assert stores.authorizations.start("a", later(3), 2)
    assert not stores.authorizations.start("a", later(4), 2)
    assert not stores.authorizations.start("unknown", later(4), 2)
    wanted = samples.ticket(starts=2, started_at=later(3), returned_at=later(2))
    assert stores.authorizations.ticket("a") == wanted


def test_a_crowd_starts_no_more_than_allowed(stores: Stores, crowd: Crowd) -> None:
    stores.authorizations.put_ticket("a", samples.ticket())
    won = crowd([partial(stores.authorizations.start, "a", NOW, 20) for _ in range(CROWD)])
    assert sum(won) == 20


def test_an_attempt_may_return_after_the_ticket_expired(stores: Stores) -> None:
    stores.authorizations.put_ticket("a", samples.ticket())
    stores.authorizations.returned("a", later(9999))
    stores.authorizations.returned("unknown", later(9999))
    assert stores.authorizations.ticket("a") == samples.ticket(returned_at=later(9999))
    assert stores.authorizations.ticket("unknown") is None


def test_a_state_is_claimed_once(stores: Stores) -> None:
    state = samples.state()
    stores.authorizations.put_state("a", state)
    assert stores.authorizations.progress("a") == Progress("cookie", state.expires_at)
    assert stores.authorizations.claim("a", "cookie", NOW) == state
    assert stores.authorizations.claim("a", "cookie", NOW) is None
    assert stores.authorizations.progress("a") == Progress("cookie", state.expires_at, NOW)
    assert stores.authorizations.progress("b") is None


@pytest.mark.parametrize(
    ("digest", "cookie", "now"),
    [
        ("a", "another", NOW),
        ("a", "", NOW),
        ("b", "cookie", NOW),
        ("a", "cookie", samples.state().expires_at),
        ("a", "cookie", later(99_999)),
    ],
)
def test_a_wrong_claim_changes_nothing(stores: Stores, digest: str, cookie: str, now: int) -> None:
    stores.authorizations.put_state("a", samples.state())
    assert stores.authorizations.claim(digest, cookie, Instant(now)) is None
    assert stores.authorizations.progress("b") is None
    assert stores.authorizations.claim("a", "cookie", later(899)) == samples.state()


def test_one_of_a_crowd_claims_the_state(stores: Stores, crowd: Crowd) -> None:
    for digest in "abc":
        stores.authorizations.put_state(digest, samples.state())
        claims = crowd(
            [partial(stores.authorizations.claim, digest, "cookie", NOW) for _ in range(CROWD)]
        )
        assert [found for found in claims if found] == [samples.state()]


def test_kinds_do_not_meet(stores: Stores) -> None:
    """One digest may name a ticket and a state."""
    stores.authorizations.put_ticket("a", samples.ticket())
    assert stores.authorizations.progress("a") is None
    stores.authorizations.put_state("a", samples.state())
    assert stores.authorizations.claim("a", "cookie", NOW) == samples.state()
    assert stores.authorizations.ticket("a") == samples.ticket()


def test_an_outcome_is_kept_for_reloads(stores: Stores) -> None:
    stores.authorizations.put_state("a", samples.state())
    stores.authorizations.claim("a", "cookie", NOW)
    stores.authorizations.conclude("a", samples.PAGE, later(1800))
    ended = Progress("cookie", later(1800), NOW, samples.PAGE)
    assert stores.authorizations.progress("a") == ended
    assert stores.authorizations.claim("a", "cookie", later(1)) is None, "not even then"


def test_a_candidate_is_taken_once(stores: Stores) -> None:
    incarnation, first, second = Incarnation("inc"), samples.sealed(), samples.sealed(4)
    assert stores.candidates.take(incarnation, NOW) is None
    stores.candidates.put(incarnation, first, later(60))
    stores.candidates.put(incarnation, second, later(60))
    assert stores.candidates.take(Incarnation("other"), NOW) is None
    assert stores.candidates.take(incarnation, NOW) == second
    assert stores.candidates.take(incarnation, NOW) is None
    stores.candidates.put(incarnation, first, later(60))
    assert stores.candidates.take(incarnation, later(60)) is None


FAULT = samples.FAULT


def test_a_breaker_is_opened_once(stores: Stores) -> None:
    assert stores.breakers.get("client", "v1") is None
    assert stores.breakers.open("client", "v1", FAULT, later(999)) is None
    assert stores.breakers.get("client", "v1") == FAULT
    again = Fault("client_misconfigured", "AADSTS7000215", later(30), later(90))
    assert stores.breakers.open("client", "v1", again, later(1999)) == FAULT
    assert stores.breakers.get("client", "v1") == replace(FAULT, retry_at=later(90))
    assert stores.breakers.get("client", "v2") is None
    assert stores.breakers.get("other", "v1") is None


def test_a_breaker_is_closed_once(stores: Stores) -> None:
    assert not stores.breakers.close("client", "v1")
    stores.breakers.open("client", "v1", FAULT, later(999))
    assert not stores.breakers.close("client", "v2")
    assert stores.breakers.close("client", "v1")
    assert not stores.breakers.close("client", "v1")
    assert stores.breakers.get("client", "v1") is None
    assert stores.breakers.open("client", "v1", FAULT, later(999)) is None


def test_an_open_breaker_is_announced_by_one(stores: Stores, crowd: Crowd) -> None:
    assert not stores.breakers.announce("client", "v1"), "nothing is open"
    stores.breakers.open("client", "v1", FAULT, later(999))
    winners = crowd([partial(stores.breakers.announce, "client", "v1") for _ in range(CROWD)])
    assert sum(winners) == 1
    assert stores.breakers.open("client", "v1", FAULT, later(999)) == replace(FAULT, told=True)
    stores.breakers.close("client", "v1")
    stores.breakers.open("client", "v1", FAULT, later(999))
    assert stores.breakers.announce("client", "v1"), "it is another incident"


def test_one_of_a_crowd_opens_the_breaker(stores: Stores, crowd: Crowd) -> None:
    before = crowd(
        [partial(stores.breakers.open, "client", "v1", FAULT, later(999)) for _ in range(CROWD)]
    )
    assert before.count(None) == 1


def test_a_breaker_is_probed_when_it_is_due_by_one(stores: Stores, crowd: Crowd) -> None:
    assert not stores.breakers.probe("client", "v1", later(0), later(300)), "nothing is open"
    stores.breakers.open("client", "v1", FAULT, later(999))
    due = FAULT.retry_at
    early = Instant(due - 1)
    assert not stores.breakers.probe("client", "v1", early, later(900))
    winners = crowd(
        [partial(stores.breakers.probe, "client", "v1", due, later(900)) for _ in range(CROWD)]
    )
    assert sum(winners) == 1
    assert stores.breakers.get("client", "v1") == replace(FAULT, retry_at=later(900))


def test_a_reminder_is_due_once_until_then(stores: Stores, crowd: Crowd) -> None:
    winners = crowd(
        [partial(stores.breakers.remind, "client", "v1", later(0), later(99)) for _ in range(CROWD)]
    )
    assert sum(winners) == 1
    assert not stores.breakers.remind("client", "v1", later(98), later(200))
    assert stores.breakers.remind("client", "v2", later(98), later(200))
    assert stores.breakers.remind("client", "v1", later(99), later(200))
    assert stores.breakers.get("client", "v1") is None
