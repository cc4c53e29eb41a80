"""token: hits, misses, waiting, forcing, and what is never handed out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from broker.domain.connection import Sealed, Status
from broker.domain.names import Instant, Name
from broker.domain.problems import Problem
from broker.lifecycle import policy, usage
from broker.lifecycle.serving import Query
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest, Reply
from broker.steps import token
from broker.web import bodies
from local.memory import outside
from tests.fakes.microsoft import OTHER, refusal
from tests.unit.house import (
    ACCOUNT_ID,
    ADS,
    ADS_RESOURCE,
    GRAPH,
    GRAPH_RESOURCE,
    MAIL,
    NAME,
    STRANGER,
    TEAM,
    House,
)


@pytest.fixture
def house() -> House:
    return House().connected()


def refused(house: House, **how: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        house.fetch(**how)
    return caught.value


def calls(house: House) -> list[str]:
    """The calls that began since the last look."""
    passed, house.moments.passed[:] = list(house.moments.passed), []
    return [moment.removeprefix("before ") for moment in passed if moment.startswith("before ")]


def test_answer_is_that_of_rfc_6749_and_more(house: House) -> None:
    house.pause(60)
    answer = house.fetch()
    issued = house.microsoft.issued[answer.pop("access_token")]
    assert issued.resource == "https://ads.microsoft.com"
    assert answer == {
        "token_type": "Bearer",
        "expires_in": 3540,
        "scope": f"{ADS} openid profile",
        "connection": "marketing-jp",
        "expires_at": "2027-01-15T09:00:00Z",
        "parameters": {},
    }


def test_a_warm_hit_is_one_read_and_nothing_else(house: House) -> None:
    house.fetch()
    calls(house)
    for _ in range(5):
        house.pause(1)
        house.fetch()
    assert calls(house) == ["connections.get"] * 5
    assert house.microsoft.redemptions == 1


def test_use_is_recorded_every_five_minutes(house: House) -> None:
    house.fetch()
    used = house.one().last_used_at
    house.pause(policy.USED_EVERY - 1)
    house.fetch()
    assert house.one().last_used_at == used
    house.pause(1)
    house.fetch()
    assert house.one().last_used_at == house.clock.instant()


def test_who_fetched_is_recorded_once_an_hour_and_costs_a_warm_hit_nothing(house: House) -> None:
    house.fetch()
    first = house.clock.instant()
    assert house.one().used_by == {str(TEAM): first}
    house.pause(usage.KNOWN_EVERY - 1)
    house.fetch()
    calls(house)
    house.fetch()
    assert calls(house) == ["connections.get"]
    assert house.one().used_by == {str(TEAM): first}
    house.pause(1)
    house.fetch()
    assert house.one().used_by == {str(TEAM): house.clock.instant()}


def test_who_waited_for_a_redemption_is_recorded_too(house: House) -> None:
    house.pause(7200)
    house.fetch()
    assert house.one().used_by == {str(TEAM): house.clock.instant()}
    assert house.microsoft.redemptions == 2


def test_parameters_come_along_and_are_opened_once() -> None:
    parameters = {"developer_token": "canary-developer", "customer_id": 42}
    house = House().connected()
    house.connections_step.change(NAME, bodies.change({"parameters": parameters}))
    wanted = {"developer_token": "canary-developer", "customer_id": "42"}
    assert house.fetch()["parameters"] == wanted
    opened = len(house.real_token_keys.decrypted)
    assert house.fetch()["parameters"] == wanted
    assert len(house.real_token_keys.decrypted) == opened == 3


def test_unknown_connection_and_missing_grant_look_the_same(house: House) -> None:
    absent = refused(house, name=Name("no-such-name"))
    stranger = refused(house, who=STRANGER)
    assert absent.as_dict() == stranger.as_dict()
    assert absent.code == "access_denied"


def test_grant_comes_before_every_other_reason(house: House) -> None:
    house.change(suspended=True, status=Status.REAUTHORIZATION_REQUIRED)
    assert refused(house, who=STRANGER).code == "access_denied"
    assert refused(house).code == "suspended"


def test_grants_are_checked_on_every_read(house: House) -> None:
    house.fetch()
    house.change(grants=())
    assert refused(house).code == "access_denied"


def test_grants_are_checked_again_after_waiting(house: House) -> None:
    """What is withdrawn while a redemption runs is withdrawn."""
    house.pause(3600)
    house.microsoft.meanwhile = lambda _: house.change(grants=())
    assert refused(house).code == "access_denied"


def test_nobody_consented_yet() -> None:
    house = House()
    house.create()
    assert refused(house).code == "authorization_pending"
    assert house.microsoft.redemptions == 0


def test_a_miss_redeems_and_serves_the_new_token(house: House) -> None:
    house.pause(3600)
    assert house.fetch()["expires_in"] == 3600
    assert house.microsoft.redemptions == 2
    (order,) = house.invoked.ran
    assert order == RefreshRequest(NAME, house.one().incarnation, "caller", None, order.owner, 1)
    assert house.one().lease_owner is None


def test_resources_have_tokens_of_their_own(house: House) -> None:
    """Lesson 10: cache keys without scope hand one scope's token to another."""
    house = House().connected(scopes=[ADS, GRAPH])
    tokens = house.microsoft.issued
    assert tokens[house.fetch()["access_token"]].resource == "https://ads.microsoft.com"
    graph = house.fetch(scope=GRAPH)
    assert tokens[graph["access_token"]].resource == "https://graph.microsoft.com"
    assert tokens[house.fetch()["access_token"]].resource == "https://ads.microsoft.com"
    assert house.fetch(scope="openid User.Read")["access_token"] == graph["access_token"]
    assert house.microsoft.redemptions == 2


def test_limited_grant_is_held_against_the_scopes_asked_for() -> None:
    limited = [{"principal": ACCOUNT_ID, "scopes": [GRAPH]}]
    house = House().connected(scopes=[ADS, GRAPH], grants=limited)
    assert refused(house).code == "scope_not_granted"
    assert house.fetch(scope=GRAPH)["scope"].startswith(GRAPH)


def test_limited_grant_is_held_against_the_scopes_answered() -> None:
    """Microsoft puts every consented scope of the resource into the token."""
    limited = [{"principal": ACCOUNT_ID, "scopes": [GRAPH]}]
    house = House().connected(scopes=[ADS, GRAPH, MAIL], grants=limited)
    problem = refused(house, scope=GRAPH)
    assert (problem.status, problem.code) == (422, "scope_not_granted")


def test_limited_grant_is_held_against_the_very_token_that_is_handed_out() -> None:
    limited = [{"principal": ACCOUNT_ID, "scopes": [GRAPH]}]
    house = House().connected(scopes=[ADS, GRAPH, MAIL], grants=limited)
    house.change(granted={})
    assert refused(house, scope=GRAPH).code == "scope_not_granted"


def test_default_scope_does_not_get_around_a_limited_grant() -> None:
    """`/.default` stands for everything consented to, asked for or answered."""
    limited = [{"principal": ACCOUNT_ID, "scopes": [GRAPH]}]
    house = House().connected(scopes=[ADS, GRAPH, MAIL], grants=limited)
    default = "https://graph.microsoft.com/.default"
    assert refused(house, scope=default).code == "scope_not_granted"
    bodies = {"token_type": "Bearer", "access_token": "x", "expires_in": 3600, "scope": default}
    house.microsoft.always = Reply(200, {}, json.dumps(bodies).encode())
    house.change(tokens={})
    assert refused(house, scope=GRAPH).code == "scope_not_granted"


def test_an_expired_token_is_never_served(house: House) -> None:
    """Lesson 8: never hand out an expired token."""
    house.microsoft.always = refusal("temporarily_unavailable", status=503)
    house.pause(3599)
    assert house.fetch()["expires_in"] == 1
    house.pause(1)
    assert refused(house).code == "provider_unavailable"


def test_a_token_that_ends_while_it_is_opened_is_not_served(house: House) -> None:
    house.pause(3500)
    house.moments.once["before token_keys.decrypt"] = lambda: house.pause(100)
    problem = refused(house)
    assert problem.code == "refresh_in_progress"


def test_a_valid_token_is_served_whatever_the_last_refresh_said(house: House) -> None:
    """Lesson 8: never answer an error while a valid token is at hand."""
    house.microsoft.revoke()
    for wait in (3000, 60, 300):
        house.pause(wait)
        house.refresh()
    assert house.one().status is Status.REAUTHORIZATION_REQUIRED
    assert house.fetch()["expires_in"] == 240
    house.pause(240)
    problem = refused(house)
    assert (problem.code, problem.actor) == ("reauthorization_required", "owner")


def test_a_dead_grant_is_not_asked_for_again(house: House) -> None:
    """Lesson 7: stop retrying dead grants."""
    house.microsoft.revoke()
    for _ in range(2):
        house.pause(3000)
        house.refresh()
    before = house.microsoft.redemptions
    house.pause(86_400)
    for _ in range(3):
        assert refused(house).code == "reauthorization_required"
    assert house.microsoft.redemptions == before


def test_an_unconfirmed_refusal_says_so(house: House) -> None:
    house.pause(3600)
    house.microsoft.faults = [refusal("invalid_grant", 70000)]
    problem = refused(house)
    assert (problem.status, problem.code) == (503, "grant_at_risk")
    assert problem.retry_after is not None
    assert policy.CONFIRM <= problem.retry_after <= policy.CONFIRM_SPREAD[1] + 1
    before = house.microsoft.redemptions
    assert refused(house).code == "grant_at_risk"
    assert house.microsoft.redemptions == before
    house.pause(problem.retry_after)
    assert house.fetch()["expires_in"] == 3600


def test_min_ttl_forces_one_redemption(house: House) -> None:
    house.pause(1800)
    assert house.fetch(min_ttl="1800")["expires_in"] == 1800
    assert house.fetch(min_ttl="1801")["expires_in"] == 3600
    assert house.microsoft.redemptions == 2


def test_min_ttl_that_microsoft_does_not_reach(house: House) -> None:
    house.microsoft.expires_in = 600
    house.pause(3000)
    problem = refused(house, min_ttl="2700")
    assert (problem.status, problem.code) == (422, "min_ttl_unreachable")
    assert refused(house, min_ttl="2700").code == "min_ttl_unreachable"
    assert house.microsoft.redemptions == 2


def test_min_ttl_with_microsoft_down_serves_what_is_there(house: House) -> None:
    house.microsoft.always = refusal("temporarily_unavailable", status=503)
    house.pause(1800)
    assert house.fetch(min_ttl="2700")["expires_in"] == 1800


def test_rejected_forces_one_redemption_a_minute(house: House) -> None:
    digest = hashlib.sha256(house.fetch()["access_token"].encode()).hexdigest()
    assert house.fetch(rejected=digest)["access_token"] == "canary-access-2"
    house.pause(policy.FORCE_EVERY)
    new = house.fetch(rejected=digest)["access_token"]
    assert new != "canary-access-2"
    assert house.fetch(rejected=digest)["access_token"] == new
    newer = hashlib.sha256(new.encode()).hexdigest()
    assert house.fetch(rejected=newer)["access_token"] == new
    assert house.microsoft.redemptions == 2


def test_any_forcing_redeems_at_most_once_a_minute(house: House) -> None:
    """About 15 identical requests in 5 minutes make Microsoft throttle everyone."""
    for second in range(300):
        current = hashlib.sha256(house.fetch()["access_token"].encode()).hexdigest()
        house.fetch(rejected=current, min_ttl="2700")
        house.pause(1)
        assert house.microsoft.redemptions <= 2 + second // policy.FORCE_EVERY


def test_a_late_schedule_is_made_up_for_in_the_background(house: House) -> None:
    kept = house.fetch()
    (stored,) = house.one().tokens.values()
    house.pause(policy.advisory(stored) - house.clock.now)
    assert house.fetch()["access_token"] == kept["access_token"]
    (order,) = house.invoked.started
    assert order.reason == "ahead"
    house.fetch()
    assert len(house.invoked.started) == 1, "the lease is taken"
    assert house.refresh_step.run(order) is None
    assert house.fetch()["access_token"] != kept["access_token"]


@pytest.mark.parametrize("moment", ["connections.used", "connections.claim", "refresher.start"])
def test_trouble_in_the_background_is_not_the_callers(house: House, moment: str) -> None:
    fault = Unavailable("aws", "Throttled")
    port, method = moment.split(".")
    faults = {method: fault}
    step = replace(
        house.token_step, **{port: outside.faulty(getattr(house.token_step, port), faults)}
    )
    house.token_step = step
    house.pause(3000)
    assert house.fetch()["expires_in"] == 600
    assert ("ahead_failed", {"service": "aws", "code": "Throttled"}) in house.telemetry.notes


@pytest.mark.parametrize("method", ["claim", "get"])
def test_aws_fails_on_a_miss_while_a_token_is_valid(house: House, method: str) -> None:
    """Lesson 8: never answer an error while a valid token is at hand."""
    house.pause(3550)
    faults: dict[str, Exception] = {}
    leases = outside.faulty(house.connections, faults)
    house.token_step = replace(house.token_step, connections=leases)
    moment = "before connections.claim" if method == "claim" else "before refresher.run"
    down = Unavailable("dynamodb", "Throttled")
    if method == "claim":
        faults["claim"] = down
    else:
        house.moments.once[moment] = lambda: faults.update(get=down)
    assert house.fetch()["expires_in"] == 50
    assert ("renew_failed", {"service": "dynamodb", "code": "Throttled"}) in house.telemetry.notes


@pytest.mark.parametrize(
    ("reason", "held"),
    [
        ("TooManyRequestsException", False),
        ("ConnectTimeoutError", False),
        ("EndpointConnectionError", False),
        ("ConnectionClosedError", True),
        ("ReadTimeoutError", True),
        ("Lost", True),
    ],
)
def test_a_start_that_did_not_happen_keeps_no_lease(house: House, reason: str, held: bool) -> None:
    faults = {"start": Unavailable("lambda", reason)}
    refresher = outside.faulty(house.refresher, faults)
    house.token_step = replace(house.token_step, refresher=refresher)
    house.pause(3000)
    assert house.fetch()["expires_in"] == 600
    assert house.one().leased(house.clock.instant()) is held


@pytest.mark.parametrize(
    ("reason", "held"),
    [
        ("TooManyRequestsException", False),
        ("ConnectTimeoutError", False),
        ("ConnectionClosedError", True),
        ("AccessDeniedException", False),
        ("FunctionError", True),
        ("MalformedAnswer", True),
        ("ReadTimeoutError", True),
    ],
)
def test_refresh_cannot_be_invoked(house: House, reason: str, held: bool) -> None:
    """The lease is given back only if refresh certainly does not run."""
    faults = {"run": Unavailable("lambda", reason)}
    refresher = outside.faulty(house.refresher, faults)
    house.token_step = replace(house.token_step, refresher=refresher)
    house.pause(3600)
    problem = refused(house)
    assert (problem.status, problem.code) == (503, "broker_unavailable")
    assert problem.retry_after == 2
    assert ("refresh_failed", {"service": "lambda", "code": reason}) in house.telemetry.notes
    assert house.one().leased(house.clock.instant()) is held


def test_losers_wait_at_most_five_seconds(house: House) -> None:
    house.pause(3600)
    house.change(lease_owner="other", lease_until=Instant(house.clock.instant() + 30))
    before = house.clock.now
    problem = refused(house)
    assert (problem.status, problem.code, problem.retry_after) == (503, "refresh_in_progress", 2)
    assert house.clock.now - before <= token.WAIT
    assert not house.invoked.ran


def test_losers_get_the_winners_token(house: House) -> None:
    house.pause(3600)
    owner = "winner"
    house.change(lease_owner=owner, lease_until=Instant(house.clock.instant() + 30))
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        house.pause(seconds)
        if len(naps) == 3:
            house.refresh("caller", owner=owner)

    house.token_step = replace(house.token_step, sleep=sleep)
    assert house.fetch()["access_token"] == "canary-access-4"
    assert len(naps) == 3
    assert all(0.1 <= nap <= 1.0 for nap in naps)
    assert not house.invoked.ran


def test_a_thousand_callers_cause_one_redemption(house: House) -> None:
    """Lesson 1: N callers, one redemption, also while the redemption runs."""
    house.pause(3600)

    def crowd(_: object) -> None:
        house.microsoft.meanwhile = None
        begun = house.clock.now
        for _ in range(20):
            with pytest.raises(Problem, match="refresh_in_progress"):
                house.fetch()
            house.clock.now = begun

    house.microsoft.meanwhile = crowd
    answers = [house.fetch()["access_token"] for _ in range(1000)]
    assert len(set(answers)) == 1
    assert house.microsoft.redemptions == 2


def test_a_broken_seal_heals_by_a_new_token(house: House) -> None:
    (key,) = house.one().tokens
    stored = house.one().tokens[key]
    damaged = replace(stored, sealed=Sealed(b"\x01damaged", 1), obtained_at=Instant(0))
    house.change(tokens={key: damaged})
    assert house.fetch()["expires_in"] == 3600
    assert ("seal_broken", {}) in house.telemetry.notes


def test_a_token_moved_to_another_slot_is_not_opened() -> None:
    """No ciphertext can be moved to another encryption context."""
    house = House().connected(scopes=[ADS, GRAPH])
    house.fetch()
    house.fetch(scope=GRAPH)
    tokens = dict(house.one().tokens)
    house.pause(120)
    moved = replace(tokens[ADS_RESOURCE], sealed=tokens[GRAPH_RESOURCE].sealed)
    house.change(tokens={ADS_RESOURCE: moved})
    house.token_step = house.token_environment()
    issued = house.microsoft.issued[house.fetch()["access_token"]]
    assert issued.resource == "https://ads.microsoft.com"


def test_a_broken_parameter_does_not_hammer_microsoft() -> None:
    """A redemption cannot heal it, so at most one a minute is spent on it."""
    house = House().connected(parameters={"customer_id": "42"})
    house.change(parameters={"customer_id": Sealed(b"\x01damaged", 1)})
    house.pause(120)
    before = house.microsoft.redemptions
    for _ in range(10):
        with pytest.raises(Exception, match=r"truncated|unknown"):
            house.fetch()
        house.pause(1)
    assert house.microsoft.redemptions == before + 1


def test_stale_read_of_a_deleted_creation_is_as_good_as_none(house: House) -> None:
    """A loser's read is eventually consistent: it may see what was deleted."""
    old = house.one()
    house.connections_step.delete(NAME)
    house.connected()
    house.pause(3000)
    house.change(tokens={}, lease_owner="other", lease_until=Instant(house.clock.instant() + 30))
    current = house.one()

    class Stale:
        def __getattr__(self, name: str) -> Any:
            return getattr(house.connections, name)

        def get(self, name: Name, *, consistent: bool = True) -> Any:
            return current if consistent else old

    stale: Any = Stale()
    house.token_step = replace(house.token_step, connections=stale)
    assert refused(house).code == "refresh_in_progress"


def test_stale_read_of_an_earlier_consent_is_as_good_as_none(house: House) -> None:
    """What it shows is still valid, but of another account by now."""
    house.pause(3000)
    old = house.one()
    assert old.token(ADS_RESOURCE, house.clock.now)
    url = house.renew(allow_account_change=True)["authorize_url"]
    assert house.consent(url, OTHER).good
    house.change(tokens={}, lease_owner="other", lease_until=Instant(house.clock.instant() + 30))
    current, reads = house.one(), list[bool]()

    class Stale:
        def __getattr__(self, name: str) -> Any:
            return getattr(house.connections, name)

        def get(self, name: Name, *, consistent: bool = True) -> Any:
            reads.append(consistent)
            return current if consistent else old

    stale: Any = Stale()
    house.token_step = replace(house.token_step, connections=stale)
    assert refused(house).code == "refresh_in_progress"
    assert reads.count(False) > 3, "it looked, and saw what was"


def test_revoked_grant_is_seen_before_a_loser_gives_up(house: House) -> None:
    """The valid token of a last resort is not for someone whose grant is gone."""
    house.pause(3560)
    house.change(lease_owner="other", lease_until=Instant(house.clock.instant() + 30))

    def sleep(seconds: float) -> None:
        house.pause(seconds)
        if house.clock.now % 60 > 3:
            house.change(grants=())

    house.token_step = replace(house.token_step, sleep=sleep)
    assert refused(house).code == "access_denied"


def test_another_resource_waits_while_the_connection_is_blocked() -> None:
    """A broken connection is tried once a day, whatever resource callers ask for."""
    house = House().connected(scopes=[ADS, GRAPH])
    house.microsoft.always = refusal("invalid_grant", 53003)
    for _ in range(2):
        house.pause(3600)
        house.refresh()
    assert house.one().status is Status.BLOCKED
    before = house.microsoft.redemptions
    for _ in range(3):
        assert refused(house, scope=GRAPH).code == "blocked_by_policy"
        house.pause(900)
    assert house.microsoft.redemptions == before


def test_a_refused_resource_concerns_that_one_alone() -> None:
    house = House()
    house.microsoft.withheld = {GRAPH}
    house.connected(scopes=[ADS, GRAPH])
    problem = refused(house, scope=GRAPH)
    assert (problem.status, problem.code) == (422, "scope_not_granted")
    before = house.microsoft.redemptions
    assert refused(house, scope=GRAPH).code == "scope_not_granted"
    assert house.microsoft.redemptions == before
    assert house.one().status is Status.ACTIVE
    assert house.one().last_error is None
    assert house.fetch(who=TEAM)["expires_in"] == 3600


def test_metrics_tell_hits_from_misses(house: House) -> None:
    house.fetch()
    house.pause(3600)
    house.fetch()
    counted = [metric for metric, _, _ in house.telemetry.counts if metric.startswith("Token")]
    assert counted == ["TokenServed", "TokenHit", "TokenMiss", "TokenServed"]


def test_nothing_secret_is_shown(house: House) -> None:
    house.pause(3600)
    house.fetch()
    assert "canary" not in house.shown()


@pytest.mark.parametrize("told", ["openid", "x" * 300, "https://graph.microsoft.com/" + "x" * 300])
def test_limited_grant_gets_nothing_whose_scopes_are_unknown(told: str) -> None:
    limited = [{"principal": ACCOUNT_ID, "scopes": [GRAPH]}]
    house = House().connected(scopes=[ADS, GRAPH], grants=limited)
    house.pause(3600)
    house.microsoft.always = House.answer(scope=told)
    assert refused(house, scope=GRAPH).code == "scope_not_granted"


def test_a_failed_forced_redemption_counts_too(house: House) -> None:
    """15 identical ones in 5 minutes make Microsoft throttle everyone."""
    house.pause(600)
    spent = hashlib.sha256(house.fetch()["access_token"].encode()).hexdigest()
    house.microsoft.always = refusal("temporarily_unavailable", status=503)
    before = house.microsoft.redemptions
    for _ in range(60):
        house.fetch(rejected=spent)
        house.pause(5)
    assert house.microsoft.redemptions - before <= 2 * 5


def test_what_a_browser_says_changes_nothing_for_callers_of_a_broken_connection(
    house: House,
) -> None:
    house.microsoft.revoke()
    for _ in range(2):
        house.refresh()
        house.pause(120)
    house.pause(3600)
    said = refused(house)
    assert (said.code, said.actor) == ("reauthorization_required", "owner")
    state = parse_qs(urlsplit(house.begin(house.renew()["authorize_url"])).query)["state"][0]
    assert house.finish({"state": state, "error": "server_error"}).page == "provider_unavailable"
    kept = house.one().consent_error
    assert kept
    assert kept.code == "provider_unavailable"
    assert (refused(house).code, refused(house).actor) == (said.code, said.actor)


def test_late_and_repeated_orders_redeem_nothing(house: House) -> None:
    """Lambda delivers what was started at least once, and maybe hours later."""
    house.pause(3300)
    house.fetch()
    (order,) = house.invoked.started
    assert house.refresh_step.run(order) is None
    redeemed = house.microsoft.redemptions
    house.pause(60)
    assert house.refresh_step.run(order) is None
    assert house.microsoft.redemptions == redeemed


def test_the_audit_record_knows_the_resource(house: House) -> None:
    audit: dict[str, str] = {}
    house.token_step.serve(TEAM, NAME, Query(), audit)
    assert audit == {"resource": ADS_RESOURCE}
