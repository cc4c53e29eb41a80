"""callback: claims the state once, redeems the code, checks identity and scopes, stores the grant.

The code is redeemed at most once; the grant is stored before anything else is tried; a reload of a
finished callback shows the outcome again, and one that comes too early waits for it. What an
attempt may do is read from the connection, never from the attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from broker.domain import scopes
from broker.domain.attempts import LinkKind, OpenLink, State, Ticket
from broker.domain.connection import Check, Connection, Failure, Findings, Status
from broker.domain.names import Instant
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
from broker.web import links, reloads
from broker.web.links import LinkProblem, Page
from broker.web.outcomes import Ending
from broker.web.returning import Return

BUDGET = 20.0
"""Seconds for the whole callback: a person waits."""
CODE_TIMEOUT = 10.0
MAX_CODE = 8192


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
        if (state := links.value(params.get("state"))) is None:
            raise LinkProblem("attempt_unknown")
        now, digest = Instant(int(started)), state.sha256()
        browser = cookie.sha256() if cookie else ""
        attempt = self.authorizations.claim(digest, browser, now)
        if attempt is None:
            return Ending.of(reloads.outcome(self, digest, browser, BUDGET))
        try:
            concluded = self._conclude(state, attempt, params, started)
        except Unavailable as error:
            self.telemetry.note("callback_failed", service=error.service, code=error.code)
            concluded = Ending("broker_unavailable", connection=attempt.name, actor="nobody")
        ending = replace(concluded, at=now, request_id=request_id)
        told = {"connection": attempt.name, "code": ending.page}
        self.telemetry.note("callback", **told, link=attempt.link)
        self.telemetry.count("Consents", code=ending.page)
        self._remember(digest, attempt, ending, now)
        return ending

    def _remember(self, digest: str, attempt: State, ending: Ending, now: Instant) -> None:
        """For reloads and for the operator; what fails here does not undo the consent."""
        until = Instant(now + links.ATTEMPT_SECONDS)
        try:
            self.authorizations.conclude(digest, ending.as_dict(), until)
            self.authorizations.returned(attempt.ticket, now)
        except Unavailable as error:
            self.telemetry.note("remember_failed", service=error.service, code=error.code)

    def _conclude(
        self, state: Secret, attempt: State, params: Mapping[str, str], started: float
    ) -> Ending:
        """The ending of a claimed attempt."""
        try:
            back = Return(state, attempt, params, started, *self._standing(attempt))
        except LinkProblem as problem:
            return Ending(problem.page, connection=attempt.name)
        is_admin = attempt.kind is LinkKind.ADMIN
        if "error" in params:
            leg = Endpoint.ADMIN_CONSENT if is_admin else Endpoint.AUTHORIZE
            platform = self.providers.of(back.connection).platform
            return self._diagnosed(back, platform.diagnose_redirect(leg, params))
        return self._admin(back) if is_admin else self._owner(back)

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

    def _owner(self, back: Return) -> Ending:
        """The owner came back; every refusal becomes a page."""
        if "admin_consent" in back.params:
            return back.ending("link_wrong_kind")
        try:
            return self._redeem(back)
        except Refused as refused:
            return self._diagnosed(back, refused.diagnosis)
        except Problem as problem:
            if problem.code == "conflict":
                page = self._overtaken(back.attempt)
                return back.ending(page).refused(problem, page)
            return self._refuse(back, problem)

    def _overtaken(self, attempt: State) -> Page:
        """What became of the link while the code was redeemed."""
        try:
            self._standing(attempt)
        except LinkProblem as problem:
            return problem.page
        return "attempt_unknown"

    def _diagnosed(self, back: Return, diagnosis: Diagnosis) -> Ending:
        """Microsoft said no. Only a connection that nobody has consented to may learn from it that
        it waits for its administrator: in a browser, anyone who holds the link could say so."""
        connection, problem = back.connection, diagnosis.problem()
        waits = diagnosis.effect is Effect.ADMIN and connection.status is Status.PENDING
        status = Status.AWAITING_ADMIN if waits else None
        if self._record(connection, problem, status) and status:
            tell(self.acceptance.events, "Connection Broken", connection, status, problem)
        shown = back.ending(problem.code).diagnosed(diagnosis)
        return replace(shown, handover=shown.approval and self._hand_over(back))

    def _hand_over(self, back: Return) -> bool:
        """Make the administrator's link that the page shows; it ends with the owner's."""
        ticket = Ticket(
            kind=LinkKind.ADMIN,
            name=back.connection.name,
            incarnation=back.connection.incarnation,
            link=back.connection.link,
            expires_at=back.link.expires_at,
            record=links.digest(back.connection, LinkKind.ADMIN),
        )
        try:
            self.authorizations.put_ticket(links.handed_over(back.state).sha256(), ticket)
        except Unavailable as error:
            self.telemetry.note("handover_failed", service=error.service, code=error.code)
            return False
        return True

    def _refuse(self, back: Return, problem: Problem) -> Ending:
        """The broker said no."""
        self._record(back.connection, problem)
        return back.ending(problem.code).refused(problem)

    def _record(
        self, connection: Connection, problem: Problem, status: Status | None = None
    ) -> bool:
        """Keep why the consent was refused, for the operator. It is no redemption: what callers
        are told, and when Microsoft is asked again, stays as it was."""
        now = Instant(int(self.clock()))
        text = (problem.code, problem.detail, problem.actor, problem.remedy)
        failure = Failure(*text, now, now, problem.provider or Provider())
        return self.connections.refused(connection, failure, status)

    def _admin(self, back: Return) -> Ending:
        """An administrator came back. It proves nothing (anyone can write the query), so the only
        effect is that an existing grant is tried."""
        connection, params = back.connection, back.params
        if "code" in params or params.get("admin_consent", "").lower() != "true":
            return back.ending("link_wrong_kind")
        if connection.epoch:
            self.queue.send([RefreshRequest(connection.name, connection.incarnation, "admin")])
        return back.ending("admin_consent_received")

    def _redeem(self, back: Return) -> Ending:
        """The code becomes a grant."""
        code, connection, link = back.params.get("code"), back.connection, back.link
        if not code or len(code) > MAX_CODE:
            return back.ending("invalid_request")
        own = scopes.group(link.scopes)[connection.resource]
        form: dict[str, str | Secret] = {
            "code": Secret(code),
            "code_verifier": back.attempt.verifier,
            "redirect_uri": back.attempt.redirect_uri,
        }
        client = self.providers.of(connection)
        authority = client.platform.authority(connection.tenant)
        tokens = client.code(authority, form, own.text, CODE_TIMEOUT)
        if tokens.refresh_token is None:
            problem = Problem("client_misconfigured", "Microsoft gave no refresh token.")
            return replace(self._refuse(back, problem), page="no_refresh_token")
        terms = Terms(link.scopes, back.attempt.nonce, connection.link, link.allow_account_change)
        try:
            account = self.acceptance.accept(connection, tokens, terms)
        except Problem as problem:
            return self._refused(back, tokens, problem)
        followup = Followup(self.refresher, self.verifier, self.queue, self.clock, self.telemetry)
        checks = followup.run(connection, link.scopes, back.started + BUDGET)
        self._keep(connection, checks)
        return replace(back.ending("connected"), account=account.username, checks=checks)

    def _keep(self, connection: Connection, checks: tuple[Check, ...]) -> None:
        """Tell the operator what the page tells the owner: it may be theirs to mend. What fails
        here does not undo the consent."""
        if not checks:
            return
        findings = Findings(Instant(int(self.clock())), checks)
        name, incarnation, epoch = connection.name, connection.incarnation, connection.epoch + 1
        try:
            kept = self.connections.checked(name, incarnation, epoch, findings)
        except Unavailable as error:
            self.telemetry.note("remember_failed", service=error.service, code=error.code)
            kept = True  # nothing says that it is out of date, and somebody must act
        if kept and (failed := findings.failed) and failed.code:
            problem = Problem(
                failed.code, failed.detail, actor=failed.actor, remedy=failed.remedy or None
            )
            tell(
                self.acceptance.events, "Connection Incomplete", connection, Status.ACTIVE, problem
            )

    def _refused(self, back: Return, tokens: TokenResponse, problem: Problem) -> Ending:
        """The details a refusal's page shows."""
        if problem.code == "conflict":
            raise problem
        connection, shown = back.connection, self._refuse(back, problem)
        if problem.code == "account_mismatch":
            expected = connection.account or connection.expected
            return replace(shown, expected=expected.username or "")
        if problem.code == "scope_not_granted":
            required = catalogue.required(connection.service, connection.resource)
            answered = scopes.answered(tokens.scope, connection.resource)
            return replace(shown, missing=scopes.missing(answered, required))
        return shown
