"""An hour of `invalid_client` for 100 connections, in several environments.

The client secret is refused all the time. Jobs go on fetching tokens, the schedule goes on looking.
Stated, and held to here: each environment of `refresh` learns of it by at most one call for each
secret there is; from then on all of them together make one call in 5 minutes for each secret.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from broker.domain.connection import Status
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.credentials import ClientSecretPost
from broker.providers.credential_breaker import PROBE_EVERY
from tests.fakes.microsoft import CLIENT_SECRET
from tests.unit.town import CONNECTIONS, ENVIRONMENTS, HOUR, LIFE, Town

NEW = "canary-new-secret"


@pytest.mark.parametrize("previous", [None, ClientSecretPost(Secret("canary-previous"), "v0")])
def test_an_hour_of_invalid_client(previous: ClientSecretPost | None) -> None:
    town = Town(previous)
    house, secrets = town.house, 2 if previous else 1
    house.microsoft.secrets = set()
    before = house.microsoft.redemptions
    house.pause(LIFE - HOUR - 60)
    for _ in range(HOUR // 60):
        town.minute()

    calls = house.microsoft.redemptions - before
    bound = secrets * (ENVIRONMENTS + HOUR // PROBE_EVERY)
    assert secrets * (HOUR // PROBE_EVERY // 2) <= calls <= bound, "and it is still tried"

    assert town.statuses() == {Status.ACTIVE}
    assert not [name for name in CONNECTIONS if house.one(name).suspicion]
    assert (town.served, town.refused) == (60 * len(CONNECTIONS), [])
    told = [kind for kind in house.kinds() if kind != "Connection Authorized"]
    assert told == ["Client Credential Failing"]
    labels = {"service": "client-credential", "kind": "secret", "identity_provider": "microsoft"}
    assert ("CredentialRefused", 1, labels) in house.telemetry.counts
    assert "canary" not in json.dumps(house.telemetry.notes)


def test_when_tokens_run_out_callers_are_told_whose_turn_it_is() -> None:
    town = Town()
    town.house.microsoft.secrets = set()
    town.outlive()
    assert {problem.code for problem in town.refused} == {"client_misconfigured"}
    assert {problem.actor for problem in town.refused} == {"operator"}
    assert town.statuses() == {Status.ACTIVE}


def test_a_new_secret_heals_everything_without_a_new_environment() -> None:
    town = Town()
    house = town.house
    house.microsoft.secrets = set()
    town.outlive()
    house.microsoft.secrets = {NEW}
    house.credentials.now = ClientSecretPost(Secret(NEW), "v2")
    house.pause(30)
    town.refused.clear()
    town.served = 0
    town.minute()
    assert (town.served, town.refused) == (len(CONNECTIONS), [])
    assert not [name for name in CONNECTIONS if house.one(name).last_error]
    assert "Client Credential Failing" in house.kinds()
    assert "Connection Recovered" not in house.kinds(), "none was ever broken"


def test_the_previous_secret_serves_while_the_new_one_is_wrong() -> None:
    """Two may overlap: the operator stored a new secret that Microsoft does not know yet."""
    town = Town(ClientSecretPost(Secret(CLIENT_SECRET), "v1"))
    house = town.house
    house.credentials.now = ClientSecretPost(Secret("canary-typo"), "v2")
    before = house.microsoft.redemptions
    house.pause(LIFE)
    for _ in range(30):
        town.minute()
    assert town.refused == []
    wrong = [
        form for _, form in house.real_http.posts if form["client_secret"] == Secret("canary-typo")
    ]
    assert 0 < len(wrong) <= ENVIRONMENTS + 1800 // PROBE_EVERY
    assert house.microsoft.redemptions - before >= len(CONNECTIONS)
    assert house.kinds().count("Client Credential Failing") == 1


def test_a_placeholder_is_one_alarm_too() -> None:
    town = Town()
    good = town.house.credentials.now
    town.house.credentials.now = Problem("client_misconfigured", "still the placeholder")
    town.outlive()
    assert {problem.code for problem in town.refused} == {"client_misconfigured"}
    assert town.house.kinds().count("Client Credential Failing") == 1
    town.house.credentials.now = good
    town.house.pause(30)
    town.refused.clear()
    town.minute()
    assert town.refused == []


def test_the_previous_secret_serves_while_the_new_one_cannot_be_read() -> None:
    """No JSON, or the placeholder again: told once, and nobody is refused meanwhile."""
    town = Town(ClientSecretPost(Secret(CLIENT_SECRET), "v1"))
    house = town.house
    house.credentials.now = Problem("client_misconfigured", "no JSON")
    house.pause(LIFE)
    for _ in range(30):
        town.minute()
    assert town.refused == []
    assert house.kinds().count("Client Credential Failing") == 1
    house.credentials.now = ClientSecretPost(Secret(CLIENT_SECRET), "v3")
    house.pause(LIFE)
    town.minute()
    assert town.refused == []
    house.credentials.now = Problem("client_misconfigured", "no JSON again")
    house.pause(LIFE)
    town.minute()
    assert house.kinds().count("Client Credential Failing") == 2, "the first trouble was over"


def test_a_secret_that_ends_soon_is_told_once_a_day() -> None:
    town = Town()
    house = town.house
    good = house.credentials.now
    assert isinstance(good, ClientSecretPost)
    end = house.clock.instant() + 29 * 86_400
    house.credentials.now = replace(good, expires_at=end)  # type: ignore[arg-type]
    for _ in range(3 * 4):
        town.minute()
        house.pause(6 * HOUR - 60)
    told = [detail for kind, detail in house.events.published if kind.endswith("Expiring")]
    assert len(told) == 3
    assert told[0]["actor"] == "operator"
    assert str(told[0]["expires_at"]).startswith("2027-02-13T")
