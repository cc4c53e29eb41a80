"""refresh: what is stored first, what a refusal makes of a connection, imports, and the lease."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.connection import Failure, Status
from broker.domain.names import Incarnation, Instant
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.lifecycle import policy
from broker.ports.credentials import ClientSecretPost
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest
from broker.providers.token_endpoint import Providers
from broker.sealing.envelope import encryption_context, unseal
from local.memory import outside
from tests.fakes.microsoft import ABSENT, CLIENT_ID, OTHER, OWNER, PLATFORM, refusal
from tests.fakes.moments import Killed
from tests.unit.house import ADS, ADS_RESOURCE, GRAPH, GRAPH_RESOURCE, NAME, STACK, House

REVOKED = refusal("invalid_grant", 50173)
BARE = refusal("invalid_grant", 70000)
DOWN = refusal("temporarily_unavailable", status=503)
POLICY = refusal("invalid_grant", 53003)
DISABLED = refusal("invalid_grant", 50057)


@pytest.fixture
def house() -> House:
    return House().connected(scopes=[ADS, GRAPH])


def opened(house: House) -> str:
    """The refresh token in the vault."""
    kept = house.kept()
    where = encryption_context(
        STACK, kept.incarnation, "refresh_token", kept.sealed.generation, kept.epoch
    )
    return unseal(house.real_vault_keys, where, kept.sealed.data).open()


def code(problem: Problem | None) -> str:
    return problem.code if problem else "refreshed"


def test_a_redemption_stores_both_tokens_and_frees_the_lease(house: House) -> None:
    before, refresh_token = house.one(), opened(house)
    house.pause(3600)
    assert house.refresh() is None
    after = house.one()
    assert opened(house) != refresh_token
    assert after.generation == house.kept().generation == before.generation + 1
    assert after.refreshed_at == house.clock.instant()
    assert after.next_refresh_at == house.kept().due_at
    assert (after.lease_owner, after.lease_until) == (None, None)
    assert (after.epoch, after.version, after.status) == (1, 2, Status.ACTIVE)


def test_the_refresh_token_is_stored_before_anything_uses_the_answer(house: House) -> None:
    """Lesson 4: the rotated token gets lost."""
    house.moments.passed.clear()
    house.refresh()
    done = [moment for moment in house.moments.passed if moment.startswith("after")]
    answered = done.index("after http.post")
    assert done[answered + 1 : answered + 4] == [
        "after vault_keys.generate",
        "after vault.rotate",
        "after token_keys.generate",
    ]
    assert done[-1] == "after connections.settle"


def test_the_old_refresh_token_is_kept_when_there_is_no_new_one(house: House) -> None:
    """Lesson 4: `KeyError: 'refresh_token'`."""
    house.microsoft.rotates = False
    before = house.kept()
    house.pause(3600)
    assert house.refresh() is None
    assert house.kept() == replace(before, due_at=house.kept().due_at)
    assert house.fetch()["expires_in"] == 3600


@pytest.mark.parametrize("port", ["token_keys", "vault_keys"])
def test_kms_fails_after_the_answer(house: House, port: str) -> None:
    """Lesson 10, 6: KMS bites; our own outage latches nothing."""
    down = Unavailable("kms", "ThrottlingException")
    keys = outside.faulty(getattr(house, port), {"generate": down})
    step, house.refresh_step = house.refresh_step, replace(house.refresh_step, **{port: keys})
    before = opened(house)
    with pytest.raises(Unavailable):
        house.refresh()
    assert (opened(house) != before) is (port == "token_keys")
    assert house.one().status is Status.ACTIVE
    house.refresh_step = step
    assert code(house.refresh()) == "refresh_in_progress", "or each caller would ask Microsoft"
    house.pause(policy.LEASE)
    assert house.refresh() is None


def test_secrets_manager_fails(house: House) -> None:
    """Lesson 6: one throttled GetSecretValue retired a whole workspace."""
    good, house.credentials.now = house.credentials.now, Unavailable("secretsmanager", "Throttled")
    before = house.one()
    with pytest.raises(Unavailable):
        house.refresh()
    assert house.one() == before
    house.credentials.now = good
    assert house.refresh() is None


def test_one_refusal_is_not_death(house: House) -> None:
    """Lesson 2: AADSTS70000 came and went with the same token."""
    house.microsoft.faults = [BARE]
    assert code(house.refresh()) == "reauthorization_required"
    one = house.one()
    assert one.status is Status.ACTIVE
    assert one.suspicion is not None
    assert one.last_error is not None
    assert house.kinds()[-1] == "Connection At Risk"
    due = house.kept().due_at
    assert due is not None
    assert policy.CONFIRM < due - house.clock.now < 300
    house.pause(due - house.clock.now)
    assert house.refresh() is None
    assert (house.one().suspicion, house.one().last_error) == (None, None)
    assert house.kinds()[-1] == "Connection Recovered"


def test_refusals_in_quick_succession_confirm_nothing(house: House) -> None:
    house.microsoft.faults = [BARE] * 3
    for _ in range(3):
        house.refresh("operator")
        house.pause(10)
        assert house.one().status is Status.ACTIVE
    assert house.kinds().count("Connection At Risk") == 1


@pytest.mark.parametrize(
    ("answer", "status", "last"),
    [
        (REVOKED, Status.REAUTHORIZATION_REQUIRED, "reauthorization_required"),
        (BARE, Status.REAUTHORIZATION_REQUIRED, "reauthorization_required"),
        (refusal("invalid_grant", 50076), Status.REAUTHORIZATION_REQUIRED, "mfa_required"),
        (refusal("interaction_required", 50076), Status.REAUTHORIZATION_REQUIRED, "mfa_required"),
        (DISABLED, Status.AWAITING_ADMIN, "admin_consent_required"),
        (refusal("invalid_grant", 50105), Status.AWAITING_ADMIN, "admin_consent_required"),
        (refusal("invalid_client", 650052), Status.AWAITING_ADMIN, "admin_consent_required"),
        (refusal("invalid_client", 650051), Status.AWAITING_ADMIN, "admin_consent_required"),
        (POLICY, Status.BLOCKED, "blocked_by_policy"),
        (refusal("interaction_required", 53003), Status.BLOCKED, "blocked_by_policy"),
    ],
)
def test_confirmed_refusals_move_the_status(
    house: House, answer: Any, status: Status, last: str
) -> None:
    """Design §4, table of states. Lessons 2, 7, 9."""
    house.microsoft.always = answer
    house.refresh()
    house.pause(120)
    house.refresh()
    one = house.one()
    assert one.status is status
    assert one.last_error is not None
    assert one.last_error.code == last
    assert house.kinds()[1:] == ["Connection At Risk", "Connection Broken"]
    assert house.events.published[-1][1].keys() == {
        *("connection", "service", "status", "code", "actor", "remedy")
    }
    due = house.kept().due_at
    if status is Status.REAUTHORIZATION_REQUIRED:
        assert due is None
    else:
        assert due is not None
        assert 20 * 3600 <= due - house.clock.now <= 86_400


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (DOWN, "provider_unavailable"),
        (refusal("invalid_request", 90009), "provider_error"),
        (refusal("invalid_grant", 50196), "throttled"),
        (refusal("x", status=429, headers={"retry-after": "90"}), "throttled"),
        (refusal("invalid_client", 7000222, status=401), "client_secret_expired"),
        (refusal("invalid_client", 7000215, status=401), "client_misconfigured"),
        (refusal("invalid_client", status=401), "client_misconfigured"),
        (refusal("unauthorized_client", 700016), "client_misconfigured"),
        (refusal("invalid_scope", 70011), "client_misconfigured"),
        (refusal("who_knows", 123456789), "provider_error"),
    ],
)
def test_everything_else_is_waited_out(house: House, answer: Any, expected: str) -> None:
    """Lessons 3 and 6: the application's and the network's faults touch no connection."""
    house.microsoft.always = answer
    before = house.one()
    for _ in range(5):
        house.pause(4000)
        assert code(house.refresh()) == expected
        one = house.one()
        assert (one.status, one.suspicion) == (Status.ACTIVE, None)
        assert (one.tokens, one.failures) == (before.tokens, before.failures)
        assert one.last_error is not None
        assert house.clock.now < one.last_error.retry_at <= house.clock.now + 3700
    house.microsoft.always = None
    house.credentials.now = ClientSecretPost(Secret("canary-client-secret"), "v2")
    assert house.refresh() is None


def test_retry_after_is_obeyed(house: House) -> None:
    house.microsoft.always = refusal("x", status=429, headers={"retry-after": "1800"})
    house.refresh()
    due = house.kept().due_at
    assert due is not None
    assert due >= house.clock.now + 1800


def test_a_duplicate_order_does_not_come_before_its_time(house: House) -> None:
    """SQS delivers at least once, and rotate sends again what is still due."""
    house.pause(90_000)
    house.rotate_step.run(lambda: 60.0)
    house.rotate_step.run(lambda: 60.0)
    orders = house.orders.orders
    assert len(orders) == 2
    house.microsoft.always = refusal("x", status=429, headers={"retry-after": "1800"})
    before = house.microsoft.redemptions
    for order in orders:
        house.refresh_step.run(order)
    assert house.microsoft.redemptions == before + 1
    assert house.one().lease_owner is None


def test_a_duplicate_order_does_not_redeem_without_rotation(house: House) -> None:
    """The generation stays when Microsoft gives no new refresh token."""
    house.microsoft.rotates = False
    house.pause(90_000)
    house.rotate_step.run(lambda: 60.0)
    house.rotate_step.run(lambda: 60.0)
    before = house.microsoft.redemptions
    for order in house.orders.orders:
        assert house.refresh_step.run(order) is None
    assert house.microsoft.redemptions == before + 1


def test_an_order_of_an_earlier_generation_is_done(house: House) -> None:
    house.refresh("operator")
    before = house.microsoft.redemptions
    assert house.refresh(generation=1) is None
    assert house.microsoft.redemptions == before


def test_a_dead_grant_is_never_redeemed(house: House) -> None:
    """Lesson 7."""
    house.microsoft.always = REVOKED
    for _ in range(2):
        house.refresh()
        house.pause(120)
    before = house.microsoft.redemptions
    for reason in ("schedule", "operator", "caller", "admin"):
        house.pause(86_400)
        assert code(house.refresh(reason)) == "reauthorization_required"
    assert house.rotate() == []
    assert house.microsoft.redemptions == before
    assert house.one().lease_owner is None


def test_a_blocked_connection_may_heal_by_itself(house: House) -> None:
    """Lesson 7: and tell when it is healthy again."""
    house.microsoft.always = POLICY
    for _ in range(2):
        house.refresh()
        house.pause(120)
    house.microsoft.always = None
    house.pause(86_400)
    assert house.rotate() == [None]
    one = house.one()
    assert (one.status, one.suspicion, one.last_error) == (Status.ACTIVE, None, None)
    assert house.kinds()[-1] == "Connection Recovered"


def test_a_blocked_connection_does_not_die_of_one_refusal(house: House) -> None:
    """Lesson 2: a first refusal of another kind is as unconfirmed as ever."""
    house.microsoft.always = POLICY
    for _ in range(2):
        house.refresh()
        house.pause(120)
    assert house.one().status is Status.BLOCKED
    house.pause(86_400)
    house.microsoft.always, house.microsoft.faults = POLICY, [BARE]
    house.refresh()
    assert house.one().status is Status.BLOCKED
    house.microsoft.always = BARE
    house.pause(86_400)
    house.refresh()
    house.pause(120)
    house.refresh()
    assert house.one().status is Status.REAUTHORIZATION_REQUIRED
    assert house.kinds().count("Connection At Risk") == 1
    assert house.kinds().count("Connection Broken") == 2


def test_a_blocked_connection_stays_blocked_silently(house: House) -> None:
    house.microsoft.always = POLICY
    for _ in range(5):
        house.refresh()
        house.pause(86_400)
    assert house.kinds().count("Connection Broken") == 1


def test_a_broken_connection_leaves_the_index_last(house: House) -> None:
    """Out of the index before its status says so, it would never be looked at again."""
    house.microsoft.always = REVOKED
    house.refresh()
    house.pause(120)
    house.moments.once["after connections.settle"] = kill
    with pytest.raises(Killed):
        house.refresh()
    assert house.one().status is Status.REAUTHORIZATION_REQUIRED
    assert house.kept().due_at is not None, "killed before it got that far"
    redeemed = house.microsoft.redemptions
    assert code(house.refresh()) == "reauthorization_required"
    assert house.kept().due_at is None, "the next order of the schedule does it"
    assert house.microsoft.redemptions == redeemed


def kill() -> None:
    raise Killed("here")


def test_answer_without_the_required_scope(house: House) -> None:
    """Lesson 9: legacy ads.manage refreshes fine and is then rejected by the API."""
    for grant in house.microsoft.grants.values():
        grant.scopes = ("https://ads.microsoft.com/ads.manage",)
    body = House.answer(scope="https://ads.microsoft.com/ads.manage")
    house.microsoft.always = body
    tokens = house.one().tokens
    assert code(house.refresh()) == "scope_not_granted"
    assert house.one().status is Status.ACTIVE
    house.pause(120)
    assert code(house.refresh()) == "scope_not_granted"
    one = house.one()
    assert one.status is Status.REAUTHORIZATION_REQUIRED
    assert one.tokens == tokens
    assert one.last_error is not None
    assert (one.last_error.code, one.last_error.actor) == ("scope_not_granted", "owner")


def test_an_order_for_a_resource_that_is_not_the_connections_redeems_nothing(house: House) -> None:
    """The scope rule is repeated on every order, whoever wrote it."""
    before = house.one()
    for reason in ("caller", "ahead", "schedule", "operator", "consent", "verify", "admin"):
        for resource in ("https://analysis.windows.net/powerbi/api", f"{GRAPH_RESOURCE}/", ""):
            problem = house.refresh(reason, resource=resource or "x")
            assert code(problem) == "scope_not_granted"
    assert house.microsoft.redemptions == 2
    assert house.one() == before


def test_a_redemption_asks_for_the_connections_own_scopes(house: House) -> None:
    house.refresh("operator", resource=GRAPH_RESOURCE)
    house.refresh("operator")
    assert [form["scope"] for _, form in house.real_http.posts[-2:]] == [
        f"openid profile offline_access {GRAPH}",
        f"openid profile offline_access {ADS}",
    ]


def test_what_was_answered_is_what_is_granted(house: House) -> None:
    house.microsoft.spoilt = {"scope": f"{GRAPH_RESOURCE}/user.read Mail.Read openid"}
    assert house.refresh("operator", resource=GRAPH_RESOURCE) is None
    assert house.one().granted == {
        ADS_RESOURCE: (ADS,),
        GRAPH_RESOURCE: (f"{GRAPH_RESOURCE}/Mail.Read", GRAPH),
    }


def test_another_resource_leaves_the_schedule_as_it_is(house: House) -> None:
    due_at = house.kept().due_at
    house.pause(600)
    house.refresh("operator", resource=GRAPH_RESOURCE)
    assert house.kept().due_at == house.one().next_refresh_at == due_at


def test_failures_of_another_resource_add_up(house: House) -> None:
    house.microsoft.always = refusal("invalid_grant", 65001, suberror="consent_required")
    for attempts in (1, 2, 3):
        house.refresh("operator", resource=GRAPH_RESOURCE)
        assert house.one().failures[GRAPH_RESOURCE].attempts == attempts
        house.pause(policy.REFUSED_WAIT)
    # The own one is tried, as the refusal is bare: both are recorded, each with its own count.
    house.microsoft.always = BARE
    house.refresh("operator", resource=GRAPH_RESOURCE)
    one = house.one()
    assert one.failures[GRAPH_RESOURCE].attempts == 4
    assert one.failures[GRAPH_RESOURCE].code == "reauthorization_required"
    assert one.last_error
    assert (one.last_error.attempts, one.last_error.code) == (1, "reauthorization_required")


@pytest.mark.parametrize(("ago", "asked"), [(policy.FORCE_EVERY - 1, 1), (policy.FORCE_EVERY, 2)])
@pytest.mark.parametrize("own_one", ["worked", "failed"])
def test_the_own_one_is_tried_a_minute_after_it_was(
    house: House, own_one: str, ago: int, asked: int
) -> None:
    house.pause(120)
    house.microsoft.faults = [BARE] if own_one == "failed" else []
    house.refresh()
    house.pause(ago)
    house.microsoft.always, before = BARE, house.microsoft.redemptions
    house.refresh("operator", resource=GRAPH_RESOURCE)
    assert house.microsoft.redemptions == before + asked


def test_a_refused_resource_touches_nothing_else(house: House) -> None:
    before = house.one()
    house.microsoft.faults = [refusal("invalid_grant", 65001, suberror="consent_required")]
    assert code(house.refresh("operator", resource=GRAPH_RESOURCE)) == "scope_not_granted"
    after = house.one()
    assert after.failures.keys() == {GRAPH_RESOURCE}
    assert replace(after, failures={}) == before
    assert house.kinds() == ["Connection Authorized"]


def test_bare_refusal_of_another_resource_tries_the_own_one_first(house: House) -> None:
    house.pause(120)
    house.microsoft.faults = [BARE]
    own = house.one().tokens
    assert code(house.refresh("caller", resource=GRAPH_RESOURCE)) == "scope_not_granted"
    one = house.one()
    assert one.status is Status.ACTIVE
    assert one.failures.keys() == {GRAPH_RESOURCE}
    assert one.tokens[ADS_RESOURCE] != own[ADS_RESOURCE]
    assert [form["scope"] for _, form in house.real_http.posts[-2:]] == [
        f"openid profile offline_access {GRAPH}",
        f"openid profile offline_access {ADS}",
    ]


def test_the_own_one_that_is_tried_keeps_count_and_loses_no_refresh_token(house: House) -> None:
    house.microsoft.faults = [refusal("invalid_grant", 65001, suberror="consent_required")]
    house.refresh("operator", resource=GRAPH_RESOURCE)
    house.pause(policy.REFUSED_WAIT)
    house.microsoft.faults = [BARE]
    house.refresh("operator", resource=GRAPH_RESOURCE)
    assert house.one().failures[GRAPH_RESOURCE].attempts == 2
    house.pause(policy.REFUSED_WAIT)
    refresh_token = opened(house)
    house.microsoft.faults, house.microsoft.spoilt = [BARE], {"access_token": ABSENT}
    assert code(house.refresh("operator", resource=GRAPH_RESOURCE)) == "provider_error"
    assert opened(house) != refresh_token, "what came with an unusable answer is stored"


def test_bare_refusal_right_after_the_own_one_worked_asks_no_more(house: House) -> None:
    """Fifteen identical requests in five minutes throttle everyone."""
    house.microsoft.faults = [BARE]
    before = house.microsoft.redemptions
    assert code(house.refresh("operator", resource=GRAPH_RESOURCE)) == "scope_not_granted"
    assert house.microsoft.redemptions == before + 1


def test_bare_refusal_right_after_the_own_one_failed_is_the_grants(house: House) -> None:
    house.pause(120)
    house.microsoft.faults = [BARE, BARE]
    house.refresh()
    house.pause(10)
    before = house.microsoft.redemptions
    assert code(house.refresh("operator", resource=GRAPH_RESOURCE)) == "reauthorization_required"
    assert house.microsoft.redemptions == before + 1
    assert house.kept().due_at == house.clock.instant()


def test_bare_refusal_of_both_resources_is_the_grants(house: House) -> None:
    house.pause(120)
    house.microsoft.always = BARE
    house.refresh("caller", resource=GRAPH_RESOURCE)
    one = house.one()
    assert one.status is Status.ACTIVE
    assert one.suspicion is not None
    assert one.failures.keys() == {GRAPH_RESOURCE}
    assert house.kinds()[-1] == "Connection At Risk"


def test_a_dead_grant_found_by_another_resource_is_looked_at_soon(house: House) -> None:
    house.pause(120)
    house.microsoft.revoke()
    problem = house.refresh("caller", resource=GRAPH_RESOURCE)
    assert code(problem) == "reauthorization_required"
    assert house.one().status is Status.ACTIVE
    assert house.kept().due_at == house.clock.instant()
    house.rotate()
    assert house.one().suspicion is not None


def test_another_resource_counts_as_no_use_of_the_own_one(house: House) -> None:
    """Only the service's own moves the status: here it is broken all the while."""
    house.microsoft.always = POLICY
    for _ in range(2):
        house.refresh()
        house.pause(120)
    house.microsoft.always = None
    assert house.refresh("operator", resource=GRAPH_RESOURCE) is None
    assert house.one().status is Status.BLOCKED
    assert house.one().last_error is not None


def test_pending_connection_has_nothing_to_redeem() -> None:
    house = House()
    house.create()
    assert code(house.refresh("operator")) == "authorization_pending"
    assert house.one().lease_owner is None


def test_an_order_for_what_is_gone(house: House) -> None:
    order = RefreshRequest(NAME, Incarnation("earlier"), "schedule")
    assert code(house.refresh_step.run(order)) == "not_found"


def test_a_changed_client_id_redeems_nothing(house: House) -> None:
    """It reports, and redeems no foreign refresh token."""
    microsoft = house.refresh_step.providers.clients["microsoft"]
    another = replace(microsoft, client=replace(microsoft.client, client_id="another"))
    house.refresh_step = replace(house.refresh_step, providers=Providers({"microsoft": another}))
    before = house.microsoft.redemptions
    problem = house.refresh()
    assert problem is not None
    assert (problem.code, problem.actor) == ("client_misconfigured", "operator")
    assert "consented to another client id" in problem.detail
    assert "Put the old client id back" in problem.remedy
    assert house.microsoft.redemptions == before
    assert house.one().status is Status.ACTIVE


def test_a_vault_of_another_consent_is_not_used(house: House) -> None:
    incarnation = house.one().incarnation
    house.tables.vault[incarnation] = replace(house.kept(), epoch=7)
    before = house.microsoft.redemptions
    assert code(house.refresh()) == "internal_error"
    assert house.microsoft.redemptions == before
    assert house.one().lease_owner is None


def test_the_lease_is_longer_than_the_work(house: House) -> None:
    """Lesson 1: a lock shorter than the work."""
    seen: list[int] = []

    def look(_: object) -> None:
        until = house.one().lease_until
        assert until is not None
        seen.append(until - house.clock.instant())

    house.microsoft.meanwhile = look
    house.refresh()
    assert seen == [policy.LEASE]
    assert policy.LEASE > 20


def test_credential_trouble_is_one_incident(house: House) -> None:
    """Lesson 3: an expired client secret is one incident, not N dead connections."""
    for number in range(10):
        house.connected(connection=f"other-{number}")
    house.microsoft.secrets = set()
    before = house.microsoft.redemptions
    for connection in list(house.tables.connections.values()):
        order = RefreshRequest(connection.name, connection.incarnation, "schedule")
        assert code(house.refresh_step.run(order)) == "client_misconfigured"
    assert house.microsoft.redemptions == before + 1
    assert house.kinds().count("Client Credential Failing") == 1
    assert {one.status for one in house.tables.connections.values()} == {Status.ACTIVE}
    assert not any(one.suspicion for one in house.tables.connections.values())


# Imports


def adopt(house: House, token: Secret) -> dict[str, Any]:
    return house.connections_step.adopt(NAME, token).answer


def test_import_of_a_grant() -> None:
    house = House()
    house.create()
    adopt(house, house.microsoft.grant(OWNER, (ADS,)))
    one = house.one()
    assert (one.status, one.epoch, one.account) == (Status.ACTIVE, 1, OWNER)
    assert (one.client_id, one.authority) == (CLIENT_ID, f"{PLATFORM}/common")
    assert one.lease_owner is None
    assert house.tables.candidates == {}
    assert house.fetch()["expires_in"] == 3600
    assert "canary" not in house.shown()


def test_import_keeps_the_token_that_was_given_if_there_is_no_new_one() -> None:
    house = House()
    house.create()
    house.microsoft.rotates = False
    given = house.microsoft.grant(OWNER, (ADS,))
    adopt(house, given)
    assert opened(house) == given.open()


@pytest.mark.parametrize(
    ("account", "scopes", "expected"),
    [
        (OTHER, (ADS,), "account_mismatch"),
        (OWNER, (GRAPH,), "refresh_token_refused"),
        (OWNER, ("https://ads.microsoft.com/ads.manage",), "refresh_token_refused"),
    ],
)
def test_import_of_what_does_not_fit_changes_nothing(
    house: House, account: Any, scopes: tuple[str, ...], expected: str
) -> None:
    before, kept = house.one(), house.kept()
    with pytest.raises(Problem) as caught:
        adopt(house, house.microsoft.grant(account, scopes))
    assert caught.value.code == expected
    assert (house.one(), house.kept()) == (before, kept)
    assert house.tables.candidates == {}


def test_import_of_a_revoked_token(house: House) -> None:
    before = house.one()
    given = house.microsoft.grant(OWNER, (ADS,))
    house.microsoft.grants[given.open()].alive = False
    with pytest.raises(Problem) as caught:
        adopt(house, given)
    assert (caught.value.status, caught.value.code) == (422, "refresh_token_refused")
    assert house.one() == before


def test_import_while_microsoft_is_down(house: House) -> None:
    house.microsoft.always = DOWN
    before = house.one()
    with pytest.raises(Problem) as caught:
        adopt(house, house.microsoft.grant(OWNER, (ADS,)))
    assert caught.value.code == "provider_unavailable"
    assert house.one() == before


def test_import_heals_a_dead_connection(house: House) -> None:
    house.microsoft.revoke()
    for _ in range(2):
        house.refresh()
        house.pause(120)
    adopt(house, house.microsoft.grant(OWNER, (ADS, GRAPH)))
    assert house.one().status is Status.ACTIVE
    assert house.kinds()[-2:] == ["Connection Authorized", "Connection Recovered"]


def test_an_import_order_without_a_token(house: House) -> None:
    assert code(house.refresh("import")) == "conflict"
    assert house.one().lease_owner is None


def test_import_ends_with_its_time(house: House) -> None:
    sealed = house.kept().sealed
    house.candidates.put(house.one().incarnation, sealed, Instant(house.clock.instant() + 300))
    house.pause(300)
    assert code(house.refresh("import")) == "conflict"


def test_success_that_could_not_be_settled_tells_nothing(house: House) -> None:
    """A holder whose lease was taken over has no say about the connection."""
    house.microsoft.faults = [BARE]
    house.refresh()
    house.pause(120)
    house.microsoft.meanwhile = lambda _: house.change(lease_owner="another")
    house.refresh()
    assert house.kinds()[-1] == "Connection At Risk"


def test_failure_record_counts(house: House) -> None:
    house.microsoft.always = DOWN
    for attempts in (1, 2, 3):
        house.pause(4000)
        house.refresh()
        found = house.one().last_error
        assert isinstance(found, Failure)
        assert found.attempts == attempts


def test_nothing_secret_is_shown(house: House) -> None:
    house.microsoft.faults = [BARE, REVOKED, DOWN]
    for _ in range(6):
        house.refresh("caller", resource=None)
        house.pause(120)
    problem = house.refresh("caller", resource=GRAPH_RESOURCE)
    assert "canary" not in house.shown()
    assert "canary" not in repr(problem and problem.as_dict())
