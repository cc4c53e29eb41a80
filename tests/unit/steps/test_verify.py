"""verify: what is checked, in which order, and what each failure is called."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from broker.domain.connection import Check, Connection
from broker.domain.names import Name
from broker.domain.problems import KINDS, Problem
from broker.domain.secret import Secret
from broker.ports.errors import Unreachable
from broker.ports.outside import Reply
from broker.services import checks
from local.memory.outside import Answer
from tests.unit.house import ADS, GRAPH, MAIL, NAME, House

USER = {
    "User": {"Id": "42", "CustomerId": 7, "UserName": "canary-person"},
    "CustomerRoles": [{"CustomerId": "8", "AccountIds": None}],
}
ACCOUNTS = {"Accounts": [{"Id": "100", "ParentCustomerId": "9"}, {"Id": "101"}]}
PARAMETERS = {"developer_token": "canary-developer"}


@pytest.fixture
def house() -> House:
    return House()


def says(content: Any, status: int = 200) -> Reply:
    """A JSON answer."""
    return Reply(status, {}, json.dumps(content).encode())


def fault(code: int, symbol: str, status: int = 400) -> Reply:
    """An AdApiFaultDetail, behind the sentence that says nothing."""
    error = {"Code": code, "ErrorCode": symbol, "Message": "Invalid client data.", "Detail": None}
    body = {"TrackingId": "11111111-2222-3333-4444-555555555555", "Type": "AdApiFaultDetail"}
    return says(body | {"Errors": [error]}, status)


@pytest.fixture
def ready(house: House) -> House:
    """A connection of Microsoft Advertising with a developer token, and an API that works."""
    house.service.answers |= {"User/Query": [says(USER)], "Accounts/Search": [says(ACCOUNTS)]}
    return house.connected(parameters=PARAMETERS)


def run(house: House) -> list[Check]:
    """Everything that was checked; whatever it says must be well formed."""
    house.pause(120)
    done = house.verify_step.run(NAME)
    for check in done:
        assert check.detail
        if not check.ok:
            assert check.code in KINDS
            assert check.actor
            assert check.remedy
            for language in ("en", "ja"):
                assert all(checks.told(check, language)) or check.finding is None
    assert "canary" not in repr(done)
    assert "canary" not in house.shown()
    return done


def names(done: list[Check]) -> list[tuple[str, bool]]:
    return [(check.name, check.ok) for check in done]


ALL = ["refresh", "scopes", "developer_token", "user", "accounts"]


def test_a_connection_that_works(ready: House) -> None:
    ready.service.calls.clear()
    assert names(run(ready)) == [(name, True) for name in ALL]
    (url, headers, body), (search, _, query) = ready.service.calls
    host = "https://clientcenter.api.bingads.microsoft.com/CustomerManagement/v13"
    assert (url, search) == (f"{host}/User/Query", f"{host}/Accounts/Search")
    assert headers["DeveloperToken"] == Secret("canary-developer")
    assert isinstance(headers["Authorization"], Secret)
    assert body == {"UserId": None}
    assert query
    assert query["Predicates"] == [{"Field": "UserId", "Operator": "Equals", "Value": "42"}]
    assert query["Ordering"] == [{"Field": "Id", "Order": "Ascending"}], "the SDK's OrderBy"


def test_a_fresh_token_is_not_redeemed_again(ready: House) -> None:
    before = ready.microsoft.redemptions
    ready.pause(59)
    assert ready.verify_step.run(NAME)[0].ok
    assert ready.microsoft.redemptions == before
    run(ready)
    assert ready.microsoft.redemptions == before + 1


@pytest.mark.parametrize(
    ("code", "symbol", "problem"),
    [
        (105, "InvalidCredentials", "client_misconfigured"),
        (106, "UserIsNotAuthorized", "scope_not_granted"),
        (117, "CallRateExceeded", "throttled"),
        (120, "UserLoginAccessDenied", "account_mismatch"),
        (122, "PersonalIdentityNotAvailable", "account_mismatch"),
        (123, "WorkIdentityNotAvailable", "account_mismatch"),
        (124, "PersonalIdentityMigratedToWork", "account_mismatch"),
        (125, "PersonalIdentityNotAllowedByCustomer", "account_mismatch"),
        (126, "IdentityTypeMismatch", "account_mismatch"),
    ],
)
def test_each_fault_is_its_own_finding(ready: House, code: int, symbol: str, problem: str) -> None:
    ready.service.answers["User/Query"] = [fault(code, symbol)]
    done = run(ready)
    assert names(done)[-1] == ("user", False)
    assert len(done) == 4
    assert (done[-1].code, done[-1].finding) == (problem, symbol)
    assert str(code) in done[-1].detail
    assert "11111111-2222-3333-4444-555555555555" in done[-1].detail
    assert "Invalid client data" not in done[-1].detail


def test_fault_109_is_tried_again_with_a_new_token(ready: House) -> None:
    stale = fault(109, "AuthenticationTokenExpired", 401)
    ready.service.answers["User/Query"] = [stale, says(USER)]
    ready.service.calls.clear()
    before = ready.microsoft.redemptions
    done = run(ready)
    assert names(done) == [(name, True) for name in ALL], "each check once"
    assert ready.microsoft.redemptions == before + 2
    first, second = (call[1]["Authorization"] for call in ready.service.calls[:2])
    assert first != second


def test_fault_109_twice_is_the_finding(ready: House) -> None:
    ready.service.answers["User/Query"] = [fault(109, "AuthenticationTokenExpired", 401)]
    ready.service.calls.clear()
    done = run(ready)
    assert done[-1].finding == "AuthenticationTokenExpired"
    assert len({check.name for check in done}) == len(done), "each check once"
    assert len(ready.service.calls) == 2


def test_without_a_developer_token_nobody_is_asked(house: House) -> None:
    done = run(house.connected())
    assert names(done) == [("refresh", True), ("scopes", True), ("developer_token", False)]
    assert (done[-1].code, done[-1].actor) == ("client_misconfigured", "operator")
    assert house.service.calls == []


@pytest.mark.parametrize(
    ("parameters", "finding"),
    [
        ({"account_id": "100", "customer_id": "9"}, None),
        ({"account_id": "101", "customer_id": "8"}, None),
        ({"customer_id": "7"}, None),
        ({"account_id": "102"}, "AccountNotReachable"),
        ({"customer_id": "42"}, "CustomerNotReachable"),
    ],
)
def test_the_connection_s_account_and_customer_must_be_within_reach(
    house: House, parameters: dict[str, str], finding: str | None
) -> None:
    house.service.answers |= {"User/Query": [says(USER)], "Accounts/Search": [says(ACCOUNTS)]}
    last = run(house.connected(parameters=PARAMETERS | parameters))[-1]
    assert (last.name, last.finding, last.ok) == ("accounts", finding, finding is None)


def test_the_account_is_looked_for_on_later_pages(house: House) -> None:
    pages = [
        says({"Accounts": [{"Id": str(1000 * page + n)} for n in range(100)]}) for page in range(3)
    ]
    house.service.answers |= {"User/Query": [says(USER)], "Accounts/Search": [*pages]}
    house.connected(parameters=PARAMETERS | {"account_id": "2005"})
    house.service.answers["Accounts/Search"] = [*pages]
    house.service.calls.clear()
    assert run(house)[-1].ok
    asked = [body["PageInfo"] for _, _, body in house.service.calls if body and "PageInfo" in body]
    assert asked == [
        {"Index": 0, "Size": 100},
        {"Index": 1, "Size": 100},
        {"Index": 2, "Size": 100},
    ]


def test_no_account_at_all(ready: House) -> None:
    ready.service.answers["Accounts/Search"] = [says({"Accounts": []})]
    assert run(ready)[-1].finding == "NoAccounts"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Unreachable("timeout"), "provider_unavailable"),
        (Reply(503, {}, b"<html>"), "provider_unavailable"),
        (Reply(200, {}, b"<html>"), "provider_error"),
        (says({"User": "canary"}), "provider_error"),
        (says([1]), "provider_error"),
        (Reply(302, {"location": "https://evil.example/canary"}, b""), "provider_error"),
        (Reply(400, {}, b"Invalid client data. Check the SOAP fault details"), "provider_error"),
    ],
)
def test_answers_that_are_none(ready: House, answer: Answer, code: str) -> None:
    ready.service.answers["User/Query"] = [answer]
    last = run(ready)[-1]
    assert (last.name, last.code) == ("user", code)


def test_time_runs_out(ready: House) -> None:
    ready.service.calls.clear()
    done = ready.verify_step.run(NAME, ready.one().incarnation, 0.1)
    assert (done[-1].name, done[-1].code) == ("user", "provider_unavailable")
    assert ready.service.calls == []


def test_a_dead_grant_is_all_there_is_to_say(ready: House) -> None:
    ready.pause(3 * 86_400)
    ready.microsoft.faults = [REVOKED]
    (check,) = run(ready)
    assert (check.name, check.code) == ("refresh", "reauthorization_required")


def test_a_tenant_without_the_service_is_told_so(ready: House) -> None:
    ready.pause(3 * 86_400)
    body = {"error": "invalid_client", "error_description": "AADSTS650052", "error_codes": [650052]}
    ready.microsoft.faults = [says(body, 401)]
    (check,) = run(ready)
    assert (check.code, check.actor) == ("admin_consent_required", "tenant_admin")
    assert "650052" in check.detail


def test_a_valid_token_is_checked_even_if_it_cannot_be_renewed(ready: House) -> None:
    ready.microsoft.faults = [says({"error": "temporarily_unavailable"}, 503)] * 2
    done = run(ready)
    assert names(done) == [("refresh", False), *((name, True) for name in ALL[1:])]


def test_missing_scopes_end_it(ready: House) -> None:
    (key, token), *_ = ready.one().tokens.items()
    ready.change(tokens={key: replace(token, scope=ADS.replace("msads", "ads"))})
    ready.service.calls.clear()
    done = ready.verify_step.run(NAME)
    assert (done[-1].name, done[-1].code, done[-1].actor) == (
        "scopes",
        "scope_not_granted",
        "owner",
    )
    assert ADS in done[-1].detail
    assert ready.service.calls == []


REVOKED = says(
    {"error": "invalid_grant", "error_description": "AADSTS50173", "error_codes": [50173]}, 400
)


def graph(house: House, *answers: Answer, scope: str = GRAPH) -> list[Check]:
    house.service.answers["v1.0/me"] = list(answers)
    return run(house.connected(service="microsoft-graph", scopes=[scope]))


def test_graph_answers(house: House) -> None:
    done = graph(house, says({"id": "1"}))
    assert names(done) == [("refresh", True), ("scopes", True), ("me", True)]
    url, headers, body = house.service.calls[-1]
    assert (url, body) == ("https://graph.microsoft.com/v1.0/me?$select=id", None)
    assert "DeveloperToken" not in headers


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "provider_error"),
        (403, "scope_not_granted"),
        (429, "throttled"),
        (500, "provider_unavailable"),
        (404, "provider_error"),
    ],
)
def test_graph_refuses(house: House, status: int, code: str) -> None:
    assert graph(house, says({"error": {"message": "canary"}}, status))[-1].code == code


def test_graph_without_the_right_to_read_the_profile(house: House) -> None:
    done = graph(house, Reply(403, {}, b""), scope=MAIL)
    assert names(done)[-1] == ("service", True)
    assert house.service.calls == []


def test_other_services_have_their_token_checked_only(house: House) -> None:
    scope = "https://analysis.windows.net/powerbi/api/Report.Read.All"
    done = run(house.connected(service="power-bi", scopes=[scope]))
    assert names(done) == [("refresh", True), ("scopes", True), ("service", True)]
    assert "Only the token" in done[-1].detail


def test_hosts_may_be_replaced(ready: House) -> None:
    ready.service.calls.clear()
    hosts = {"advertising": "https://simulated.example", "graph": ""}
    replace(ready.verify_step, hosts=hosts).run(NAME)
    assert ready.service.calls[0][0].startswith("https://simulated.example/CustomerManagement")


def test_other_creations_are_not_found(ready: House) -> None:
    for name, incarnation in ((Name("other"), None), (NAME, "other")):
        with pytest.raises(Problem) as caught:
            ready.verify_step.run(name, incarnation)  # type: ignore[arg-type]
        assert caught.value.code == "not_found"


# Right after the consent


def test_the_browser_says_what_is_still_missing(house: House) -> None:
    house.service.answers["User/Query"] = [fault(105, "InvalidCredentials", 401)]
    ending = house.consent(house.create(parameters=PARAMETERS)["authorize_url"])
    assert names(list(ending.checks)) == [*((name, True) for name in ALL[:3]), ("user", False)]
    connection: Connection = house.one()
    assert (connection.status.value, connection.last_error) == ("active", None)
    for language in ("en", "ja"):
        page = ending.render(language, "client")
        assert page.status == 200
        assert checks.told(ending.checks[-1], language).remedy[:20] in page.html
    assert "canary" not in json.dumps(ending.as_dict())


def test_without_a_developer_token_the_owner_is_not_troubled(house: House) -> None:
    ending = house.consent(house.create()["authorize_url"])
    assert (ending.page, ending.checks) == ("connected", ())


def test_a_check_that_cannot_be_made_leaves_the_consent(house: House) -> None:
    house.moments.once["before verifier.run"] = house.tables.connections.clear
    ending = house.consent(house.create(parameters=PARAMETERS)["authorize_url"])
    assert (ending.page, ending.checks) == ("connected", ())
