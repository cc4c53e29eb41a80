"""Who may fetch a connection's tokens.

A grant names an account (12 digits) or roles of one account
(`arn:<partition>:iam::<account>:role/<path/>name`, `*` inside the name only). API Gateway reports
a role session as `arn:<partition>:sts::<account>:assumed-role/<name>/<session>`: the path is gone
and the session is the caller's to choose, so neither counts.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from broker.domain import scopes
from broker.domain.problems import Problem

MAX_GRANTS = 100

_ACCOUNT = re.compile(r"[0-9]{12}")
_ROLE = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>[0-9]{12}):role/"
    r"(?:[\w+=,.@-]+/)*(?P<name>[\w+=,.@*-]{1,64})",
    re.ASCII,
)
_SESSION = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account>[0-9]{12}):assumed-role/"
    r"(?P<name>[\w+=,.@-]{1,64})/.+",
    re.ASCII,
)
_OTHER = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?:iam|sts)::(?P<account>[0-9]{12}):"
    r"(?:root|user/.+|federated-user/.+)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified AWS principal; `role` is None for users, federated users and root."""

    partition: str
    account: str
    role: str | None

    def __str__(self) -> str:
        kind = f"role/{self.role}" if self.role else "account"
        return f"arn:{self.partition}:iam::{self.account}:{kind}"

    @property
    def principal(self) -> str:
        """The narrowest grant that names the caller."""
        return str(self) if self.role else self.account


def caller(verified_arn: str) -> Caller:
    """The caller from the ARN that API Gateway verified; an unknown form is `access_denied`."""
    if match := _SESSION.fullmatch(verified_arn):
        return Caller(match["partition"], match["account"], match["name"])
    if match := _OTHER.fullmatch(verified_arn):
        return Caller(match["partition"], match["account"], None)
    raise Problem("access_denied", "Your kind of AWS principal cannot be granted tokens.")


@dataclass(frozen=True, slots=True)
class Grant:
    """One principal and, perhaps, the scopes its tokens may hold."""

    principal: str
    scopes: tuple[str, ...] | None = None

    def admits(self, who: Caller) -> bool:
        """Whether this grant names the caller."""
        if _ACCOUNT.fullmatch(self.principal):
            return who.account == self.principal
        match = _ROLE.fullmatch(self.principal)
        if match is None or who.role is None:
            return False
        if (match["partition"], match["account"]) != (who.partition, who.account):
            return False
        return fnmatchcase(who.role, match["name"])  # `?` and `[` cannot occur in it


@dataclass(frozen=True, slots=True)
class Reach:
    """What all grants of one caller allow together; `scopes` None means without limit."""

    scopes: frozenset[str] | None

    def holds(self, wanted: Iterable[str]) -> bool:
        """Whether a token with these scopes may be handed out.

        `/.default` stands for whatever was consented to, so a limit must name it to hold it.
        """
        return self.scopes is None or scopes.covers(self.scopes, wanted)


def reach(grants: Sequence[Grant], who: Caller) -> Reach:
    """The union of the caller's grants; none at all is `access_denied`."""
    mine = [grant for grant in grants if grant.admits(who)]
    if not mine:
        raise Problem("access_denied")
    if any(grant.scopes is None for grant in mine):
        return Reach(None)
    return Reach(frozenset(scope for grant in mine for scope in grant.scopes or ()))


def parse(items: object) -> tuple[Grant, ...]:
    """Grants from a request's JSON, or `invalid_request` naming the field."""
    if not isinstance(items, list) or len(items) > MAX_GRANTS:
        raise Problem("invalid_request", f"grants: must be a list of at most {MAX_GRANTS}.")
    return tuple(_grant(item, f"grants[{index}]") for index, item in enumerate(items))


def _grant(item: object, field: str) -> Grant:
    if not isinstance(item, dict) or not {"principal"} <= item.keys() <= {"principal", "scopes"}:
        raise Problem("invalid_request", f"{field}: must be {{principal, scopes?}}.")
    limit = item.get("scopes")
    if limit is not None and (not isinstance(limit, list) or not limit):
        raise Problem("invalid_request", f"{field}.scopes: must be a list of scopes, or absent.")
    wanted = None if limit is None else scopes.names(limit, f"{field}.scopes")
    if wanted == ():
        raise Problem("invalid_request", f"{field}.scopes: names no scope of an API.")
    return Grant(_principal(item["principal"], f"{field}.principal"), wanted)


def _principal(text: object, field: str) -> str:
    if isinstance(text, str) and (_ACCOUNT.fullmatch(text) or _ROLE.fullmatch(text)):
        name = text.rpartition("/")[2]
        if name.strip("*"):
            return text
    raise Problem(
        "invalid_request",
        f"{field}: must be an account id (12 digits) or arn:aws:iam::<account>:role/<name>; "
        "'*' may stand inside the name, not for the whole of it.",
    )
