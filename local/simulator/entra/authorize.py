"""The first leg: what an authorize or admin-consent URL must hold, before anyone sees a page.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
"""

from __future__ import annotations

import re

from werkzeug.datastructures import MultiDict

from ..world import World
from .answers import Answer, Page, refuse
from .errors import Refusal
from .scopes import Asked
from .store import Visit

MAX_VISITS = 10_000
"""Visits kept; the oldest go first, so that abandoned ones cannot fill the memory."""

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of a SHA-256, RFC 7636 §4.2
_PROMPTS = ("login", "none", "consent", "select_account")
_MODES = ("query", "fragment", "form_post")

Args = MultiDict[str, str]


def begin(
    world: World,
    segment: str,
    args: Args,
    kind: str,
    correlation: str | None,
    trouble: Refusal | None = None,
) -> Answer:
    """Check the URL and show the account page, or say what is wrong with it.

    `trouble`: a fault's refusal, which takes the place of the account page.
    """
    try:
        visit = _visit(world, segment, args, kind, correlation)
    except Refusal as refusal:
        return refuse(world, refusal)  # no trusted way back to the application yet
    try:
        (_check_admin if kind == "adminconsent" else _check)(world, visit, args)
        if trouble:
            raise trouble
    except Refusal as refusal:
        return refuse(world, refusal, visit)
    while len(world.store.visits) >= MAX_VISITS:
        del world.store.visits[next(iter(world.store.visits))]
    world.store.visits[visit.id] = visit
    return accounts(world, visit)


def accounts(world: World, visit: Visit) -> Page:
    """The page "Pick an account", a hinted one first."""
    personal_only = visit.segment.lower() == "consumers"
    users = [u for u in world.directory.users.values() if u.tenant.personal or not personal_only]
    hint = (visit.login_hint or "").lower()
    users.sort(key=lambda user: user.username != hint)
    return Page("account", visit, context={"users": users, "hint": hint})


def _visit(world: World, segment: str, args: Args, kind: str, correlation: str | None) -> Visit:
    repeated = next((name for name in args if len(args.getlist(name)) > 1), None)
    if repeated:
        raise Refusal(9000411, text=f"The parameter '{repeated[:40]}' is duplicated.", page=True)
    world.segment(segment)
    if not args.get("client_id"):
        raise Refusal(900144, text="The request lacks the parameter 'client_id'.")
    client = world.client(args["client_id"], segment)
    redirect_uri = args.get("redirect_uri")
    if not redirect_uri:
        raise Refusal(900971)
    if redirect_uri not in client.redirect_uris:
        raise Refusal(50011)
    return Visit(
        kind=kind,
        segment=segment,
        client=client,
        redirect_uri=redirect_uri,
        asked=Asked((), ()),
        correlation_id=world.trace(correlation).correlation_id,
        state=args.get("state"),
        prompt=args.get("prompt"),
        login_hint=args.get("login_hint"),
        nonce=args.get("nonce"),
        client_info=args.get("client_info") == "1",
    )


def _check(world: World, visit: Visit, args: Args) -> None:
    mode = args.get("response_mode", "query")
    if mode not in _MODES:
        raise Refusal(70007)
    visit.response_mode = mode
    kinds = set(args.get("response_type", "").split())
    if not kinds:
        raise Refusal(900144, text="The request lacks the parameter 'response_type'.", page=False)
    if kinds != {"code"}:
        raise Refusal(700054 if "id_token" in kinds else 70005)
    visit.asked = _scope(world, args)
    visit.challenge = _challenge(args)
    if visit.prompt is not None and visit.prompt not in _PROMPTS:
        raise Refusal(90023, text="The value of 'prompt' is not supported.")
    if visit.prompt == "select_account" and visit.login_hint:
        raise Refusal(90023, text="'login_hint' and 'prompt=select_account' cannot be combined.")
    if visit.prompt == "none":
        raise Refusal(50058)


def _check_admin(world: World, visit: Visit, args: Args) -> None:
    if visit.segment.lower() in ("common", "consumers"):
        raise Refusal(90130)
    visit.asked = _scope(world, args)


def _scope(world: World, args: Args) -> Asked:
    if not args.get("scope", "").strip():
        raise Refusal(900144, text="The request lacks the parameter 'scope'.", page=False)
    return world.parse(args["scope"])


def _challenge(args: Args) -> str | None:
    challenge = args.get("code_challenge")
    if challenge is None:
        if "code_challenge_method" in args:
            raise Refusal(501491)
        return None
    if args.get("code_challenge_method") != "S256":  # Microsoft takes plain; RFC 9700 does not
        raise Refusal(90023, text="The code challenge method must be S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise Refusal(501491)
    return challenge
