"""PUT refresh-token: what a refusal says about the token that was handed in."""

from __future__ import annotations

import pytest

from broker.domain.connection import Status
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from tests.fakes.microsoft import OWNER, refusal
from tests.unit.house import ADS, NAME, House


@pytest.mark.parametrize("number", [90023, 700025, 9002327])
def test_a_public_clients_token_is_refused_for_what_it_is(number: int) -> None:
    house = House()
    house.create()
    house.microsoft.faults = [refusal("invalid_client", number, status=401)]
    with pytest.raises(Problem) as refused:
        house.connections_step.adopt(NAME, Secret("canary-public"))
    assert refused.value.code == "refresh_token_refused"
    assert "public client" in refused.value.detail
    assert "consent" in refused.value.remedy
    assert house.one().status is Status.PENDING
    # It was no failure of the broker's own credential: the next import works.
    house.connections_step.adopt(NAME, house.microsoft.grant(OWNER, (ADS,)))
    assert house.one().status is Status.ACTIVE


@pytest.mark.parametrize(
    ("error", "number"),
    [("invalid_grant", 700005), ("invalid_grant", 7000012), ("invalid_request", 9002313)],
)
def test_a_foreign_or_garbled_token_is_refused(error: str, number: int) -> None:
    house = House()
    house.create()
    house.microsoft.faults = [refusal(error, number)]
    with pytest.raises(Problem) as refused:
        house.connections_step.adopt(NAME, Secret("canary-foreign"))
    assert (refused.value.status, refused.value.code) == (422, "refresh_token_refused")
    assert house.one().status is Status.PENDING
