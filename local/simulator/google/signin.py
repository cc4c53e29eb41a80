"""The steps of a person on Google's pages: choose an account, consent, and back.

Each is one form post. A refusal for the application goes back by redirect; everything else stays
on Google's page.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..entra.store import digest
from ..world import World
from .accounts import POLICIES, Account
from .errors import GoogleRefusal
from .scopes import answered
from .state import Code, Google, Grant, Visit


@dataclass(frozen=True, slots=True)
class Page:
    """A page: the template's name, and what it shows."""

    name: str
    visit: Visit
    context: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Back to the application."""

    url: str


Step = Page | Redirect


def choose(world: World, visit: Visit) -> Step:
    """The account chooser; without pages (`prompt=none`) nobody is signed in here."""
    if "none" in visit.prompts:
        return leave(world.google, visit, {"error": world.google.settings.prompt_none_error})
    hint = (visit.login_hint or "").lower()
    accounts = sorted(
        world.google.directory.accounts.values(), key=lambda a: hint not in (a.email, a.sub)
    )
    return Page("google_account", visit, {"accounts": accounts, "hint": hint})


def sign_in(world: World, visit: Visit, email: str) -> Step:
    """As an account. Raises GoogleRefusal for what keeps it out."""
    google = world.google
    account = google.directory.account(email)
    if account is None or not account.enabled:
        raise GoogleRefusal("invalid_request", text="Couldn't find your Google Account.")
    visit.account = account
    _admitted(google, visit, account)
    asked = set(visit.scopes)
    if "consent" not in visit.prompts and asked <= google.consented(visit.client, account):
        return _code(world, visit, account)
    return Page("google_consent", visit, {"account": account})


def consent(world: World, visit: Visit, action: str) -> Step:
    """`accept` or `cancel`."""
    account = visit.account
    if account is None or action not in ("accept", "cancel"):
        raise GoogleRefusal("invalid_request")
    if action == "cancel":
        return leave(world.google, visit, {"error": "access_denied"})
    return _code(world, visit, account)


def leave(google: Google, visit: Visit, params: dict[str, str]) -> Redirect:
    """End the visit. `iss` as RFC 9207 says, on errors too."""
    google.visits.pop(visit.id, None)
    issuer = {"url": google.base_url, "bare": google.base_url.partition("://")[2]}
    setting = google.settings.redirect_issuer
    if setting is not None:
        params = {**params, "iss": issuer.get(setting, setting)}
    if visit.state is not None:
        params = {"state": visit.state, **params}
    joint = "&" if urlsplit(visit.redirect_uri).query else "?"
    return Redirect(f"{visit.redirect_uri}{joint}{urlencode(params)}")


def _admitted(google: Google, visit: Visit, account: Account) -> None:
    if "sign_in" in account.troubles:
        raise GoogleRefusal(account.troubles["sign_in"])
    domain = google.directory.domain(account)
    if visit.client.internal and visit.client.internal != domain:
        raise GoogleRefusal("org_internal")
    page = POLICIES[google.directory.workspaces[domain]] if domain else None
    if page:
        raise GoogleRefusal(page)


def _code(world: World, visit: Visit, account: Account) -> Redirect:
    """A refresh token comes with it only offline, and the first time or after a consent page."""
    google, client = world.google, visit.client
    first = not google.consented(client, account)
    google.consent(client, account, visit.scopes)
    scopes = visit.scopes
    if visit.include_granted:
        merged = (*scopes, *sorted(google.consented(client, account)))
        scopes = tuple(dict.fromkeys(merged))
    value = "4/0A" + secrets.token_urlsafe(48)
    google.codes[digest(value)] = Code(
        Grant(client, account, scopes, visit.nonce),
        visit,
        world.clock.now(),
        refreshes=visit.offline and (first or "consent" in visit.prompts),
    )
    params = {"code": value, "scope": answered(scopes), "authuser": "0"}
    domain = google.directory.domain(account)
    if domain:
        params["hd"] = domain
    params["prompt"] = " ".join(visit.prompts) or "none"
    return leave(google, visit, params)
