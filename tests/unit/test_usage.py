"""Who fetched, and when: few records, few places."""

from __future__ import annotations

from broker.domain.names import Instant
from broker.lifecycle.usage import KNOWN_EVERY, MAX_KNOWN, recorded

NOW = Instant(1_800_000_000)
FULL = {f"team-{number}": Instant(NOW - 10 * number) for number in range(MAX_KNOWN)}


def test_a_first_fetch_is_recorded() -> None:
    assert recorded({}, "team-a", NOW) == {"team-a": NOW}


def test_the_next_one_only_after_an_hour() -> None:
    used_by = {"team-a": Instant(NOW - KNOWN_EVERY + 1)}
    assert recorded(used_by, "team-a", NOW) is None
    assert recorded(used_by, "team-a", Instant(NOW + 1)) == {"team-a": NOW + 1}


def test_the_one_that_has_not_come_for_longest_leaves() -> None:
    later = Instant(NOW + KNOWN_EVERY)
    after = recorded(FULL, "newcomer", later)
    assert after is not None
    assert len(after) == MAX_KNOWN
    assert set(FULL) - set(after) == {f"team-{MAX_KNOWN - 1}"}
    assert after["newcomer"] == later


def test_among_more_principals_than_places_nobody_is_pushed_out_within_the_hour() -> None:
    assert recorded(FULL, "newcomer", NOW) is None


def test_a_known_principal_pushes_nobody_out() -> None:
    later = Instant(NOW + KNOWN_EVERY)
    after = recorded(FULL, "team-0", later)
    assert after is not None
    assert set(after) == set(FULL)
