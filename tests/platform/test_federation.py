"""Federated identity credentials: equality with letter case, the issuer's keys, each number."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.simulator.entra.assertions import JWT_BEARER

from .application import Application, refusals
from .issuer import AUDIENCE, Issuer, serving

SUBJECT = "arn:aws:iam::123456789012:role/token-broker/Refresh"


@pytest.fixture(scope="module")
def running() -> Iterator[Issuer]:
    with serving() as issuer:
        yield issuer


@pytest.fixture
def issuer(running: Issuer) -> Issuer:
    running.publish()
    return running


@pytest.fixture
def federated(application: Application, issuer: Issuer) -> Application:
    client_id = application.registration.client_id
    application.platform.client(client_id, secrets=[])
    application.platform.add_federated(client_id, "aws", issuer.url, SUBJECT, AUDIENCE)
    return application


def redeem(application: Application, assertion: str, /, **changes: Any) -> requests.Response:
    form = {
        "client_secret": None,
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion,
    }
    return application.redeem(application.code(), **(form | changes))


def test_accepted_for_a_code_and_a_refresh(federated: Application, issuer: Issuer) -> None:
    answer = redeem(federated, issuer.token(subject=SUBJECT))
    assert answer.status_code == 200, answer.text
    form: dict[str, Any] = {"client_assertion_type": JWT_BEARER, "client_secret": None}
    token = issuer.token(subject=SUBJECT)
    again = federated.refresh(answer.json()["refresh_token"], client_assertion=token, **form)
    assert again.status_code == 200, again.text
    line = federated.platform.requests()[-1]
    [record] = federated.platform.credentials(federated.registration.client_id, "federated")
    assert (line["credential"], line["credential_id"]) == ("federated", record["id"])


CASES: list[tuple[str, dict[str, Any], int, str]] = [
    ("another subject", {"subject": "arn:aws:iam::123456789012:role/Other"}, 700213, "subject"),
    ("case of the subject", {"subject": SUBJECT.lower()}, 7002138, "case-insensitive"),
    ("another issuer", {"iss": "https://other.example"}, 700211, "'https://other.example'"),
    ("another audience", {"aud": "api://azureadtokenexchange"}, 700212, "audience"),
    ("a list of audiences", {"aud": [AUDIENCE]}, 50027, "one string"),
    ("expired", {"exp": 1_700_000_000}, 700024, "valid time range. Current time: 20"),
    ("not yet", {"nbf": int(time.time()) + 3000}, 700024, "assertion valid from"),
    ("no end", {"exp": None}, 50027, "times"),
    ("another algorithm", {"algorithm": "RS384"}, 50027, "RS384"),
    (
        "an application's token of the platform itself",
        {"iss": "https://sts.windows.net/contoso/"},
        700222,
        "issued by",
    ),
    (
        "a user's token of the platform itself",
        {"iss": "https://login.microsoftonline.com/contoso/v2.0", "scp": "User.Read"},
        700229,
        "application tokens",
    ),
]


@pytest.mark.parametrize(
    ("claims", "number", "text"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_each_mismatch_has_its_number(
    federated: Application, issuer: Issuer, claims: dict[str, Any], number: int, text: str
) -> None:
    answer = redeem(federated, issuer.token(**({"subject": SUBJECT} | claims)))
    assert refusals(answer) == [number]
    assert text in answer.json()["error_description"]
    expected = ("invalid_request", 400) if number == 50027 else ("invalid_client", 401)
    assert (answer.json()["error"], answer.status_code) == expected


def test_an_issuer_in_another_case_is_not_the_registered_one(
    application: Application, issuer: Issuer
) -> None:
    registered = issuer.url.replace("localhost", "LocalHost")
    client_id = application.registration.client_id
    application.platform.add_federated(client_id, "aws", registered, SUBJECT, AUDIENCE)
    assert refusals(redeem(application, issuer.token(subject=SUBJECT))) == [7002137]


def test_a_token_of_the_simulated_platform_is_its_own(
    federated: Application, issuer: Issuer
) -> None:
    token = issuer.token(subject=SUBJECT, iss=f"{federated.platform.base_url}/contoso/v2.0")
    assert refusals(redeem(federated, token)) == [700222]


def test_without_any_record(application: Application, issuer: Issuer) -> None:
    answer = redeem(application, issuer.token(subject=SUBJECT))
    assert (refusals(answer), answer.status_code) == ([70021], 400)
    assert answer.json()["error"] == "invalid_request"
    assert f"Assertion Subject: '{SUBJECT}'" in answer.json()["error_description"]


def test_both_credentials_at_once_are_malformed(federated: Application, issuer: Issuer) -> None:
    answer = redeem(federated, issuer.token(subject=SUBJECT), client_secret="also")
    assert refusals(answer) == [9002313]


def test_a_key_that_the_issuer_does_not_publish(federated: Application, issuer: Issuer) -> None:
    stranger = Issuer()
    stranger.url = issuer.url
    assert refusals(redeem(federated, stranger.token(subject=SUBJECT))) == [700027]
    issuer.publish(key_id="another")
    federated.platform.reset()
    client_id = federated.registration.client_id
    federated.platform.add_federated(client_id, "aws", issuer.url, SUBJECT, AUDIENCE)
    answer = redeem(federated, issuer.token(subject=SUBJECT))
    assert refusals(answer) == [700027]
    assert "'k1'" in answer.json()["error_description"]


def test_only_the_first_hundred_keys_are_read(federated: Application, issuer: Issuer) -> None:
    issuer.publish(fillers=100)
    assert refusals(redeem(federated, issuer.token(subject=SUBJECT))) == [700027]
    issuer.publish(fillers=99)
    assert redeem(federated, issuer.token(subject=SUBJECT)).status_code == 200


def test_keys_are_remembered_for_a_while(federated: Application, issuer: Issuer) -> None:
    redeem(federated, issuer.token(subject=SUBJECT))
    asked = issuer.asked
    issuer.documents = {}
    assert redeem(federated, issuer.token(subject=SUBJECT)).status_code == 200
    assert issuer.asked == asked


@pytest.mark.parametrize(
    "documents",
    [
        {},
        {"/.well-known/openid-configuration": {"issuer": "https://other.example"}},
        {"/.well-known/openid-configuration": ["garbage"]},
    ],
)
def test_an_issuer_that_does_not_answer(
    federated: Application, issuer: Issuer, documents: dict[str, Any]
) -> None:
    issuer.documents = documents
    answer = redeem(federated, issuer.token(subject=SUBJECT))
    assert (answer.json()["error"], refusals(answer)) == ("invalid_request", [50166])


def test_what_is_no_token(federated: Application) -> None:
    assert refusals(redeem(federated, "no-token")) == [50027]


WRONG: list[dict[str, Any]] = [
    {"name": "ab"},
    {"issuer": " https://issuer.example"},
    {"subject": "arn:aws:iam::1:role/*"},
    {"subject": "s" * 601},
    {"audience": ""},
]


@pytest.mark.parametrize("fields", WRONG)
def test_what_entra_does_not_take(application: Application, fields: dict[str, Any]) -> None:
    good = {"name": "aws", "issuer": "https://i.example", "subject": "s", "audience": "a"}
    with pytest.raises(requests.HTTPError):
        application.platform.add_federated(application.registration.client_id, **(good | fields))


def test_names_and_pairs_stand_once_and_twenty_are_the_most(application: Application) -> None:
    platform, client_id = application.platform, application.registration.client_id
    for number in range(20):
        platform.add_federated(client_id, f"n-{number}", "https://i.example", f"s{number}", "a")
    for name, subject in (("n-1", "x"), ("new", "s1"), ("new", "x")):
        with pytest.raises(requests.HTTPError):
            platform.add_federated(client_id, name, "https://i.example", subject, "a")
    platform.remove_credential(client_id, "federated", "n-1")
    platform.add_federated(client_id, "n-1", "https://i.example", "s1", "a")
    with pytest.raises(requests.HTTPError):
        platform.add_federated(client_id, "more", "https://i.example", "more", "a")
