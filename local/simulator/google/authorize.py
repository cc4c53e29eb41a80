"""`GET /o/oauth2/v2/auth`: what the URL must hold before anyone sees the account chooser.

What is wrong here stays on Google's page; the application never hears of it.
https://developers.google.com/identity/protocols/oauth2/web-server#creatingclient
"""

from __future__ import annotations

import re

from werkzeug.datastructures import MultiDict

from . import scopes
from .accounts import Client
from .errors import GoogleRefusal
from .state import Google, Visit

MAX_VISITS = 10_000

_PROMPTS = ("none", "consent", "select_account")
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")

Args = MultiDict[str, str]


def begin(google: Google, args: Args) -> Visit:
    """Check, and remember the visit. Raises GoogleRefusal; only after `prompt=none` is it for the
    application."""
    repeated = next((name for name in args if len(args.getlist(name)) > 1), None)
    if repeated:
        raise _invalid(f"OAuth 2 parameters can only have a single value: {repeated[:40]}")
    client = _client(google, args)
    if _needed(args, "redirect_uri") not in client.redirect_uris:
        raise GoogleRefusal("redirect_uri_mismatch")
    if _needed(args, "response_type") != "code":
        raise GoogleRefusal("unsupported_response_type")
    prompts = _listed(args, "prompt", _PROMPTS)
    if "none" in prompts and len(prompts) > 1:
        raise _invalid("Invalid parameter value for prompt: none stands alone")
    challenge, method = _challenge(args)
    visit = Visit(
        client=client,
        redirect_uri=args["redirect_uri"],
        scopes=scopes.parse(_needed(args, "scope")),
        offline=_one_of(args, "access_type", ("online", "offline")) == "offline",
        prompts=prompts,
        include_granted=_one_of(args, "include_granted_scopes", ("false", "true")) == "true",
        state=args.get("state"),
        nonce=args.get("nonce"),
        challenge=challenge,
        challenge_method=method,
        login_hint=args.get("login_hint"),
    )
    if args.get("response_mode", "query") != "query":
        raise _invalid("Invalid parameter value for response_mode")
    while len(google.visits) >= MAX_VISITS:
        del google.visits[next(iter(google.visits))]
    google.visits[visit.id] = visit
    return visit


def known_client(google: Google, client_id: str) -> Client:
    """A client that may be used. Raises GoogleRefusal: not found, deleted, disabled."""
    client = google.directory.clients.get(client_id)
    if client is None:
        raise GoogleRefusal("client_not_found")
    if client.state != "ok":
        raise GoogleRefusal(f"{client.state}_client")
    return client


def _client(google: Google, args: Args) -> Client:
    return known_client(google, _needed(args, "client_id"))


def _needed(args: Args, name: str) -> str:
    if not args.get(name):
        raise _invalid(f"Missing required parameter: {name}")
    return args[name]


def _one_of(args: Args, name: str, allowed: tuple[str, ...]) -> str:
    value = args.get(name, allowed[0])
    if value not in allowed:
        raise _invalid(f"Invalid parameter value for {name}: {value[:40]}")
    return value


def _listed(args: Args, name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    values = tuple(args.get(name, "").split())
    if not set(values) <= set(allowed):
        raise _invalid(f"Invalid parameter value for {name}: {' '.join(values)[:40]}")
    return values


def _challenge(args: Args) -> tuple[str | None, str]:
    """The challenge and its method, which is plain where it is not named (RFC 7636 §4.3)."""
    challenge, method = args.get("code_challenge"), args.get("code_challenge_method")
    if challenge is None:
        if method is not None:
            raise _invalid("code_challenge_method without code_challenge")
        return None, "plain"
    if method not in (None, "plain", "S256") or not _CHALLENGE.fullmatch(challenge):
        raise _invalid("Invalid parameter value for code_challenge or its method")
    return challenge, method or "plain"


def _invalid(text: str) -> GoogleRefusal:
    return GoogleRefusal("invalid_request", text=text)
