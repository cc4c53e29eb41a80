"""The steps of a person on the pages: account, multi-factor, consent or approval, and back.

Each action is one form post. The stage decides which actions count; the page of a stage shows
exactly those. Redirect forms: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
and, for approvals, https://learn.microsoft.com/entra/identity/enterprise-apps/configure-admin-consent-workflow
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..world import World
from . import consent
from .answers import Answer, Page, leave, refuse
from .authorize import accounts
from .directory import User
from .errors import Refusal
from .store import EVERYONE, Request, Visit

Form = Mapping[str, str]


def act(world: World, visit: Visit, form: Form) -> Answer:
    """One step. An action the stage does not offer is an error page."""
    step = _STEPS.get((visit.stage, form.get("action", "")))
    if step is None:
        refusal = Refusal(90014, text=f"The page '{visit.stage}' offers no such action.", page=True)
        return refuse(world, refusal)
    try:
        return step(world, visit, form)
    except Refusal as refusal:
        return refuse(world, refusal, visit)


def _sign_in(world: World, visit: Visit, form: Form) -> Answer:
    user = world.directory.user(form.get("user", ""))
    if user is None:
        raise Refusal(50034)
    if not world.admits(visit.segment, visit.client, user):
        raise Refusal(50020, page=visit.kind == "authorize")
    visit.user = user
    if not user.enabled:
        raise Refusal(50057)
    if "sign_in" in user.troubles:
        raise Refusal(user.troubles["sign_in"])
    if user.mfa_required:
        visit.stage = "mfa"
        return Page("mfa", visit, number=50079)
    return _signed_in(world, visit)


def _mfa(world: World, visit: Visit, form: Form) -> Answer:
    if form["action"] == "deny":
        raise Refusal(500121)
    visit.mfa = form["action"] == "approve"
    return _signed_in(world, visit)


def _signed_in(world: World, visit: Visit) -> Answer:
    user = _user(visit)
    if not user.assigned:
        raise Refusal(50105)
    if visit.kind == "adminconsent":
        page: Page | None = consent.admin_page(visit, user)
    else:
        page = consent.page(world, visit, user)
    if page is None:
        return consent.code(world, visit, user)
    visit.stage = page.name
    return page


def _another(world: World, visit: Visit, _form: Form) -> Answer:
    visit.stage, visit.user, visit.mfa = "account", None, False
    return accounts(world, visit)


def _accept(world: World, visit: Visit, form: Form) -> Answer:
    user = _user(visit)
    everyone = visit.kind == "adminconsent" or (user.admin and form.get("organization") == "on")
    consent.accept(world, visit, user, EVERYONE if everyone else user.id)
    if visit.kind == "adminconsent":
        scope = " ".join(p.asked for p in visit.asked.permissions)
        params = {"admin_consent": "True", "tenant": user.tenant.id, "scope": scope}
        return leave(world, visit, params)
    return consent.code(world, visit, user)


def _cancel(world: World, visit: Visit, _form: Form) -> Answer:
    if _user(visit).tenant.personal:
        text = "The user has denied access to the scope requested by the client application."
        refusal = Refusal(None, error="access_denied", text=text)
    else:
        error = world.settings.decline_error if visit.kind == "authorize" else "access_denied"
        refusal = Refusal(65004, error=error)
    return refuse(world, refusal, visit, subcode="cancel")


def _request(world: World, visit: Visit, form: Form) -> Answer:
    user = _user(visit)
    permissions, reason = visit.asked.permissions, form.get("reason", "").strip()
    if not reason:
        return Page("approval", visit, number=90095, context={"missing_reason": True})
    world.store.requests.append(
        Request(visit.client.client_id, user.tenant, user, permissions, reason[:500])
    )
    visit.stage = "requested"
    return Page("requested", visit, number=90095)


def _back(world: World, visit: Visit, _form: Form) -> Answer:
    refusal = Refusal(world.settings.approval_number, error="access_denied", page=False)
    return refuse(world, refusal, visit)


def _user(visit: Visit) -> User:
    if visit.user is None:
        raise Refusal(50058, page=True)
    return visit.user


_STEPS: dict[tuple[str, str], Callable[[World, Visit, Form], Answer]] = {
    ("account", "sign_in"): _sign_in,
    ("mfa", "approve"): _mfa,
    ("mfa", "skip"): _mfa,
    ("mfa", "deny"): _mfa,
    ("consent", "accept"): _accept,
    ("consent", "cancel"): _cancel,
    ("admin_consent", "accept"): _accept,
    ("admin_consent", "cancel"): _cancel,
    ("approval", "request"): _request,
    ("approval", "return"): _cancel,
    ("requested", "return"): _back,
    ("need_admin", "return"): _cancel,
    ("need_admin", "another"): _another,
    ("approval", "another"): _another,
}
