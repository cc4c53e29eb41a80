"""callback: claims the state once, redeems the code, checks identity and scopes, stores the grant.

The code is redeemed at most once; the grant is stored before anything else is tried; a reload of a
finished callback shows the outcome again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from broker.domain import scopes
from broker.domain.attempts import LinkKind, Outcome, State
from broker.domain.connection import Connection, Status
from broker.domain.names import Instant, single_tenant
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.lifecycle import policy
from broker.lifecycle.acceptance import Acceptance, Terms
from broker.lifecycle.entitlement import Followup
from broker.lifecycle.events import tell
from broker.lifecycle.verdict import Refusal
from broker.ports.ambient import Clock, Telemetry
from broker.ports.errors import Unavailable
from broker.ports.outside import Queue, Refresher, RefreshRequest, Verifier
from broker.ports.stores import Authorizations, Connections
from broker.providers.diagnosis import Diagnosis
from broker.providers.entra.diagnosis import diagnose_redirect
from broker.providers.entra.token_endpoint import OAuth, Refused
from broker.providers.terms import Effect, Endpoint
from broker.providers.token_response import TokenResponse
from broker.services import catalogue
from broker.web import links
from broker.web.links import LinkProblem
from broker.web.outcomes import Ending

BUDGET = 20.0
"""Seconds for the whole callback: a person waits."""
CODE_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Step:
    """The step and its ports."""

    connections: Connections
    authorizations: Authorizations
    acceptance: Acceptance
    oauth: OAuth
    refresher: Refresher
    verifier: Verifier
    queue: Queue
    clock: Clock
    telemetry: Telemetry
    platform: str

    def finish(self, params: Mapping[str, str], cookie: Secret | None, request_id: str) -> Ending:
        """How the attempt ended. Raises `LinkProblem` when there is none to end."""
        started = self.clock()
        state = links.value(params.get("state"))
        if state is None:
            raise LinkProblem("attempt_unknown")
        now, digest = Instant(int(started)), state.sha256()
        browser = cookie.sha256() if cookie else ""
        attempt = self.authorizations.claim(digest, browser, now)
        if attempt is None:
            return self._again(digest, browser, now)
        try:
            concluded = self._conclude(attempt, params, started)
        except Unavailable as error:
            self.telemetry.note("callback_failed", service=error.service, code=error.code)
            concluded = Ending("broker_unavailable", connection=attempt.name, actor="nobody")
        ending = replace(concluded, at=now, request_id=request_id)
        self.telemetry.note(
            "callback", connection=attempt.name, code=ending.page, link=attempt.link
        )
        self.telemetry.count("Consents", code=ending.page)
        expires_at = Instant(now + links.ATTEMPT_SECONDS)
        self._remember(digest, attempt, Outcome(browser, ending.as_dict(), expires_at), now)
        return ending

    def _again(self, digest: str, browser: str, now: Instant) -> Ending:
        """A state that cannot be claimed: a reload, another browser, too late, or a forgery."""
        outcome = self.authorizations.outcome(digest)
        if outcome and outcome.cookie == browser and outcome.expires_at > now:
            return Ending.of(outcome.page)
        if outcome:
            raise LinkProblem("attempt_finished")
        ends_at = self.authorizations.state_expiry(digest)
        if ends_at is None:
            raise LinkProblem("attempt_unknown")
        raise LinkProblem("other_browser" if ends_at > now else "attempt_expired")

    def _remember(self, digest: str, attempt: State, outcome: Outcome, now: Instant) -> None:
        """For reloads and for the operator; what fails here does not undo the consent."""
        try:
            self.authorizations.put_outcome(digest, outcome)
            self.authorizations.returned(attempt.ticket, now)
        except Unavailable as error:
            self.telemetry.note("remember_failed", service=error.service, code=error.code)

    def _conclude(self, attempt: State, params: Mapping[str, str], started: float) -> Ending:
        """The ending of a claimed attempt."""
        connection = self.connections.get(attempt.name)
        if connection is None or connection.incarnation != attempt.incarnation:
            return Ending("link_unknown", connection=attempt.name)
        ending = Ending(
            "connected",
            connection=connection.name,
            service=catalogue.find(connection.service).title,
            tenant=single_tenant(connection.tenant),
            scopes=attempt.scopes,
            ticket=attempt.ticket,
        )
        if connection.link != attempt.link or connection.epoch != attempt.epoch:
            return replace(ending, page="link_replaced")
        if "error" in params:
            leg = Endpoint.ADMIN_CONSENT if attempt.kind is LinkKind.ADMIN else Endpoint.AUTHORIZE
            return self._diagnosed(connection, diagnose_redirect(leg, params), ending)
        if attempt.kind is LinkKind.ADMIN:
            return self._admin(connection, params, ending)
        return self._owner(connection, attempt, params, ending, started)

    def _owner(
        self,
        connection: Connection,
        attempt: State,
        params: Mapping[str, str],
        ending: Ending,
        started: float,
    ) -> Ending:
        """The owner came back; every refusal becomes a page."""
        if "admin_consent" in params:
            return replace(ending, page="link_wrong_kind")
        try:
            return self._redeem(connection, attempt, params.get("code"), ending, started)
        except Refused as refused:
            return self._diagnosed(connection, refused.diagnosis, ending)
        except Problem as problem:
            if problem.code == "conflict":
                return ending.refused(problem, "link_replaced")
            return self._refuse(connection, problem, ending)

    def _diagnosed(self, connection: Connection, found: Diagnosis, ending: Ending) -> Ending:
        """Microsoft said no. Only a connection that never was active may learn from it that it
        waits for its administrator: in a browser, anyone who holds the link could say so."""
        problem = found.problem()
        waits = found.effect is Effect.ADMIN and connection.status is Status.PENDING
        status = Status.AWAITING_ADMIN if waits else None
        if self._record(connection, problem, status) and status:
            tell(self.acceptance.events, "Connection Broken", connection, status, problem)
        return ending.diagnosed(found)

    def _refuse(self, connection: Connection, problem: Problem, ending: Ending) -> Ending:
        """The broker said no."""
        self._record(connection, problem)
        return ending.refused(problem)

    def _record(
        self, connection: Connection, problem: Problem, status: Status | None = None
    ) -> bool:
        """Keep why the consent was refused, for the operator; what callers get stays as it was."""
        now, last = Instant(int(self.clock())), connection.last_error
        retry_at = Instant(now + policy.DAY) if status else last.retry_at if last else now
        failure = Refusal(Effect.NONE, problem).failure(None, now, retry_at)
        return self.connections.refused(connection, failure, status)

    def _admin(self, connection: Connection, params: Mapping[str, str], ending: Ending) -> Ending:
        """An administrator came back. It proves nothing (anyone can write the query), so the only
        effect is that an existing grant is tried."""
        if "code" in params or params.get("admin_consent", "").lower() != "true":
            return replace(ending, page="link_wrong_kind")
        if connection.epoch:
            self.queue.send([RefreshRequest(connection.name, connection.incarnation, "admin")])
        return replace(ending, page="admin_consent_received")

    def _redeem(
        self,
        connection: Connection,
        attempt: State,
        code: str | None,
        ending: Ending,
        started: float,
    ) -> Ending:
        """The code becomes a grant."""
        if not code or len(code) > 8192:
            return replace(ending, page="invalid_request")
        own = scopes.group(attempt.scopes)[connection.resource]
        form: dict[str, str | Secret] = {
            "code": Secret(code),
            "code_verifier": attempt.verifier,
            "redirect_uri": attempt.redirect_uri,
        }
        authority = f"{self.platform}/{connection.tenant}"
        tokens = self.oauth.code(authority, form, own.text, CODE_TIMEOUT)
        if tokens.refresh_token is None:
            problem = Problem("client_misconfigured", "Microsoft gave no refresh token.")
            return replace(self._refuse(connection, problem, ending), page="no_refresh_token")
        terms = Terms(attempt.scopes, attempt.nonce, attempt.link, attempt.allow_account_change)
        try:
            account = self.acceptance.accept(connection, tokens, terms)
        except Problem as problem:
            return self._refused(connection, tokens, ending, problem)
        deadline = started + BUDGET
        followup = Followup(self.refresher, self.verifier, self.queue, self.clock, self.telemetry)
        checks = followup.run(connection, attempt.scopes, deadline)
        return replace(ending, account=account.username, checks=checks)

    def _refused(
        self, connection: Connection, tokens: TokenResponse, ending: Ending, problem: Problem
    ) -> Ending:
        """The details a refusal's page shows."""
        if problem.code == "conflict":
            raise problem
        shown = self._refuse(connection, problem, ending)
        if problem.code == "account_mismatch":
            expected = connection.account or connection.expected
            return replace(shown, expected=expected.username or "")
        if problem.code == "scope_not_granted":
            answered = scopes.answered(tokens.scope, connection.resource)
            required = catalogue.required(connection.service, connection.resource)
            return replace(shown, missing=scopes.missing(answered, required))
        return shown

    def handover(self, ending: Ending, base_url: str) -> str | None:
        """A link for the administrator, on a page that asks for one."""
        if not ending.approval or not ending.ticket:
            return None
        try:
            return self._handover(ending.ticket, base_url)
        except Unavailable as error:
            self.telemetry.note("handover_failed", service=error.service, code=error.code)
            return None

    def _handover(self, digest: str, base_url: str) -> str | None:
        """Fresh each time, because tickets are stored as digests only; it ends with the owner's."""
        found = self.authorizations.ticket(digest)
        connection = self.connections.get(found.name) if found else None
        if found is None or connection is None or found.expires_at <= self.clock():
            return None
        if (connection.incarnation, connection.link) != (found.incarnation, found.link):
            return None
        secret = self.acceptance.randomness.secret()
        ticket = links.for_admin(found, record=connection.tickets[1])
        self.authorizations.put_ticket(secret.sha256(), ticket)
        return links.url(base_url, LinkKind.ADMIN, secret)
