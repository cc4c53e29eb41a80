"""The rules: error and suberror first, known numbers over them, unknown numbers never."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from broker.domain.problems import KINDS, Provider
from broker.providers.diagnosis import Diagnosis, text
from broker.providers.entra.diagnosis import diagnose, diagnose_redirect, diagnose_transport
from broker.providers.terms import Class, Effect, Endpoint

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC
TRACE = "11111111-2222-3333-4444-555555555555"


def answer(
    error: str | None = "invalid_grant",
    *codes: int,
    leg: Endpoint = Endpoint.REFRESH,
    status: int = 400,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Diagnosis:
    body = {"error": error, "error_codes": list(codes), **more}
    return diagnose(leg, status, headers or {}, json.dumps(body).encode(), NOW)


@pytest.mark.parametrize(
    ("found", "kind", "code", "actor", "effect"),
    [
        (answer(), "reauthorize", "reauthorization_required", "owner", "owner"),
        (
            answer("invalid_grant", 50173),
            "reauthorize",
            "reauthorization_required",
            "owner",
            "owner",
        ),
        (
            answer("invalid_grant", 700082, suberror="bad_token"),
            "reauthorize",
            "reauthorization_required",
            "owner",
            "owner",
        ),
        (answer("invalid_grant", 50076), "mfa", "mfa_required", "owner", "owner"),
        (answer("interaction_required", 50079), "mfa", "mfa_required", "owner", "owner"),
        (answer(suberror="basic_action"), "mfa", "mfa_required", "owner", "owner"),
        (
            answer("interaction_required", 53003),
            "conditional_access",
            "blocked_by_policy",
            "tenant_admin",
            "policy",
        ),
        (
            answer(suberror="message_only"),
            "conditional_access",
            "blocked_by_policy",
            "tenant_admin",
            "policy",
        ),
        (answer("invalid_grant", 65001), "consent", "reauthorization_required", "owner", "owner"),
        (
            answer("invalid_grant", 65001, 90094),
            "admin_consent",
            "admin_consent_required",
            "tenant_admin",
            "admin",
        ),
        (
            answer("access_denied", 90095),
            "admin_consent_pending",
            "admin_consent_required",
            "tenant_admin",
            "admin",
        ),
        (
            answer("invalid_client", 650052, status=401),
            "service_absent",
            "admin_consent_required",
            "tenant_admin",
            "admin",
        ),
        (
            answer("invalid_grant", 50057),
            "admin_access",
            "admin_consent_required",
            "tenant_admin",
            "admin",
        ),
        (
            answer("invalid_grant", 50105),
            "admin_access",
            "admin_consent_required",
            "tenant_admin",
            "admin",
        ),
        (answer("invalid_grant", 50196), "throttle", "throttled", "nobody", "none"),
        (
            answer("invalid_client", 7000222, status=401),
            "secret_expired",
            "client_secret_expired",
            "operator",
            "credential",
        ),
        (
            answer("invalid_client", 7000215, status=401),
            "credential",
            "client_misconfigured",
            "operator",
            "credential",
        ),
        (
            answer("invalid_client", status=401),
            "credential",
            "client_misconfigured",
            "operator",
            "credential",
        ),
        (
            answer("unauthorized_client", 700016),
            "client_misconfigured",
            "client_misconfigured",
            "operator",
            "none",
        ),
        (
            answer("invalid_client", 50011),
            "client_misconfigured",
            "client_misconfigured",
            "operator",
            "none",
        ),
        (answer("invalid_scope", 70011), "scope", "client_misconfigured", "operator", "none"),
        (answer("invalid_request"), "bad_request", "provider_error", "operator", "none"),
        (answer("temporarily_unavailable"), "retry", "provider_unavailable", "nobody", "none"),
    ],
)
def test_refresh(found: Diagnosis, kind: str, code: str, actor: str, effect: str) -> None:
    assert (found.kind, found.code, found.actor, found.effect) == (kind, code, actor, effect)


@pytest.mark.parametrize("leg", Endpoint)
@pytest.mark.parametrize("error", ["invalid_grant", "invalid_scope", "access_denied", "nonsense"])
def test_an_unknown_number_never_decides(leg: Endpoint, error: str) -> None:
    with_number, without = answer(error, 99999999, leg=leg), answer(error, leg=leg)
    assert with_number.kind is without.kind
    assert with_number.effect is without.effect
    assert with_number.bare is without.bare
    assert with_number.number is None
    assert with_number.provider.error_codes == (99999999,)


@pytest.mark.parametrize("leg", [Endpoint.CODE, Endpoint.REFRESH])
def test_invalid_client_with_an_unknown_number_is_no_proof_against_the_secret(
    leg: Endpoint,
) -> None:
    found = answer("invalid_client", 99999999, leg=leg)
    assert (found.kind, found.effect) == (Class.CLIENT_MISCONFIGURED, Effect.NONE)
    assert found.number is None
    assert answer("invalid_client", leg=leg).effect is Effect.CREDENTIAL
    assert answer("invalid_client", 99999999, 7000215, leg=leg).effect is Effect.CREDENTIAL


def test_the_most_telling_number_decides() -> None:
    assert answer("invalid_grant", 70002, 70008).number == 70008
    assert answer("invalid_grant", 70000, 50076).number == 50076
    assert answer("invalid_grant", 50173, 50196).kind is Class.THROTTLE
    assert answer("invalid_grant", 50076, 53003).kind is Class.CONDITIONAL_ACCESS
    assert answer("invalid_client", 650052, 7000215).kind is Class.CREDENTIAL


def test_a_number_of_two_meanings_leaves_it_to_the_error() -> None:
    assert answer("invalid_request", 9002313).kind is Class.BAD_REQUEST
    assert answer("invalid_grant", 9002313).kind is Class.REAUTHORIZE
    assert answer("invalid_client", 700023).kind is Class.CREDENTIAL
    assert answer("invalid_scope", 700023).kind is Class.SCOPE


def test_70000_says_less_than_a_suberror() -> None:
    found = answer("invalid_grant", 70000, suberror="consent_required")
    assert (found.kind, found.bare) == (Class.CONSENT, False)


@pytest.mark.parametrize(
    ("found", "bare"),
    [
        (answer("invalid_grant", 70000), True),
        (answer("invalid_grant"), True),
        (answer("invalid_grant", 70000, suberror="bad_token"), False),
        (answer("invalid_grant", 50173), False),
        (answer("interaction_required"), False),
    ],
)
def test_bare(found: Diagnosis, bare: bool) -> None:
    assert found.bare is bare
    assert not bare or found.scope_related


@pytest.mark.parametrize(("error", "number"), [("invalid_grant", 65001), ("invalid_scope", 70011)])
def test_scope_related(error: str, number: int) -> None:
    assert answer(error, number).scope_related
    assert not answer("invalid_grant", 50173).scope_related


@pytest.mark.parametrize("number", [54005, 70008, 70000])
def test_on_the_code_leg_the_code_is_meant_not_the_grant(number: int) -> None:
    code = answer("invalid_grant", number, leg=Endpoint.CODE)
    assert (code.kind, code.effect) == (Class.RESTART, Effect.NONE)
    refresh = answer("invalid_grant", number)
    assert (refresh.kind, refresh.effect) == (Class.REAUTHORIZE, Effect.OWNER)


def test_a_wrong_secret_shows_on_the_code_leg_too() -> None:
    assert answer("invalid_client", 7000215, leg=Endpoint.CODE).effect is Effect.CREDENTIAL


def test_a_redirect_can_be_forged_so_it_opens_no_breaker() -> None:
    forged = diagnose_redirect(
        Endpoint.AUTHORIZE, {"error": "invalid_client", "error_description": "AADSTS7000215: wrong"}
    )
    assert forged.effect is Effect.NONE


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ({"error": "access_denied", "error_subcode": "cancel"}, Class.USER_DENIED),
        ({"error_subcode": "cancel"}, Class.USER_DENIED),
        ({"error": "access_denied", "error_description": "AADSTS65004: x"}, Class.USER_DENIED),
        ({"error": "consent_required", "error_description": "AADSTS65004: x"}, Class.USER_DENIED),
        ({"error": "access_denied", "error_description": "The user has denied"}, Class.USER_DENIED),
        ({"error": "access_denied", "error_description": "AADSTS90094: x"}, Class.ADMIN_CONSENT),
        (
            {
                "error": "access_denied",
                "error_subcode": "cancel",
                "error_uri": "https://login.microsoftonline.com/error?code=90095",
            },
            Class.ADMIN_CONSENT_PENDING,
        ),
        ({"error": "invalid_client", "error_description": "AADSTS650052: x"}, Class.SERVICE_ABSENT),
        ({"error": "access_denied", "error_description": "AADSTS50020: x"}, Class.OTHER_ACCOUNT),
        ({"error": "login_required"}, Class.RESTART),
        ({"error": "server_error"}, Class.RETRY),
        ({"error": "bad<b>"}, Class.UNINTELLIGIBLE),
        ({}, Class.UNINTELLIGIBLE),
    ],
)
def test_authorize_redirect(params: dict[str, str], kind: Class) -> None:
    assert diagnose_redirect(Endpoint.AUTHORIZE, params).kind is kind


@pytest.mark.parametrize(
    "params",
    [
        {"error": "consent_required", "error_description": "AADSTS65004: x"},
        {"error": "access_denied", "admin_consent": "True"},
        {"error": "permission_denied", "error_description": "The admin canceled the request"},
    ],
)
def test_admin_consent_redirect(params: dict[str, str]) -> None:
    found = diagnose_redirect(Endpoint.ADMIN_CONSENT, params)
    assert (found.kind, found.code) == (Class.ADMIN_DECLINED, "consent_declined")
    assert (found.actor, found.effect) == ("tenant_admin", Effect.NONE)


@pytest.mark.parametrize("number", [16000, 50020, 50076, 50126, 54005, 50173, 70043])
def test_at_the_admin_link_the_administrator_must_act(number: int) -> None:
    """Whatever keeps the administrator from signing in is nothing for the owner to do."""
    query = {"error": "access_denied", "error_description": f"AADSTS{number}: x"}
    found = diagnose_redirect(Endpoint.ADMIN_CONSENT, query)
    assert (found.kind, found.code) == (Class.ADMIN_RETRY, "admin_consent_required")
    assert (found.actor, found.effect) == ("tenant_admin", Effect.NONE)


@pytest.mark.parametrize("word", ["interaction_required", "login_required", "invalid_grant"])
def test_at_the_admin_link_a_word_alone_means_the_same(word: str) -> None:
    found = diagnose_redirect(Endpoint.ADMIN_CONSENT, {"error": word})
    assert (found.kind, found.actor) == (Class.ADMIN_RETRY, "tenant_admin")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error":"invalid_grant"}', b"\xff"])
def test_an_outage_is_never_the_grants_fault(status: int, body: bytes) -> None:
    found = diagnose(Endpoint.REFRESH, status, {}, body, NOW)
    assert (found.code, found.effect) == ("provider_unavailable", Effect.NONE)
    assert found.retryable


@pytest.mark.parametrize("number", [90036, 90092, 40008, 50173, 65001, 53003, 7000222, 123456789])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((500, "server_error"), (503, "invalid_grant"), (400, "server_error"), (502, "x")),
        *((400, "temporarily_unavailable"), (401, "temporarily_unavailable")),
    ],
)
def test_a_fault_that_passes_stays_one_whatever_number_comes_with_it(
    status: int, error: str, number: int
) -> None:
    body = {"error": error, "error_codes": [number], "error_description": f"AADSTS{number}: x"}
    found = diagnose(Endpoint.REFRESH, status, {}, json.dumps(body).encode(), NOW)
    assert (found.code, found.effect) == ("provider_unavailable", Effect.NONE)
    assert found.number is None, "a number that means something else tells nothing"
    assert found.retryable


def test_a_number_may_say_which_passing_fault_it_is() -> None:
    body = {"error": "server_error", "error_codes": [50173, 50196]}
    found = diagnose(Endpoint.REFRESH, 500, {}, json.dumps(body).encode(), NOW)
    assert (found.code, found.number, found.retry_after) == ("throttled", 50196, 300)


@pytest.mark.parametrize("body", [b"Too Many Requests", b'{"error":"invalid_grant"}', b""])
def test_throttling_in_any_body(body: bytes) -> None:
    found = diagnose(Endpoint.REFRESH, 429, {"RETRY-AFTER": "17"}, body, NOW)
    assert (found.code, found.retry_after, found.effect) == ("throttled", 17, Effect.NONE)


def test_throttling_as_invalid_grant_waits_longer_than_its_window() -> None:
    found = answer("invalid_grant", 50196)
    assert (found.retryable, found.retry_after) == (True, 300)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 1),
        ("999999", 3600),
        ("Fri, 15 Jan 2027 08:01:30 GMT", 90),
        ("Friday, 15-Jan-27 08:01:30 GMT", 90),
        ("Fri Jan 15 08:01:30 2027", 90),
        ("Fri, 15 Jan 2021 08:01:30 GMT", 1),
        ("soon", 60),
        ("-5", 60),
        ("1.5", 60),
        ("٣", 60),
        ("", 60),
    ],
)
def test_retry_after(header: str, seconds: int) -> None:
    found = diagnose(Endpoint.REFRESH, 429, {"Retry-After": header}, b"", NOW)
    assert found.retry_after == seconds


def test_a_wait_makes_sense_only_where_waiting_helps() -> None:
    assert answer("invalid_grant", 50173, headers={"Retry-After": "9"}).retry_after is None
    assert answer("server_error", headers={"Retry-After": "9"}).retry_after == 9
    found = diagnose(Endpoint.REFRESH, 403, {"Retry-After": "9"}, b"Slow down", NOW)
    assert (found.kind, found.retry_after) == (Class.THROTTLE, 9)


@pytest.mark.parametrize("reason", ["timeout", "connect", "reset", "tls", "protocol"])
@pytest.mark.parametrize("leg", Endpoint)
def test_transport(leg: Endpoint, reason: Any) -> None:
    found = diagnose_transport(leg, reason)
    assert (found.code, found.effect, found.retryable) == (
        "provider_unavailable",
        Effect.NONE,
        True,
    )


def test_ids_for_support_come_from_body_description_or_headers() -> None:
    assert answer(trace_id=TRACE).provider.trace_id == TRACE
    said = f"AADSTS65004: no.\r\nTrace ID: {TRACE}\r\nTimestamp: 2026-11-21 10:00:00Z"
    redirected = diagnose_redirect(
        Endpoint.AUTHORIZE, {"error": "access_denied", "error_description": said}
    )
    assert redirected.provider == Provider(
        error="access_denied",
        error_codes=(65004,),
        trace_id=TRACE,
        timestamp="2026-11-21 10:00:00Z",
    )
    plain = diagnose(Endpoint.REFRESH, 429, {"x-ms-request-id": TRACE}, b"Too Many Requests", NOW)
    assert plain.provider.trace_id == TRACE


def test_numbers_come_from_the_description_where_the_list_is_missing() -> None:
    body = b'{"error":"invalid_grant","error_description":"AADSTS70000: denied"}'
    found = diagnose(Endpoint.REFRESH, 400, {}, body, NOW)
    assert (found.number, found.bare) == (70000, True)


def test_what_has_the_wrong_shape_is_dropped() -> None:
    found = answer(
        "invalid_grant",
        suberror=["bad_token"],
        trace_id=TRACE + "x",
        correlation_id="<script>",
        timestamp="yesterday",
        error_codes=[True, -1, 10**30, "50076", None, 1.5, {}, *range(1, 30)],
    )
    assert found.provider == Provider(error="invalid_grant", error_codes=tuple(range(1, 11)))


def test_as_a_problem() -> None:
    found = answer("invalid_grant", 50173, trace_id=TRACE)
    problem = found.problem("The connection marketing-jp was refused.")
    body = problem.as_dict()
    assert body["status"] == KINDS["reauthorization_required"].status
    assert body["detail"].startswith("The connection marketing-jp was refused. All earlier")
    assert "AADSTS50173" in body["detail"]
    assert body["remedy"] == text(found).remedy
    assert body["provider"]["trace_id"] == TRACE
    assert "provider" not in diagnose_transport(Endpoint.REFRESH, "timeout").problem().as_dict()


def test_a_throttled_problem_says_when_to_come_back() -> None:
    found = diagnose(Endpoint.REFRESH, 429, {"Retry-After": "30"}, b"", NOW)
    assert found.problem().as_dict()["retry_after"] == 30


def test_a_numbers_own_text_is_told_only_where_it_holds() -> None:
    assert text(answer("invalid_grant", 70000)).key == "70000"
    assert text(answer("invalid_grant", 70000, leg=Endpoint.CODE)).key == "restart"
    assert "cancel" in text(Class.USER_DENIED).what.lower()
    assert "admin approval" in text(Class.USER_DENIED).what


CREDENTIAL_NUMBERS = {
    700027: "thumbprint",
    700023: "/oauth2/v2.0/token",
    700024: "10 minutes",
    50027: "trace id",
    50048: "ClientId",
    7000216: "credential try",
    70021: "issuer, subject and audience",
    700211: "issuer exactly",
    700212: "api://AzureADTokenExchange",
    700213: "subject exactly",
    7002137: "letter for letter",
    7002138: "letter for letter",
    700222: "AWS STS",
    700229: "AWS STS",
}


@pytest.mark.parametrize(("number", "words"), CREDENTIAL_NUMBERS.items())
@pytest.mark.parametrize("leg", [Endpoint.CODE, Endpoint.REFRESH])
def test_a_refused_client_assertion_names_what_to_correct(
    number: int, words: str, leg: Endpoint
) -> None:
    body = {"error": "invalid_client", "error_codes": [number]}
    found = diagnose(leg, 401, {}, json.dumps(body).encode(), 0.0)
    assert (found.kind, found.effect) == (Class.CREDENTIAL, Effect.CREDENTIAL)
    assert (found.code, found.actor, found.number) == ("client_misconfigured", "operator", number)
    named = replace(found, names="The thumbprint is AB12.").problem()
    assert words in named.remedy
    assert named.remedy.endswith("The thumbprint is AB12.")
    english, japanese = text(found), text(found, "ja")
    assert english.key == str(number)
    assert english.remedy != japanese.remedy
    assert not found.retryable
    assert found.spreads is (number in (70021, 700211, 700212, 700213, 700027))


def test_a_scope_without_resource_is_no_matter_of_the_credential() -> None:
    """AADSTS700023 is both; `error` tells which."""
    body = {"error": "invalid_scope", "error_codes": [700023]}
    found = diagnose(Endpoint.REFRESH, 400, {}, json.dumps(body).encode(), 0.0)
    assert found.effect is not Effect.CREDENTIAL
