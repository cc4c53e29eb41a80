"""callback: claims the state once, redeems the code, checks identity and scopes, stores the grant.

The code is redeemed at most once; the grant is stored before anything else is tried; a reload of a
finished callback shows the outcome again, and one that comes too early waits for it. What an
attempt may do is read from the connection, never from the attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from broker.domain import scopes
from broker.domain.attempts import LinkKind, OpenLink, Progress, State, Ticket
from broker.domain.connection import Connection, Failure, Status
from broker.domain.names import Instant, single_tenant
from broker.domain.problems import Problem, Provider
from broker.domain.secret import Secret
from broker.lifecycle.acceptance import Acceptance, Terms
from broker.lifecycle.entitlement import Followup
from broker.lifecycle.events import tell
from broker.ports.ambient import Clock, Telemetry
from broker.ports.errors import Unavailable
from broker.ports.outside import Queue, Refresher, RefreshRequest, Verifier
from broker.ports.stores import Authorizations, Connections
from broker.providers.diagnosis import Diagnosis
from broker.providers.terms import Effect, Endpoint
from broker.providers.token_endpoint import Providers, Refused
from broker.providers.token_response import TokenResponse
from broker.services import catalogue
from broker.web import links
from broker.web.links import LinkProblem, Page
from broker.web.outcomes import Ending

BUDGET = 20.0
"""Seconds for the whole callback: a person waits."""
CODE_TIMEOUT = 10.0
POLL = 0.5
"""Seconds between two looks for an outcome that another load of the same page is working on."""
MAX_CODE = 8192


@dataclass(frozen=True, slots=True)
class Return:
    """A browser that came back with a state and could claim it."""

    state: Secret
    digest: str
    attempt: State
    params: Mapping[str, str] = field(repr=False)
    """Microsoft's answer: holds the code."""
    started: float


@dataclass(frozen=True, slots=True)
class Step:
    """The step and its ports."""

    connections: Connections
    authorizations: Authorizations
    acceptance: Acceptance
    providers: Providers
    refresher: Refresher
    verifier: Verifier
    queue: Queue
    clock: Clock
    sleep: Callable[[float], None]
    telemetry: Telemetry

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
        back = Return(state, digest, attempt, params, started)
        try:
            concluded = self._conclude(back)
        except Unavailable as error:
            self.telemetry.note("callback_failed", service=error.service, code=error.code)
            concluded = Ending("broker_unavailable", connection=attempt.name, actor="nobody")
        ending = replace(concluded, at=now, request_id=request_id)
        self.telemetry.note(
            "callback", connection=attempt.name, code=ending.page, link=attempt.link
        )
        self.telemetry.count("Consents", code=ending.page)
        self._remember(back, ending, now)
        return ending

    def _again(self, digest: str, browser: str, now: Instant) -> Ending:
        """A state that cannot be claimed: a reload, another browser, too late, or a forgery."""
        progress = self.authorizations.progress(digest)
        if progress is None:
            raise LinkProblem("attempt_unknown")
        if progress.claimed_at is None:
            raise LinkProblem("other_browser" if progress.expires_at > now else "attempt_expired")
        if progress.cookie != browser or progress.expires_at <= now:
            raise LinkProblem("attempt_finished")
        return Ending.of(self._awaited(digest, progress))

    def _awaited(self, digest: str, progress: Progress | None) -> Mapping[str, Any]:
        """The outcome, once the load of the page that claimed the state has come to one."""
        while progress and progress.claimed_at:
            if progress.page is not None:
                return progress.page
            if self.clock() >= progress.claimed_at + BUDGET:
                break
            self.sleep(POLL)
            progress = self.authorizations.progress(digest)
        raise LinkProblem("attempt_unknown")

    def _remember(self, back: Return, ending: Ending, now: Instant) -> None:
        """For reloads and for the operator; what fails here does not undo the consent."""
        until = Instant(now + links.ATTEMPT_SECONDS)
        try:
            self.authorizations.conclude(back.digest, ending.as_dict(), until)
            self.authorizations.returned(back.attempt.ticket, now)
        except Unavailable as error:
            self.telemetry.note("remember_failed", service=error.service, code=error.code)

    def _conclude(self, back: Return) -> Ending:
        """The ending of a claimed attempt."""
        attempt = back.attempt
        try:
            connection, link = self._standing(attempt)
        except LinkProblem as problem:
            return Ending(problem.page, connection=attempt.name)
        ending = Ending(
            "connected",
            connection=connection.name,
            service=catalogue.find(connection.service).title,
            tenant=single_tenant(connection.tenant),
            scopes=link.scopes,
        )
        if "error" in back.params:
            leg = Endpoint.ADMIN_CONSENT if attempt.kind is LinkKind.ADMIN else Endpoint.AUTHORIZE
            platform = self.providers.of(connection).platform
            said = platform.diagnose_redirect(leg, back.params)
            return self._diagnosed(back, connection, link, said, ending)
        if attempt.kind is LinkKind.ADMIN:
            return self._admin(connection, back.params, ending)
        return self._owner(back, connection, link, ending)

    def _standing(self, attempt: State) -> tuple[Connection, OpenLink]:
        """The connection and link of an attempt that may still end well. Raises `LinkProblem`.

        Whoever can write attempts cannot make one count: they would have to name the digest of a
        ticket that only the connection's item holds."""
        connection, link = links.still_open(self.connections.get(attempt.name), attempt)
        if links.digest(connection, attempt.kind) != attempt.ticket:
            raise LinkProblem("link_unknown")
        if connection.epoch != attempt.epoch:
            raise LinkProblem("attempt_unknown")  # the link goes on: a refresh token was imported
        return connection, link

    def _owner(
        self, back: Return, connection: Connection, link: OpenLink, ending: Ending
    ) -> Ending:
        """The owner came back; every refusal becomes a page."""
        if "admin_consent" in back.params:
            return replace(ending, page="link_wrong_kind")
        try:
            return self._redeem(back, connection, link, ending)
        except Refused as refused:
            return self._diagnosed(back, connection, link, refused.diagnosis, ending)
        except Problem as problem:
            if problem.code == "conflict":
                return ending.refused(problem, self._overtaken(back.attempt))
            return self._refuse(connection, problem, ending)

    def _overtaken(self, attempt: State) -> Page:
        """What became of the link while the code was redeemed."""
        try:
            self._standing(attempt)
        except LinkProblem as problem:
            return problem.page
        return "attempt_unknown"

    def _diagnosed(
        self,
        back: Return,
        connection: Connection,
        link: OpenLink,
        diagnosis: Diagnosis,
        ending: Ending,
    ) -> Ending:
        """Microsoft said no. Only a connection that nobody has consented to may learn from it that
        it waits for its administrator: in a browser, anyone who holds the link could say so."""
        problem = diagnosis.problem()
        waits = diagnosis.effect is Effect.ADMIN and connection.status is Status.PENDING
        status = Status.AWAITING_ADMIN if waits else None
        if self._record(connection, problem, status) and status:
            tell(self.acceptance.events, "Connection Broken", connection, status, problem)
        shown = ending.diagnosed(diagnosis)
        return replace(shown, handover=shown.approval and self._hand_over(back, connection, link))

    def _hand_over(self, back: Return, connection: Connection, link: OpenLink) -> bool:
        """Make the administrator's link that the page shows; it ends with the owner's."""
        ticket = Ticket(
            kind=LinkKind.ADMIN,
            name=connection.name,
            incarnation=connection.incarnation,
            link=connection.link,
            expires_at=link.expires_at,
            record=links.digest(connection, LinkKind.ADMIN),
        )
        try:
            self.authorizations.put_ticket(links.handed_over(back.state).sha256(), ticket)
        except Unavailable as error:
            self.telemetry.note("handover_failed", service=error.service, code=error.code)
            return False
        return True

    def _refuse(self, connection: Connection, problem: Problem, ending: Ending) -> Ending:
        """The broker said no."""
        self._record(connection, problem)
        return ending.refused(problem)

    def _record(
        self, connection: Connection, problem: Problem, status: Status | None = None
    ) -> bool:
        """Keep why the consent was refused, for the operator. It is no redemption: what callers
        are told, and when Microsoft is asked again, stays as it was."""
        now = Instant(int(self.clock()))
        provider = problem.provider or Provider()
        text = (problem.code, problem.detail, problem.actor, problem.remedy)
        failure = Failure(*text, at=now, retry_at=now, provider=provider)
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
        self, back: Return, connection: Connection, link: OpenLink, ending: Ending
    ) -> Ending:
        """The code becomes a grant."""
        code, attempt = back.params.get("code"), back.attempt
        if not code or len(code) > MAX_CODE:
            return replace(ending, page="invalid_request")
        own = scopes.group(link.scopes)[connection.resource]
        form: dict[str, str | Secret] = {
            "code": Secret(code),
            "code_verifier": attempt.verifier,
            "redirect_uri": attempt.redirect_uri,
        }
        client = self.providers.of(connection)
        authority = client.platform.authority(connection.tenant)
        tokens = client.code(authority, form, own.text, CODE_TIMEOUT)
        if tokens.refresh_token is None:
            problem = Problem("client_misconfigured", "Microsoft gave no refresh token.")
            return replace(self._refuse(connection, problem, ending), page="no_refresh_token")
        terms = Terms(link.scopes, attempt.nonce, attempt.link, link.allow_account_change)
        try:
            account = self.acceptance.accept(connection, tokens, terms)
        except Problem as problem:
            return self._refused(connection, tokens, ending, problem)
        deadline = back.started + BUDGET
        followup = Followup(self.refresher, self.verifier, self.queue, self.clock, self.telemetry)
        checks = followup.run(connection, link.scopes, deadline)
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
