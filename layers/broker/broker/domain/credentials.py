"""The kinds of client authentication, and the order in which an installation prefers them.

`certificate`: an assertion signed by a key in KMS (RFC 7523 §2.2). `federated`: a token that AWS
issues for the function's role, as an assertion. `secret`: RFC 6749 §2.3.1, in the form body.
"""

from __future__ import annotations

from enum import StrEnum


class CredentialKind(StrEnum):
    """What the broker proves itself with to the identity provider."""

    CERTIFICATE = "certificate"
    FEDERATED = "federated"
    SECRET = "secret"  # noqa: S105 (the name of a kind)


PLACEHOLDER = "REPLACE-ME"
"""What the template puts where a secret or a certificate belongs."""


def preference(text: str) -> tuple[CredentialKind, ...]:
    """The kinds of a list such as `certificate,secret`, the preferred one first. ValueError for a
    kind that is unknown, twice in it, or none."""
    known = ", ".join(CredentialKind)
    words = [word.strip().lower() for word in text.split(",")]
    if words == [""]:
        raise ValueError(f"lists no kind of client authentication; there are {known}")
    unknown = [word for word in words if word not in set(CredentialKind)]
    if unknown:
        raise ValueError(f"lists an unknown kind of client authentication; there are {known}")
    if len(set(words)) < len(words):
        raise ValueError("lists a kind of client authentication twice")
    return tuple(CredentialKind(word) for word in words)
