"""A connection for each thing that can go wrong at a consent, for a person to click through.

Made by the operator's own client; a link for each is what `make run` prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from botocore.session import Session

from token_broker.errors import TokenBrokerError
from token_broker.operator import Operator
from token_broker.operator.shapes import Links, Wish

PREFIX = "play-"


class Scene(NamedTuple):
    """What a person does at the simulated platform, and what happens then. `username`: whom the
    operator expects; empty for anybody."""

    name: str
    pick: str
    then: str
    username: str = ""


SCENES = (
    Scene("works", "owner@contoso.example", "Accept: connected"),
    Scene("cancel", "other@outlook.example", "Cancel: the owner declined"),
    Scene("personal", "personal@outlook.example", "Accept: a personal account"),
    Scene(
        "other-account",
        "second@contoso.example",
        "Accept: refused, for another account is expected",
        "owner@contoso.example",
    ),
    Scene("approval", "owner@fabrikam.example", "ask for approval, with a button for it"),
    Scene("need-admin", "owner@northwind.example", "an administrator must, and there is no button"),
    Scene("no-service", "owner@adatum.example", "the tenant lacks the service (650052)"),
    Scene("device", "device@contoso.example", "stopped at the sign-in: Conditional Access (53000)"),
    Scene("conditional", "blocked@contoso.example", "Accept, then refused at the refresh (53003)"),
    Scene("mfa", "mfa@contoso.example", "a second factor is asked for"),
    Scene("legacy", "legacy@contoso.example", "Accept: refused, the legacy scope is not enough"),
    Scene(
        "disabled",
        "disabled@contoso.example",
        "stopped at the sign-in: disabled (50057)",
    ),
    Scene("no-ads", "noads@contoso.example", "Accept: it reaches no Advertising account"),
    Scene("google-user", "both@contoso.example", "Accept: signs in to Advertising with Google"),
)


def scenes(document: Mapping[str, Any]) -> Iterator[tuple[Scene, str]]:
    """Each scene and its link. Those of an earlier call end: each has a new one."""
    with operator(document) as client:
        for scene in SCENES:
            yield scene, _links(client, scene)["authorize_url"]


def operator(document: Mapping[str, Any]) -> Operator:
    """The operator of a stack, by its `stack.json`."""
    keys = document["principals"]["operator"]
    session = Session()
    session.set_credentials(keys["access_key_id"], keys["secret_access_key"], keys["session_token"])
    return Operator(document["api_url"], session=session, region=document["region"])


def _links(client: Operator, scene: Scene) -> Links:
    wish: Wish = {
        "connection": PREFIX + scene.name,
        "service": "microsoft-advertising",
        "labels": {"play": scene.name},
    }
    if scene.username:
        wish["account"] = {"username": scene.username}
    try:
        return client.create(wish)
    except TokenBrokerError as error:
        if error.code != "already_exists":
            raise
        return client.reauthorize(wish["connection"])


def told(document: Mapping[str, Any]) -> str:
    """The scenes as lines for people."""
    lines = [f"  as {scene.pick:<26} {scene.then}\n    {link}" for scene, link in scenes(document)]
    return "\n".join(lines)
