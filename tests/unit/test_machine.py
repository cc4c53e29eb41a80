"""The broker against everything that can happen, in any order, found by Hypothesis.

Time passes, callers come, the schedule runs, owners consent anew, operators delete, recreate,
suspend and import; Microsoft refuses, throttles, fails, revokes; the client secret is wrong;
processes die and AWS fails at any moment; and while a redemption is at Microsoft, others act.

    HYPOTHESIS_PROFILE=long pytest tests/unit/test_machine.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from broker.domain.connection import Connection, Status
from broker.domain.grants import Caller
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.lifecycle import policy
from broker.ports.credentials import ClientSecretPost
from broker.ports.errors import Unavailable
from broker.sealing.envelope import encryption_context, unseal
from broker.web import bodies
from local.memory.outside import Answer, Form
from tests.fakes.microsoft import CLIENT_SECRET, OTHER, OWNER, refusal
from tests.fakes.moments import Killed
from tests.unit.house import ADS, GRAPH, MAIL, NAME, STACK, STRANGER, TEAM, House
from tests.unit.test_crashes import failed, killed

SCOPES = {None: "https://ads.microsoft.com", GRAPH: "https://graph.microsoft.com"}
BARE = refusal("invalid_grant", 70000)
ANSWERS: dict[str, Answer | None] = {
    "as usual": None,
    "down": refusal("temporarily_unavailable", status=503),
    "throttled": refusal("x", status=429, headers={"retry-after": "120"}),
    "secret expired": refusal("invalid_client", 7000222, status=401),
    "unintelligible": refusal("who_knows"),
    "blocked": refusal("invalid_grant", 53003),
    "disabled": refusal("invalid_grant", 50057),
}
GRANT_REFUSALS = ("blocked", "disabled")


class Machine(RuleBasedStateMachine):
    """One connection and the world around it."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House().connected(scopes=[ADS, GRAPH])
        self.house.microsoft.meanwhile = self.at_microsoft
        self.flying: set[str] = set()
        self.nested: Callable[[], object] | None = None
        self.refusals = 0
        """Answers that may make the broker believe that the grant is dead."""
        self.secrets = 1
        self.refused: list[Problem] = []
        self.seen = self.there()

    # While a redemption is at Microsoft

    def at_microsoft(self, form: Form) -> None:
        token = form.get("refresh_token")
        value = token.open() if isinstance(token, Secret) else ""
        assert value not in self.flying, "two redemptions of one grant at once"
        nested, self.nested = self.nested, None
        with_token = {value} - {""}
        self.flying |= with_token
        try:
            if nested:
                self.attempt(nested)
        finally:
            self.flying -= with_token

    def attempt(self, work: Callable[[], object]) -> None:
        """Whatever happens, it is one of the contract's problems, and shows no secret."""
        try:
            work()
        except Problem as problem:
            self.refused.append(problem)
        except (Killed, Unavailable):
            pass

    # What callers, operators, owners and the schedule do

    @rule(scope=st.sampled_from([None, GRAPH]), force=st.sampled_from(["0", "2700"]))
    def fetch(self, scope: str | None, force: str) -> None:
        self.attempt(lambda: self.fetched(TEAM, scope, force))

    @rule()
    def fetch_without_a_grant(self) -> None:
        self.attempt(lambda: self.fetched(STRANGER, None, "0"))

    @rule()
    def fetch_what_nobody_consented_to(self) -> None:
        def work() -> None:
            answer = self.house.fetch(scope=MAIL)
            raise AssertionError(answer)

        self.attempt(work)

    def fetched(self, who: Caller, scope: str | None, force: str) -> None:
        more: dict[str, Any] = {} if scope is None else {"scope": scope}
        answer = self.house.fetch(who=who, min_ttl=force, **more)
        one, now = self.house.one(), self.house.clock.now
        issued = self.house.microsoft.issued[answer["access_token"]]
        assert any(grant.admits(who) for grant in one.grants), "no grant, no token"
        assert not one.suspended
        assert issued.expires_at > now, "never an expired one"
        assert 0 < answer["expires_in"] <= issued.expires_at - int(now)
        assert issued.resource == SCOPES[scope]
        assert issued.account == one.account
        opened = self.opened(one, issued.resource)
        assert answer["access_token"] == opened, "of this creation and consent"

    def opened(self, one: Connection, resource: str) -> str:
        sealed = one.tokens[resource].sealed
        where = encryption_context(
            STACK, one.incarnation, "access_token", sealed.generation, one.epoch, resource
        )
        return unseal(self.house.real_token_keys, where, sealed.data).open()

    @rule(seconds=st.sampled_from([1, 20, 35, 60, 300, 1200, 3600, 7200, 43_200, 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.house.pause(seconds)

    @rule()
    def schedule(self) -> None:
        self.attempt(self.house.rotate)

    @rule()
    def refresh_now(self) -> None:
        self.attempt(lambda: self.house.connections_step.refresh(NAME))

    @rule(other=st.booleans())
    def consent(self, other: bool) -> None:
        self.attempt(lambda: self.consented(other))

    def consented(self, other: bool) -> None:
        url = self.house.renew(scopes=[ADS, GRAPH], allow_account_change=other)["authorize_url"]
        self.house.consent(url, OTHER if other else OWNER)

    @rule()
    def take_in(self) -> None:
        given = self.house.microsoft.grant(OWNER, (ADS, GRAPH))
        self.attempt(lambda: self.house.connections_step.adopt(NAME, given))

    @rule()
    def recreate(self) -> None:
        self.attempt(self.recreated)

    def recreated(self) -> None:
        self.house.connections_step.delete(NAME)
        self.house.create(scopes=[ADS, GRAPH])

    @rule(suspended=st.booleans(), granted=st.booleans())
    def change(self, suspended: bool, granted: bool) -> None:
        grants = [{"principal": TEAM.account}] if granted else []
        wish = bodies.change({"suspended": suspended, "grants": grants})
        self.attempt(lambda: self.house.connections_step.change(NAME, wish))

    # What the world does

    @rule(answer=st.sampled_from(sorted(ANSWERS)))
    def microsoft_answers(self, answer: str) -> None:
        self.house.microsoft.always = ANSWERS[answer]
        self.refusals += 2 * (answer in GRANT_REFUSALS)

    @rule(count=st.integers(1, 2))
    def bare_refusals(self, count: int) -> None:
        self.house.microsoft.faults += [BARE] * count
        self.refusals += count

    @rule(account=st.sampled_from([OWNER, OTHER]))
    def revoke(self, account: Any) -> None:
        self.house.microsoft.revoke(account)
        self.refusals += 2

    @rule(rotates=st.booleans(), expires_in=st.sampled_from([300, 3600, 90_000]))
    def microsoft_changes(self, rotates: bool, expires_in: int) -> None:
        self.house.microsoft.rotates = rotates
        self.house.microsoft.expires_in = expires_in

    @rule(right=st.booleans())
    def client_secret(self, right: bool) -> None:
        self.secrets += 1
        text = CLIENT_SECRET if right else "canary-wrong"
        self.house.credentials.now = ClientSecretPost(Secret(text), f"v{self.secrets}")

    @rule(after=st.integers(0, 40), fault=st.sampled_from([killed, failed]))
    def something_fails_soon(self, after: int, fault: Any) -> None:
        moments = self.house.moments
        moments.fail_at, moments.fault = len(moments.passed) + after, fault

    @rule()
    def new_environments(self) -> None:
        self.house.build()

    @precondition(lambda self: self.nested is None)
    @rule(data=st.data())
    def meanwhile(self, data: st.DataObject) -> None:
        """The next redemption takes its time, and others act."""
        work = data.draw(
            st.sampled_from(
                [
                    lambda: self.fetched(TEAM, None, "0"),
                    lambda: self.fetched(TEAM, GRAPH, "0"),
                    lambda: self.consented(False),
                    lambda: self.consented(True),
                    self.recreated,
                    self.house.rotate,
                    lambda: self.house.pause(7),
                ]
            )
        )
        self.nested = work

    # What always holds

    def there(self) -> Connection | None:
        return self.house.tables.connections.get(NAME)

    @invariant()
    def refusals_are_those_of_the_contract(self) -> None:
        for problem in self.refused:
            assert problem.code != "internal_error"
            assert "canary" not in repr(problem.as_dict())
        self.refused.clear()

    @invariant()
    def states_move_by_the_table(self) -> None:
        before, now = self.seen, self.there()
        self.seen = now
        if not (before and now) or before.incarnation != now.incarnation:
            return
        dead = Status.REAUTHORIZATION_REQUIRED
        if before.status is dead and now.status is not dead:
            assert now.epoch > before.epoch, "only a link or an import heals it"
        if now.status is Status.PENDING:
            assert before.status is Status.PENDING
        if now.status not in (Status.PENDING, Status.ACTIVE):
            assert self.refusals >= 2, "confirmed"

    @invariant()
    def a_grant_is_never_lost(self) -> None:
        one = self.there()
        if one is None or one.epoch == 0:
            assert one is None or one.incarnation not in self.house.tables.vault
            return
        kept = self.house.kept()
        assert kept.epoch == one.epoch
        where = encryption_context(
            STACK, kept.incarnation, "refresh_token", kept.sealed.generation, kept.epoch
        )
        token = unseal(self.house.real_vault_keys, where, kept.sealed.data).open()
        assert self.house.microsoft.grants[token].account == one.account

    def teardown(self) -> None:
        """Afterwards, with a world in order, every living grant works again by itself."""
        house, one = self.house, self.there()
        self.nested = None
        house.moments.fail_at = None
        assert "canary" not in house.shown()
        if one is None or one.epoch == 0 or one.status is Status.REAUTHORIZATION_REQUIRED:
            return
        kept = house.kept()
        where = encryption_context(
            STACK, kept.incarnation, "refresh_token", kept.sealed.generation, kept.epoch
        )
        token = unseal(house.real_vault_keys, where, kept.sealed.data).open()
        if not house.microsoft.grants[token].alive:
            return
        house.microsoft.faults.clear()
        house.microsoft.always, house.microsoft.expires_in = None, 3600
        house.credentials.now = ClientSecretPost(Secret(CLIENT_SECRET), "last")
        house.change(suspended=False, grants=bodies.creation(WISHED).grants)
        for _ in range(3):
            house.pause(policy.DAY)
            house.rotate()
        assert house.one().status is Status.ACTIVE
        assert house.fetch()["expires_in"] > 0


WISHED = {
    "connection": NAME,
    "service": "microsoft-advertising",
    "grants": [{"principal": TEAM.account}],
}

TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
