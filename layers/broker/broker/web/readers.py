"""Readers of the fields that operators send. Pure.

A reader gets a value that is not null; it raises `invalid_request` naming the field, and never
shows the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from broker.domain import names
from broker.domain.connection import Expected
from broker.domain.contacts import Contact
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.domain.text import printable
from broker.sealing.envelope import PARAMETERS

MAX_LABELS = 50
MAX_REFRESH_TOKEN = 16_384
LANGUAGES = ("en", "ja")
PEOPLE = ("owner", "tenant_admin")

REFRESH_TOKEN = re.compile(rf"[\x21-\x7e]{{1,{MAX_REFRESH_TOKEN}}}")
PARAMETER = {
    "developer_token": re.compile(r"[\x21-\x7e]{1,256}"),
    "customer_id": re.compile(r"[0-9]{1,20}"),
    "account_id": re.compile(r"[0-9]{1,20}"),
}
_LABEL_NAME = re.compile(r"[\w.:/=+@-]{1,128}")
EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)
"""As HTML's: https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address. Nothing in it
could begin another header."""
SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and halves of characters: JSON can write them, UTF-8 cannot."""


def wrong(path: str, rule: str) -> Problem:
    """The refusal of a field."""
    return Problem("invalid_request", f"{path}: {rule}")


def members(
    data: object, path: str, known: Iterable[str], needed: Iterable[str] = ()
) -> dict[str, Any]:
    """A JSON object with known members only. Unknown names are counted, not echoed."""
    if not isinstance(data, dict):
        raise wrong(path, "must be a JSON object.")
    if extra := data.keys() - set(known):
        raise wrong(path, f"{len(extra)} unknown field(s); known are {', '.join(sorted(known))}.")
    for name in sorted(needed):
        if data.get(name) is None:
            raise wrong(name, "is needed.")
    return data


def people(patch: Mapping[str, Any], before: Mapping[str, Contact]) -> dict[str, Contact]:
    """The contacts after a merge patch (RFC 7396) that `FIELDS` has read."""
    merged: dict[str, Any] = {name: asdict(contact) for name, contact in before.items()}
    for name, change in patch.items():
        merged[name] = None if change is None else (merged.get(name) or {}) | change
    for name, contact in merged.items():
        if contact is not None and contact.get("email") is None:
            raise wrong(f"contacts.{name}.email", "is needed.")
    return {name: Contact(**contact) for name, contact in merged.items() if contact is not None}


def instance(name: str, kind: type, words: str) -> Callable[[Any], Any]:
    """A value of one type, told in words."""

    def read(value: Any) -> Any:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise wrong(name, f"must be {words}.")
        return value

    return read


def enum(name: str, known: Iterable[str]) -> Callable[[Any], str]:
    """One of some words."""
    allowed = tuple(known)

    def read(value: Any) -> str:
        if value not in allowed:
            raise wrong(name, f"must be one of {', '.join(allowed)}.")
        return str(value)

    return read


def line(name: str, most: int) -> Callable[[Any], str]:
    """Words for people: one line, without what is invisible or turns the direction of others."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or printable(value, most) != value:
            raise wrong(name, f"1 to {most} printable characters, on one line.")
        return value

    return read


def identity_provider(value: Any) -> str:
    """With whom the owner signs in."""
    found = enum("identity_provider", ("microsoft", "google"))(value)
    if found == "google":
        raise wrong("identity_provider", "google is not configured.")
    return found


def account(value: Any) -> Expected:
    """The account that is expected."""
    fields = members(value, "account", ("username", "object_id", "tenant_id", "subject"))
    username, subject = fields.get("username"), fields.get("subject")
    if username is not None and not (
        isinstance(username, str)
        and 1 <= len(username) <= 256
        and not _UNPRINTABLE.search(username)
    ):
        raise wrong("account.username", "1 to 256 printable characters.")
    if subject is not None and not (isinstance(subject, str) and SUBJECT.fullmatch(subject)):
        raise wrong("account.subject", "1 to 255 visible ASCII characters.")
    ids = {
        name: names.guid(fields[name], f"account.{name}")
        for name in ("tenant_id", "object_id")
        if fields.get(name) is not None
    }
    return Expected(username=username, subject=subject, **ids)


def labels(value: Any) -> dict[str, str | None]:
    """None: to be removed."""
    if not isinstance(value, dict) or len(value) > MAX_LABELS:
        raise wrong("labels", f"must be an object of at most {MAX_LABELS}.")
    for name, text in value.items():
        if not _LABEL_NAME.fullmatch(name):
            raise wrong("labels", "a name has 1 to 128 of letters and _.:/=+@-.")
        if text is not None and (
            not isinstance(text, str) or len(text) > 256 or _UNPRINTABLE.search(text)
        ):
            raise wrong("labels", "a value has at most 256 printable characters.")
    return value


def parameters(value: Any) -> dict[str, Secret | None]:
    """None: to be removed."""
    found: dict[str, Secret | None] = {}
    for name, text in members(value, "parameters", PARAMETERS).items():
        if isinstance(text, int) and not isinstance(text, bool):
            text = str(text)  # noqa: PLW2901 (ids are numbers in Microsoft's own pages)
        if text is not None and not (isinstance(text, str) and PARAMETER[name].fullmatch(text)):
            raise wrong(f"parameters.{name}", f"must match {PARAMETER[name].pattern}.")
        found[name] = None if text is None else Secret(text)
    return found


def contacts(value: Any) -> dict[str, dict[str, str | None] | None]:
    """A merge patch; None: to be removed."""
    found = members(value, "contacts", PEOPLE)
    for person, contact in found.items():
        if contact is None:
            continue
        path = f"contacts.{person}"
        email, language = (
            members(contact, path, ("email", "language")).get(name)
            for name in ("email", "language")
        )
        if email is not None and not (
            isinstance(email, str) and len(email) <= 254 and EMAIL.fullmatch(email)
        ):
            raise wrong(f"{path}.email", "must be a mail address of ASCII characters.")
        if language is not None:
            enum(f"{path}.language", LANGUAGES)(language)
    return found


def refresh_token(value: Any) -> Secret:
    """A refresh token that is handed in."""
    if not isinstance(value, str) or not REFRESH_TOKEN.fullmatch(value):
        raise wrong("refresh_token", f"1 to {MAX_REFRESH_TOKEN} visible ASCII characters.")
    return Secret(value)
