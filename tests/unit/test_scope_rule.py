"""Whatever callers send: which tokens they reach, and how often Microsoft is asked.

A refresh token is bound to user and client, not to a resource: without the scope rule a grant on
one connection would reach whatever the owner ever consented to for this app.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.domain.problems import Problem
from broker.domain.scopes import MAX_RESOURCES
from broker.lifecycle import policy
from broker.ports.outside import Reply
from local.memory.outside import Form
from tests.fakes.microsoft import refusal
from tests.unit.house import ADS, ADS_RESOURCE, GRAPH, MAIL, NAME, House

POWER_BI = "https://analysis.windows.net/powerbi/api/Report.Read.All"
SHAREPOINT = "https://contoso.sharepoint.com/AllSites.Read"
CRM = "https://contoso.crm4.dynamics.com/user_impersonation"
FIVE = [ADS, GRAPH, POWER_BI, SHAREPOINT, CRM]
RESOURCES = {scope.rpartition("/")[0] for scope in FIVE}


def refused(house: House, **query: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        house.fetch(**query)
    return caught.value


def writes(house: House) -> list[str]:
    """What was called beyond reading the connection, since the last look."""
    passed, house.moments.passed[:] = list(house.moments.passed), []
    return [moment for moment in passed if "connections.get" not in moment]


def everything_consented(house: House) -> None:
    """The owner has consented to much more for this app, through other connections."""
    for grant in house.microsoft.grants.values():
        grant.scopes = (*grant.scopes, MAIL, *FIVE)


@pytest.mark.parametrize(
    "scope",
    [
        *(MAIL, "Mail.Read", GRAPH, "User.Read", f"{ADS} {MAIL}", f"{ADS_RESOURCE}/ads.manage"),
        *("https://graph.microsoft.com/.default", POWER_BI, "https://ads.microsoft.com.evil/x"),
    ],
)
def test_a_grant_on_a_connection_reaches_only_what_the_connection_has(scope: str) -> None:
    house = House().connected()
    everything_consented(house)
    before = house.one()
    writes(house)
    for _ in range(3):
        problem = refused(house, scope=scope)
        assert (problem.status, problem.code) == (422, "scope_not_granted")
        house.pause(3600)
    assert writes(house) == [], "before any lease, write or call"
    assert house.one() == before


def test_after_a_re_consent_with_fewer_scopes_the_rest_is_gone() -> None:
    house = House().connected(scopes=[ADS, GRAPH, MAIL])
    house.fetch(scope=MAIL)
    assert house.consent(house.renew(scopes=[ADS])["authorize_url"]).good
    everything_consented(house)
    house.pause(120)
    for scope in (GRAPH, MAIL, "https://graph.microsoft.com/.default"):
        assert refused(house, scope=scope).code == "scope_not_granted"
    one = house.one()
    assert one.tokens.keys() == one.granted.keys() == {ADS_RESOURCE}


def test_the_first_fetch_after_a_re_consent_with_other_scopes() -> None:
    """It gets a token of the new consent, or none."""
    house = House().connected(scopes=[ADS, GRAPH])
    old = set(house.microsoft.issued)
    house.pause(120)
    assert house.consent(house.renew(scopes=[ADS, POWER_BI])["authorize_url"]).good
    assert house.fetch()["access_token"] not in old
    assert house.fetch(scope=POWER_BI)["access_token"] not in old
    assert refused(house, scope=GRAPH).code == "scope_not_granted"


@pytest.mark.parametrize(
    "scope",
    [
        *(GRAPH.upper(), "user.read", "https://GRAPH.microsoft.com//User.Read", "User.Read openid"),
        *(MAIL, f"{GRAPH} {MAIL}", "https://graph.microsoft.com/.default", ".DEFAULT mail.read"),
    ],
)
def test_every_spelling_of_a_resource_gets_its_one_token(scope: str) -> None:
    house = House().connected(scopes=[ADS, GRAPH, MAIL])
    known = house.fetch(scope=GRAPH)["access_token"]
    if scope.startswith("."):
        assert refused(house, scope=scope).code == "scope_not_granted"
    else:
        assert house.fetch(scope=scope)["access_token"] == known
    assert house.microsoft.redemptions == 2
    assert [form["scope"] for _, form in house.real_http.posts[1:]] == [
        f"openid profile offline_access {MAIL} {GRAPH}"
    ]


def test_more_than_was_asked_for_shows_as_excess() -> None:
    house = House().connected(scopes=[ADS, GRAPH])
    assert house.connections_step.show(NAME)["excess_scopes"] == []
    everything_consented(house)
    house.refresh("operator", resource="https://graph.microsoft.com")
    shown = house.connections_step.show(NAME)
    assert shown["excess_scopes"] == [MAIL]
    assert shown["granted_scopes"]["https://graph.microsoft.com"] == [MAIL, GRAPH]
    assert house.connections_step.list(None, 5, None)["connections"][0]["excess_scopes"] == [MAIL]


def test_default_asks_for_everything_so_nothing_is_excess() -> None:
    default = "https://graph.microsoft.com/.default"
    house = House().connected(service="microsoft-graph", scopes=[default])
    house.microsoft.always = House.answer(scope=f"{GRAPH} {MAIL}")
    house.refresh("operator")
    assert house.connections_step.show(NAME)["excess_scopes"] == []
    assert house.fetch(scope=default)["expires_in"] > 0


class Log:
    """When Microsoft was asked for which resource."""

    def __init__(self, house: House) -> None:
        self.house, self.asked = house, list[tuple[float, str]]()
        house.microsoft.meanwhile = self.note

    def note(self, form: Form) -> None:
        (scope,) = [s for s in str(form["scope"]).split() if "/" in s][:1]
        self.asked.append((self.house.clock.now, scope.rpartition("/")[0]))

    def most(self) -> tuple[int, int]:
        """Redemptions of one resource, and of all, in the worst `policy.FORCE_EVERY` seconds."""
        windows = [
            [name for when, name in self.asked if 0 <= when - start < policy.FORCE_EVERY]
            for start, _ in self.asked
        ]
        return (
            max((names.count(name) for names in windows for name in names), default=0),
            max(map(len, windows), default=0),
        )


# 401 and the like are not asked again within one redemption, so each counts once.
ODD = refusal("who_knows", 123456789)
WORDS = st.sampled_from(
    [*FIVE, MAIL, "User.Read", "mail.read", "openid", "/", "//", ".default", "é", "\x00", " "]
)
SPELLINGS: st.SearchStrategy[str] = st.one_of(
    st.text(max_size=40),
    st.sampled_from(FIVE).flatmap(
        lambda scope: st.sampled_from([scope, scope.upper(), scope.swapcase(), f"{scope} openid"])
    ),
    st.sampled_from(sorted(RESOURCES)).map(lambda resource: f"{resource}//.DEFAULT"),
    st.lists(WORDS, max_size=4).map(" ".join),
    st.lists(WORDS, max_size=4).map("".join),
)
REQUESTS = st.lists(
    st.tuples(
        SPELLINGS | st.none(),
        st.sampled_from(["0", "2700"]),
        st.booleans(),
        st.sampled_from([0, 0, 1, 7, 20, 31]),
    ),
    max_size=60,
)


def ask(house: House, scope: str | None, min_ttl: str, reject: bool, last: str) -> str:
    """One request of a caller; the token it got, or none."""
    query: dict[str, Any] = {"min_ttl": min_ttl}
    query |= {} if scope is None else {"scope": scope}
    query |= {"rejected": hashlib.sha256(last.encode()).hexdigest()} if reject else {}
    try:
        answer = house.fetch(**query)
    except Problem as problem:
        assert problem.status != 500  # noqa: PT017
        return last
    issued = house.microsoft.issued.get(answer["access_token"])
    assert issued is None or issued.resource in RESOURCES
    assert issued is None or set(issued.scopes) <= {*FIVE, MAIL}
    return str(answer["access_token"])


@given(REQUESTS, st.sampled_from([None, ODD]), st.sampled_from([0, 120, 3600]))
@settings(max_examples=60, deadline=None)
def test_whatever_callers_send_microsoft_is_asked_within_the_limits(
    requests: list[tuple[str | None, str, bool, int]], answer: Reply | None, age: int
) -> None:
    house = House().connected(scopes=FIVE)
    house.pause(age)
    if answer:
        house.change(tokens={}, failures={})  # nothing valid: each request is one that may redeem
    house.microsoft.always = answer
    log, last = Log(house), ""
    for scope, min_ttl, reject, wait in requests:
        last = ask(house, scope, min_ttl, reject, last)
        house.pause(wait)
        one = house.one()
        assert len(one.tokens) <= MAX_RESOURCES
        assert len(one.failures) <= MAX_RESOURCES
        assert {*one.tokens, *one.granted, *one.failures} <= RESOURCES
    of_one, of_all = log.most()
    assert of_one <= 1
    # What nobody forced happens once for each resource: its token has come to its end.
    forced = answer is None and age == 120
    assert of_all <= (policy.FORCED if forced else MAX_RESOURCES)


@pytest.mark.parametrize("failing", [False, True])
def test_a_minute_of_hammering_forces_three(failing: bool) -> None:
    """Many spellings, min_ttl and rejected together, over five resources, failing or not."""
    house = House().connected(scopes=FIVE)
    house.pause(1200)
    house.microsoft.always = ODD if failing else None
    log, tokens = Log(house), dict.fromkeys(FIVE, "")
    for second in range(600):
        scope = FIVE[second % 5]
        spelt = scope.upper() if second % 2 else scope
        tokens[scope] = ask(house, spelt, "2700", True, tokens[scope])
        house.pause(1)
    of_one, of_all = log.most()
    assert of_one == 1
    assert of_all == policy.FORCED


def test_refusals_over_all_resources_are_asked_for_again_within_the_limits() -> None:
    """No valid token anywhere, and everything fails: it is not five redemptions a minute."""
    house = House().connected(scopes=FIVE)
    house.pause(4000)
    house.microsoft.always = ODD
    for scope in FIVE:
        refused(house, scope=scope)
    log = Log(house)
    for second in range(1800):
        assert refused(house, scope=FIVE[second % 5]).code == "provider_error"
        house.pause(1)
    of_one, of_all = log.most()
    assert of_one == 1
    assert of_all <= policy.FORCED
    assert log.asked, "and yet it is tried again"


def test_an_access_token_of_a_few_seconds_is_not_redeemed_for_each_caller() -> None:
    house = House()
    house.microsoft.expires_in = 5
    house.connected()
    log = Log(house)
    for _ in range(300):
        ask(house, None, "0", False, "")
        house.pause(1)
    assert log.most() == (1, 1)
    assert len(log.asked) == 4
    house.fetch()
    house.pause(5)
    problem = refused(house, scope=ADS)
    assert (problem.code, problem.status) == ("refresh_in_progress", 503)
    assert problem.retry_after
    assert problem.retry_after <= policy.FORCE_EVERY


def test_five_resources_whose_tokens_have_ended_are_all_renewed_at_once() -> None:
    """The limits are of what callers force, not of what is due."""
    house = House().connected(scopes=FIVE)
    house.pause(86_400)
    for scope in FIVE:
        assert house.fetch(scope=scope)["expires_in"] == 3600
