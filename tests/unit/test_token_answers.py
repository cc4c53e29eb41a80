"""Answers of the token endpoint that are not as they should be: nothing that is good in them is
lost, and nothing that is bad breaks a healthy connection."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.connection import Status
from broker.domain.credentials import CredentialKind
from broker.providers.token_response import MAX_ACCESS_TOKEN, MAX_REFRESH_TOKEN, MAX_SCOPE
from broker.sealing.envelope import encryption_context, unseal
from tests.fakes.microsoft import ABSENT, OTHER, OWNER
from tests.unit.house import ADS, ADS_RESOURCE, GRAPH, GRAPH_RESOURCE, NAME, STACK, House

UNUSABLE: dict[str, dict[str, Any]] = {
    "no access token": {"access_token": ABSENT},
    "access token null": {"access_token": None},
    "access token empty": {"access_token": ""},
    "access token a number": {"access_token": 1},
    "access token a list": {"access_token": ["x"]},
    "access token too large": {"access_token": "x" * (MAX_ACCESS_TOKEN + 1)},
    "access token no ASCII": {"access_token": "\ud800"},
    "no expires_in": {"expires_in": ABSENT},
    "expires_in 0": {"expires_in": 0},
    "expires_in negative": {"expires_in": -3600},
    "expires_in a fraction": {"expires_in": 0.5},
    "expires_in a word": {"expires_in": "soon"},
    "expires_in true": {"expires_in": True},
    "no token_type": {"token_type": ABSENT},
    "another token_type": {"token_type": "pop"},
    "token_type a number": {"token_type": 7},
    "scope a list": {"scope": [ADS]},
    "scope too large": {"scope": f"{ADS} " + "x" * MAX_SCOPE},
    "an error beside it": {"access_token": ABSENT, "error": "server_error"},
}


@pytest.fixture
def house() -> House:
    house = House().connected(scopes=[ADS, GRAPH])
    house.pause(600)
    return house


def opened(house: House) -> str:
    kept = house.kept()
    where = encryption_context(
        STACK, kept.incarnation, "refresh_token", kept.sealed.generation, kept.epoch
    )
    return unseal(house.real_vault_keys, where, kept.sealed.data).open()


@pytest.mark.parametrize("resource", [None, GRAPH_RESOURCE])
@pytest.mark.parametrize("shape", UNUSABLE)
def test_a_refresh_token_that_came_back_is_stored_first(
    house: House, shape: str, resource: str | None
) -> None:
    before, tokens, old = house.kept(), house.one().tokens, opened(house)
    house.microsoft.spoilt = UNUSABLE[shape]
    problem = house.refresh("operator", resource=resource)
    assert problem is not None
    assert problem.code == "provider_error"
    # Microsoft may end the old one at any time: only the new one counts from now on.
    assert opened(house) in house.microsoft.grants
    assert opened(house) != old
    assert house.kept().generation == house.one().generation == before.generation + 1
    house.microsoft.grants.pop(old)
    one = house.one()
    assert (one.status, one.suspicion, one.tokens) == (Status.ACTIVE, None, tokens)
    assert one.failure(resource or one.resource)
    assert one.lease_owner is None
    house.microsoft.spoilt = {}
    house.pause(3600)
    assert house.fetch()["expires_in"] == 3600
    assert "canary" not in house.shown()


@pytest.mark.parametrize("shape", UNUSABLE)
def test_an_unusable_answer_about_a_code_changes_nothing(shape: str) -> None:
    house = House()
    url = house.create()["authorize_url"]
    house.microsoft.spoilt = UNUSABLE[shape]
    ending = house.consent(url)
    assert ending.page == "provider_error"
    assert (house.one().status, house.tables.vault) == (Status.PENDING, {})


@pytest.mark.parametrize(
    "bad", ["x" * (MAX_REFRESH_TOKEN + 1), 1, ["x"], {"x": 1}, None, "", "\udfff", False]
)
def test_a_refresh_token_that_is_none_leaves_the_old_one(house: House, bad: object) -> None:
    old = opened(house)
    house.microsoft.spoilt = {"refresh_token": bad}
    assert house.refresh() is None
    assert opened(house) == old
    assert house.fetch()["expires_in"] == 3600


def test_a_large_refresh_token_is_stored(house: House) -> None:
    large = "r" * MAX_REFRESH_TOKEN
    house.microsoft.spoilt = {"refresh_token": large}
    assert house.refresh() is None
    assert opened(house) == large


@pytest.mark.parametrize("id_token", ["x" * (MAX_ACCESS_TOKEN + 1), 1, None, ABSENT])
def test_a_refresh_needs_no_id_token(house: House, id_token: object) -> None:
    house.microsoft.spoilt = {"id_token": id_token}
    assert house.refresh() is None


BLANK = [ABSENT, None, "", " ", "\t \n"]


@pytest.mark.parametrize("scope", BLANK)
def test_an_answer_without_scope_means_what_was_asked(house: House, scope: object) -> None:
    """RFC 6749 §5.1. It once broke a healthy connection for good."""
    house.microsoft.spoilt = {"scope": scope}
    for _ in range(3):
        assert house.refresh() is None
        assert house.refresh("operator", resource=GRAPH_RESOURCE) is None
        house.pause(120)
    one = house.one()
    assert (one.status, one.suspicion, one.last_error) == (Status.ACTIVE, None, None)
    assert one.granted == {ADS_RESOURCE: (ADS,), GRAPH_RESOURCE: (GRAPH,)}
    assert house.fetch()["scope"] == ADS
    assert house.fetch(scope=GRAPH)["scope"] == GRAPH
    assert house.connections_step.show(NAME)["excess_scopes"] == []


@pytest.mark.parametrize("scope", BLANK)
def test_a_code_can_be_redeemed_without_an_answered_scope(scope: object) -> None:
    house = House()
    url = house.create(scopes=[ADS, GRAPH])["authorize_url"]
    house.microsoft.spoilt = {"scope": scope}
    ending = house.consent(url)
    assert ending.good, ending
    assert house.one().granted == {ADS_RESOURCE: (ADS,), GRAPH_RESOURCE: (GRAPH,)}


@pytest.mark.parametrize("scope", BLANK)
def test_an_import_without_an_answered_scope(scope: object) -> None:
    house = House()
    house.create()
    house.microsoft.spoilt = {"scope": scope}
    house.connections_step.adopt(NAME, house.microsoft.grant(OWNER, (ADS,)))
    assert house.one().granted == {ADS_RESOURCE: (ADS,)}


def test_an_unusable_answer_to_an_import_changes_nothing(house: House) -> None:
    before, kept = house.one(), house.kept()
    house.microsoft.spoilt = {"expires_in": 0}
    with pytest.raises(Exception, match="provider_error"):
        house.connections_step.adopt(NAME, house.microsoft.grant(OTHER, (ADS,)))
    assert (house.one(), house.kept()) == (before, kept)


def test_a_trial_of_one_kind_of_credential_keeps_the_refresh_token_too(house: House) -> None:
    old, before = opened(house), house.one()
    house.microsoft.spoilt = {"expires_in": 0}
    problem = house.refresh("operator", client_authentication=CredentialKind.SECRET)
    assert problem is not None
    assert opened(house) != old
    assert house.one() == before, "a trial touches no state"
