"""callback: one claim, one redemption, nothing stored unless all is as it should be."""

from __future__ import annotations

from dataclasses import fields, replace
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from broker.domain.attempts import State, Ticket
from broker.domain.connection import Account, Check, Findings, Status
from broker.domain.names import PERSONAL_TENANT
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.errors import Unavailable, Unreachable
from broker.ports.outside import RefreshRequest
from broker.web.links import LinkProblem
from broker.web.outcomes import Ending
from local.memory import outside
from tests.fakes.microsoft import OTHER, OWNER, TENANT, refusal
from tests.fakes.moments import Killed
from tests.unit.house import (
    ADS,
    ADS_RESOURCE,
    COOKIE,
    GRAPH,
    GRAPH_RESOURCE,
    MAIL,
    NAME,
    WISH,
    House,
)

STRANGE_TENANT = "cccccccc-0000-4000-8000-000000000000"


@pytest.fixture
def house() -> House:
    return House()


def start(house: House, who: Account = OWNER, **wish: Any) -> dict[str, str]:
    """The query Microsoft sends the browser back with."""
    return house.microsoft.sign_in(house.begin(house.create(**wish)["authorize_url"]), who)


def problem(house: House, params: dict[str, str], cookie: Secret | None = COOKIE) -> str:
    with pytest.raises(LinkProblem) as caught:
        house.finish(params, cookie)
    return caught.value.page


def untouched(house: House) -> bool:
    """Whether the connection waits for a consent as on its first day."""
    one = house.one()
    return (one.status, one.epoch, one.account, one.tokens) == (Status.PENDING, 0, None, {}) and (
        one.incarnation not in house.tables.vault
    )


def test_a_consent_makes_the_connection_active(house: House) -> None:
    ending = house.finish(start(house))
    assert ending == Ending(
        "connected",
        connection=NAME,
        service="Microsoft Advertising",
        account=OWNER.username,
        scopes=(ADS,),
        at=house.clock.instant(),
        request_id="request-1",
    )
    one = house.one()
    assert (one.status, one.epoch, one.generation, one.version) == (Status.ACTIVE, 1, 1, 2)
    assert (one.account, one.granted) == (OWNER, {"https://ads.microsoft.com": (ADS,)})
    assert (one.tickets, one.open_link) == ((), None)
    assert one.next_refresh_at == house.kept().due_at
    assert house.kinds() == ["Connection Authorized"]
    assert house.fetch()["expires_in"] == 3600
    assert house.microsoft.redemptions == 1


def test_the_code_is_redeemed_with_everything_it_is_bound_to(house: House) -> None:
    location = house.begin(house.create()["authorize_url"])
    sent = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    params = house.microsoft.sign_in(location)
    house.finish(params)
    ((url, form),) = house.real_http.posts
    assert url == "https://login.microsoftonline.com/common/oauth2/v2.0/token"
    assert form.keys() == {
        *("code", "code_verifier", "redirect_uri", "grant_type"),
        *("scope", "client_id", "client_secret"),
    }
    assert form["redirect_uri"] == sent["redirect_uri"] == "https://broker.example.com/callback"
    secrets = (form["code"], form["code_verifier"], form["client_secret"])
    assert all(isinstance(value, Secret) for value in secrets)


def test_each_further_resource_is_redeemed_once(house: House) -> None:
    ending = house.finish(start(house, scopes=[ADS, GRAPH, MAIL]))
    assert ending.checks == (Check("https://graph.microsoft.com", True),)
    assert house.one().granted == {
        "https://ads.microsoft.com": (ADS,),
        "https://graph.microsoft.com": (MAIL, GRAPH),
    }
    assert house.one().tokens.keys() == {ADS_RESOURCE, GRAPH_RESOURCE}
    assert house.microsoft.redemptions == 2


def test_a_further_resource_that_is_refused_leaves_the_grant(house: House) -> None:
    house.microsoft.withheld = {GRAPH}
    ending = house.finish(start(house, scopes=[ADS, GRAPH]))
    (check,) = ending.checks
    assert ending.page == "connected"
    assert (check.name, check.ok) == ("https://graph.microsoft.com", False)
    assert check.code == "scope_not_granted"
    assert check.detail
    assert check.remedy
    assert house.one().status is Status.ACTIVE


def test_what_is_missing_is_kept_and_told_to_those_who_must_act(house: House) -> None:
    house.microsoft.withheld = {GRAPH}
    (check,) = house.finish(start(house, scopes=[ADS, GRAPH])).checks
    assert house.one().findings == Findings(house.clock.instant(), (check,))
    assert house.connections_step.show(NAME)["findings"]["checks"] == [
        {
            "name": GRAPH_RESOURCE,
            "ok": False,
            "code": "scope_not_granted",
            "detail": check.detail,
            "actor": check.actor,
            "remedy": check.remedy,
        }
    ]
    (told,) = [detail for kind, detail in house.events.published if kind == "Connection Incomplete"]
    assert (told["connection"], told["status"]) == (NAME, "active")
    assert (told["code"], told["actor"], told["remedy"]) == (check.code, check.actor, check.remedy)


def test_when_all_is_well_nobody_is_told(house: House) -> None:
    house.finish(start(house, scopes=[ADS, GRAPH]))
    assert house.connections_step.show(NAME)["findings"]["ok"]
    assert "Connection Incomplete" not in [kind for kind, _ in house.events.published]


def test_findings_end_with_the_next_consent(house: House) -> None:
    house.microsoft.withheld = {GRAPH}
    house.finish(start(house, scopes=[ADS, GRAPH]))
    assert house.consent(house.renew(scopes=[ADS])["authorize_url"]).good
    assert house.connections_step.show(NAME)["findings"] is None


def test_findings_that_cannot_be_kept_are_told_all_the_same(house: House) -> None:
    house.microsoft.withheld = {GRAPH}
    faulty = outside.faulty(house.connections, {"checked": Unavailable("dynamodb", "Throttled")})
    house.callback_step = replace(house.callback_step, connections=faulty)
    assert house.finish(start(house, scopes=[ADS, GRAPH])).page == "connected"
    assert house.one().findings is None
    assert "Connection Incomplete" in [kind for kind, _ in house.events.published]


def test_further_resources_do_not_keep_the_owner_waiting(house: House) -> None:
    params = start(house, scopes=[ADS, GRAPH])
    house.microsoft.meanwhile = lambda _: house.pause(13)
    ending = house.finish(params)
    assert ending.checks == ()
    (order,) = house.orders.orders
    assert order == RefreshRequest(NAME, house.one().incarnation, "consent", GRAPH_RESOURCE)


def test_refresh_cannot_be_invoked_for_a_further_resource(house: House) -> None:
    refresher = outside.faulty(house.refresher, {"run": Unavailable("lambda", "Throttled")})
    house.callback_step = replace(house.callback_step, refresher=refresher)
    ending = house.finish(start(house, scopes=[ADS, GRAPH]))
    assert ending.page == "connected"
    assert ending.checks == ()
    assert [order.resource for order in house.orders.orders] == [GRAPH_RESOURCE], (
        "the queue brings it"
    )


def test_a_reload_shows_the_outcome_again_and_redeems_nothing(house: House) -> None:
    params = start(house)
    first = house.finish(params)
    assert house.finish(params) == first
    assert house.microsoft.redemptions == 1
    assert house.one().epoch == 1


def test_a_reload_of_a_refusal_shows_it_again(house: House) -> None:
    params = start(house)
    params = {"state": params["state"], "error": "access_denied", "error_subcode": "cancel"}
    first = house.finish(params)
    assert first.page == "consent_declined"
    assert house.finish(params) == first
    assert house.microsoft.redemptions == 0


def test_a_replay_from_another_browser_shows_nothing(house: House) -> None:
    params = start(house)
    house.finish(params)
    assert problem(house, params, Secret("d" * 43)) == "attempt_finished"
    assert problem(house, params, None) == "attempt_finished"
    assert house.microsoft.redemptions == 1


@pytest.mark.parametrize("cookie", [None, Secret("d" * 43)])
def test_state_from_another_browser(house: House, cookie: Secret | None) -> None:
    params = start(house)
    assert problem(house, params, cookie) == "other_browser"
    assert house.microsoft.redemptions == 0
    assert untouched(house)
    assert house.finish(params).good, "it harmed nothing"


@pytest.mark.parametrize("state", [None, "", "short", "x" * 43, "x" * 10_000, "ü" * 43])
def test_forged_state(house: House, state: str | None) -> None:
    params = start(house)
    forged = {"code": params["code"]} | ({} if state is None else {"state": state})
    assert problem(house, forged) == "attempt_unknown"
    assert house.microsoft.redemptions == 0
    assert untouched(house)


def test_expired_state(house: House) -> None:
    params = start(house)
    house.pause(900)
    assert problem(house, params) == "attempt_expired"
    assert house.microsoft.redemptions == 0
    assert untouched(house)


@pytest.mark.parametrize("code", [None, "", "x" * 8193])
def test_callback_without_a_sound_code(house: House, code: str | None) -> None:
    params = {"state": start(house)["state"]} | ({} if code is None else {"code": code})
    assert house.finish(params).page == "invalid_request"
    assert house.microsoft.redemptions == 0
    assert untouched(house)


def test_code_that_was_redeemed_already(house: House) -> None:
    params = start(house)
    house.microsoft.codes.clear()
    ending = house.finish(params)
    assert (ending.page, ending.number) == ("reauthorization_required", 54005)
    assert house.microsoft.redemptions == 1
    assert untouched(house)


@pytest.mark.parametrize(
    "answer",
    [
        refusal("temporarily_unavailable", status=503),
        refusal("x", status=429),
        Unreachable("timeout"),
        Unreachable("connect"),
        refusal("invalid_client", 7000215, status=401),
    ],
)
def test_a_code_is_never_redeemed_twice(house: House, answer: Any) -> None:
    params = start(house)
    house.microsoft.always = answer
    assert not house.finish(params).good
    assert not house.finish(params).good
    assert house.microsoft.redemptions == 1
    assert untouched(house)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://login.microsoftonline.com/common/v2.0"},
        {"iss": f"https://evil.example.com/{TENANT}/v2.0"},
        {"tid": STRANGE_TENANT},
        {"tid": None},
        {"aud": "22222222-2222-2222-2222-222222222222"},
        {"aud": None},
        {"exp": 0},
        {"exp": None},
        {"oid": None},
        {"nbf": 4_000_000_000},
    ],
)
def test_id_token_that_is_not_acceptable(house: House, claims: dict[str, Any]) -> None:
    params = start(house)
    house.microsoft.claims = claims
    assert house.finish(params).page == "provider_error"
    assert untouched(house)


def test_consent_without_a_required_scope(house: House) -> None:
    """Lesson 9: legacy ads.manage is not enough."""
    house.microsoft.withheld = {ADS}
    ending = house.finish(start(house))
    assert (ending.page, ending.missing, ending.actor) == ("scope_not_granted", (ADS,), "owner")
    assert untouched(house)


def test_no_refresh_token_granted(house: House) -> None:
    """Lesson 9: no `offline_access`, no refresh token."""
    house.microsoft.withheld = {"offline_access"}
    ending = house.finish(start(house))
    assert (ending.page, ending.actor) == ("no_refresh_token", "operator")
    assert untouched(house)


@pytest.mark.parametrize(
    ("wish", "account", "page"),
    [
        ({"account": {"username": "owner@example.com"}}, OTHER, "account_mismatch"),
        ({"account": {"object_id": OWNER.object_id}}, OTHER, "account_mismatch"),
        ({"account": {"tenant_id": STRANGE_TENANT}}, OWNER, "account_mismatch"),
        ({"account": {"username": "OWNER@example.com"}}, OWNER, "connected"),
        ({"tenant": STRANGE_TENANT}, OWNER, "tenant_not_allowed"),
        ({"tenant": TENANT}, OWNER, "connected"),
        ({"tenant": "consumers"}, OWNER, "tenant_not_allowed"),
        ({"tenant": "organizations"}, OWNER, "connected"),
        ({"tenant": "contoso.com"}, OWNER, "connected"),
        ({"tenant": "contoso.com"}, Account(STRANGE_TENANT, "o", "x@y.z"), "tenant_not_allowed"),
        ({"tenant": "organizations"}, Account(PERSONAL_TENANT, "o", "a@b.c"), "tenant_not_allowed"),
        ({"tenant": "consumers"}, Account(PERSONAL_TENANT, "o", "a@b.c"), "connected"),
    ],
)
def test_whose_consent_counts(
    house: House, wish: dict[str, Any], account: Account, page: str
) -> None:
    ending = house.finish(start(house, account, **wish))
    assert ending.page == page
    assert ending.good is not untouched(house)


def test_allowed_tenants_are_enforced(house: House) -> None:
    house.allowed_tenants = (STRANGE_TENANT,)
    house.build()
    assert house.finish(start(house)).page == "tenant_not_allowed"
    assert untouched(house)


def test_a_tenants_domain_that_cannot_be_looked_up(house: House) -> None:
    params = start(house, tenant="contoso.com")
    http = outside.faulty(house.http, {"get": Unreachable("timeout")})
    acceptance = replace(house.callback_step.acceptance, http=http)
    house.callback_step = replace(house.callback_step, acceptance=acceptance)
    assert house.finish(params).page == "provider_unavailable"
    assert untouched(house)


def test_another_identity_is_refused_on_re_consent(house: House) -> None:
    house.connected()
    before, kept = house.one(), house.kept()
    ending = house.consent(house.renew()["authorize_url"], OTHER)
    assert (ending.page, ending.expected) == ("account_mismatch", OWNER.username)
    assert house.kept() == kept
    assert (house.one().account, house.one().epoch) == (OWNER, before.epoch)
    assert house.fetch()["expires_in"] == 3600


def test_another_identity_if_the_operator_allowed_it_for_that_link(house: House) -> None:
    house.connected(account={"username": OWNER.username})
    assert house.consent(house.renew(allow_account_change=True)["authorize_url"], OTHER).good
    assert house.one().account == OTHER
    issued = house.microsoft.issued[house.fetch()["access_token"]]
    assert issued.account == OTHER, "no token of the account before"
    assert not house.consent(house.renew()["authorize_url"], OWNER).good


def test_a_username_that_changed_is_still_the_same_identity(house: House) -> None:
    house.connected(account={"username": OWNER.username})
    renamed = replace(OWNER, username="married@example.com")
    assert house.consent(house.renew()["authorize_url"], renamed).good
    assert house.one().account == renamed


def test_re_consent_heals_and_drops_what_was(house: House) -> None:
    """Lessons 5 and 7."""
    house.connected(scopes=[ADS, GRAPH])
    house.fetch(scope=GRAPH)
    house.microsoft.revoke()
    for _ in range(2):
        house.refresh()
        house.pause(120)
    assert house.one().status is Status.REAUTHORIZATION_REQUIRED
    old = set(house.microsoft.issued)
    assert house.consent(house.renew(scopes=[ADS])["authorize_url"]).good
    one = house.one()
    assert (one.status, one.epoch, one.suspicion, one.last_error) == (Status.ACTIVE, 2, None, None)
    assert (set(one.tokens), dict(one.failures)) == ({ADS_RESOURCE}, {})
    assert house.fetch()["access_token"] not in old
    assert house.kinds()[-2:] == ["Connection Authorized", "Connection Recovered"]


@pytest.mark.parametrize(
    ("params", "page"),
    [
        ({"error": "access_denied", "error_subcode": "cancel"}, "consent_declined"),
        ({"error": "server_error"}, "provider_unavailable"),
        ({"error": "<script>alert(1)</script>"}, "provider_error"),
    ],
)
def test_errors_on_the_way_back(house: House, params: dict[str, str], page: str) -> None:
    state = start(house)["state"]
    ending = house.finish({**params, "state": state})
    assert ending.page == page
    assert house.microsoft.redemptions == 0
    assert untouched(house)
    assert "script" not in house.shown()
    one = house.one()
    assert one.consent_error
    assert one.consent_error.code == page, "a page carries its code's status; this keeps the code"
    assert one.last_error is None


def admin(house: House) -> str:
    """The state of an administrator's attempt."""
    location = house.begin(house.renew()["admin_consent_url"])
    return parse_qs(urlsplit(location).query)["state"][0]


def test_an_admin_state_never_accepts_a_code(house: House) -> None:
    house.connected()
    code = house.microsoft.sign_in(house.begin(house.renew()["authorize_url"]))["code"]
    before = house.microsoft.redemptions
    params = {"state": admin(house), "code": code, "admin_consent": "True", "tenant": TENANT}
    assert house.finish(params).page == "link_wrong_kind"
    assert house.microsoft.redemptions == before


def test_an_authorize_state_never_accepts_admin_consent(house: House) -> None:
    params = start(house) | {"admin_consent": "True"}
    assert house.finish(params).page == "link_wrong_kind"
    assert house.microsoft.redemptions == 0
    assert untouched(house)


def test_an_administrators_return_proves_nothing(house: House) -> None:
    house.connected()
    before = house.one()
    ending = house.finish({"state": admin(house), "admin_consent": "True", "tenant": TENANT})
    assert (ending.page, ending.good) == ("admin_consent_received", True)
    assert house.orders.orders == [RefreshRequest(NAME, before.incarnation, "admin")]
    assert house.one().status is before.status


def test_an_administrators_return_before_any_consent(house: House) -> None:
    house.create()
    ending = house.finish({"state": admin(house), "admin_consent": "True"})
    assert ending.good
    assert house.orders.orders == []


def test_a_link_that_was_replaced_meanwhile(house: House) -> None:
    params = start(house)
    house.renew()
    assert house.finish(params).page == "link_replaced"
    assert house.microsoft.redemptions == 0
    assert untouched(house)


def test_a_connection_that_was_deleted_meanwhile(house: House) -> None:
    params = start(house)
    house.connections_step.delete(NAME)
    assert house.finish(params).page == "link_unknown"
    house.create()
    assert untouched(house)


def test_two_attempts_of_one_link_and_the_first_wins(house: House) -> None:
    url = house.create()["authorize_url"]
    attempts = [house.microsoft.sign_in(house.begin(url)) for _ in range(2)]
    assert [house.finish(params).page for params in attempts] == ["connected", "link_finished"]
    assert (house.one().epoch, house.one().consent_error) == (1, None)
    assert house.microsoft.redemptions == 1


def test_two_attempts_of_one_link_at_once(house: House) -> None:
    """Both codes are redeemed; the one that stores first wins, and the other is told so."""
    url = house.create()["authorize_url"]
    first, second = (house.microsoft.sign_in(house.begin(url)) for _ in range(2))
    house.moments.once["before consents.complete"] = lambda: house.finish(first)
    assert house.finish(second).page == "link_finished"
    assert (house.one().epoch, house.one().consent_error) == (1, None)


def test_a_new_link_while_the_code_is_redeemed(house: House) -> None:
    params = start(house)
    house.moments.once["before consents.complete"] = house.renew
    assert house.finish(params).page == "link_replaced"
    assert untouched(house)


def test_an_import_while_the_owner_is_at_microsoft(house: House) -> None:
    """The attempt is of the time before; the link goes on."""
    url = house.create()["authorize_url"]
    params = house.microsoft.sign_in(house.begin(url))
    house.connections_step.adopt(NAME, house.microsoft.grant(OWNER, (ADS,)))
    kept = house.kept()
    assert house.finish(params).page == "attempt_unknown"
    assert (house.one().epoch, house.kept()) == (1, kept)
    assert house.consent(url).good


def test_an_import_while_the_code_is_redeemed(house: House) -> None:
    params, token = start(house), house.microsoft.grant(OWNER, (ADS,))
    house.moments.once["before consents.complete"] = lambda: house.connections_step.adopt(
        NAME, token
    )
    assert house.finish(params).page == "attempt_unknown"
    assert house.one().epoch == 1


def forged(house: House, **parts: Any) -> dict[str, str]:
    """The query of an attempt that whoever took over `authorize` wrote by hand."""
    params = house.microsoft.sign_in(house.begin(house.renew()["authorize_url"]), OTHER)
    ((digest, state),) = house.tables.states.items()
    house.tables.states[digest] = replace(state, **parts)
    return params


def test_an_attempt_of_no_ticket_of_the_connection_counts_for_nothing(house: House) -> None:
    """Who writes attempts would own every connection otherwise: also one without an owner's link
    in their hands."""
    house.create()
    for ticket in ("", "f" * 64, house.one().tickets[0], house.one().tickets[1]):
        params = forged(house, ticket=ticket)
        assert house.finish(params).page == "link_unknown"
    assert house.microsoft.redemptions == 0
    assert untouched(house)


def test_what_a_link_decides_is_read_from_the_connection(house: House) -> None:
    """Neither scopes nor a takeover can be had by what lies in the table of attempts."""
    house.connected()
    params = house.microsoft.sign_in(house.begin(house.renew()["authorize_url"]), OTHER)
    assert not {"scopes", "allow_account_change"} & {
        part.name for kind in (State, Ticket) for part in fields(kind)
    }
    assert house.finish(params).page == "account_mismatch"
    url = house.renew()["authorize_url"]
    params = house.microsoft.sign_in(house.begin(url))
    opened = house.one().open_link
    assert opened
    house.change(open_link=replace(opened, scopes=(ADS, GRAPH)))
    assert house.finish(params).good
    assert house.one().scopes == (ADS, GRAPH)


def test_a_page_that_is_loaded_twice_shows_one_outcome(house: House) -> None:
    """The second load waits for the first, which has claimed the state."""
    params, done, seen = start(house), Event(), list[Ending]()

    def wait(_: float) -> None:
        assert done.wait(10)

    patient = replace(house.callback_step, sleep=wait)
    second = Thread(target=lambda: seen.append(patient.finish(params, COOKIE, "request-2")))
    house.microsoft.meanwhile = lambda _: second.start()
    first = house.finish(params)
    done.set()
    second.join(10)
    assert (first.page, seen) == ("connected", [first])
    assert house.microsoft.redemptions == 1


def test_a_second_load_does_not_wait_for_one_that_died(house: House) -> None:
    params = start(house)

    def die() -> None:
        raise Killed

    house.moments.once["before connections.get"] = die
    with pytest.raises(Killed):
        house.finish(params)
    began = house.clock.now
    assert problem(house, params) == "attempt_unknown"
    assert 19 < house.clock.now - began <= 21, "no longer than the first could have worked"


def test_a_browser_changes_neither_back_off_nor_answers(house: House) -> None:
    """A cancel on a re-consent's link is nothing that happened to the grant."""
    house.connected()
    house.pause(3600)
    house.microsoft.always = refusal("x", status=429)
    house.refresh()
    before, told = house.one(), fails(house)
    assert told.code == "throttled"
    params = house.microsoft.sign_in(house.begin(house.renew()["authorize_url"]))
    declined = {"error": "access_denied", "error_subcode": "cancel", "state": params["state"]}
    assert house.finish(declined).page == "consent_declined"
    after = house.one()
    assert after.consent_error
    assert after.consent_error.code == "consent_declined"
    assert (after.last_error, after.failures) == (before.last_error, before.failures)
    assert (after.status, after.next_refresh_at) == (before.status, before.next_refresh_at)
    again = fails(house)
    assert (again.code, again.retry_after) == (told.code, told.retry_after)
    redeemed = house.microsoft.redemptions
    fails(house)
    assert house.microsoft.redemptions == redeemed, "Microsoft's wait is as long as before"


def fails(house: House) -> Problem:
    """What a caller is told."""
    with pytest.raises(Problem) as caught:
        house.fetch()
    return caught.value


def test_a_refresh_leaves_what_a_browser_brought(house: House) -> None:
    house.connected()
    wrong = house.consent(house.renew()["authorize_url"], OTHER)
    assert wrong.page == "account_mismatch"
    house.pause(3600)
    assert house.refresh() is None
    one = house.one()
    assert (one.last_error, one.consent_error and one.consent_error.code) == (
        None,
        "account_mismatch",
    )
    assert house.consent(house.renew()["authorize_url"]).good
    assert house.one().consent_error is None


@pytest.mark.parametrize("moment", ["connections.get", "consents.complete", "vault_keys.generate"])
def test_aws_fails_on_the_way(house: House, moment: str) -> None:
    """The page says so, also when it is loaded again; nothing is half done."""
    params = start(house)
    down = Unavailable("aws", "Throttled")

    def fail() -> None:
        raise down

    house.moments.once[f"before {moment}"] = fail
    ending = house.finish(params)
    assert ending.page == "broker_unavailable"
    assert house.finish(params) == ending
    assert untouched(house)
    noted = ("callback_failed", {"service": "aws", "code": "Throttled"})
    assert noted in house.telemetry.notes


def test_an_outcome_that_cannot_be_remembered_undoes_nothing(house: House) -> None:
    params = start(house)
    down = {"conclude": Unavailable("dynamodb", "Throttled")}
    authorizations = outside.faulty(house.authorizations, down)
    house.callback_step = replace(house.callback_step, authorizations=authorizations)
    assert house.finish(params).good
    assert house.one().status is Status.ACTIVE
    noted = ("remember_failed", {"service": "dynamodb", "code": "Throttled"})
    assert noted in house.telemetry.notes


def test_every_ending_is_logged_and_counted(house: House) -> None:
    house.finish(start(house))
    assert (
        "callback",
        {"connection": NAME, "code": "connected", "link": 1},
    ) in house.telemetry.notes
    assert ("Consents", 1, {"code": "connected"}) in house.telemetry.counts


def test_nothing_secret_is_shown(house: House) -> None:
    params = start(house)
    ending = house.finish(params)
    shown = house.shown() + repr(ending)
    assert "canary" not in shown
    assert params["state"] not in shown
    assert WISH["connection"] in shown
