"""What the control API does to app registrations and their credentials. Call under the lock.

A client's lists, given whole, count at once; a credential added or removed by itself spreads as the
setting `spreading_seconds` says. Rules of what Entra takes:
https://learn.microsoft.com/graph/api/application-post-federatedidentitycredentials
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from cryptography.hazmat.primitives import hashes

from ..world import World
from .directory import Client
from .operations import patch
from .registered import ClientCertificate, ClientSecret, Credential, FederatedCredential

Body = dict[str, Any]

MOST_FEDERATED = 20
MOST_SECRETS = 2
"""Of a registration that admits personal accounts."""

_LENGTH = 600
_NAME_LENGTHS = range(3, 121)


def show_client(client: Client) -> Body:
    """A client without its secrets' values."""
    return {
        "client_id": client.client_id,
        "name": client.name,
        "audience": client.audience,
        "redirect_uris": client.redirect_uris,
        "public": client.public,
        **{kind: show_credentials(client, kind) for kind in _KINDS},
    }


def show_credentials(client: Client, kind: str) -> list[Body]:
    """Those registered: what is on its way out is gone here already."""
    return [_show(entry) for entry in _list(client, kind) if entry.removed_at is None]


def put_client(world: World, body: Body) -> Body:
    """Register a client or change one; lists given are replaced, at once.

    `secrets`: ``[{value, expires_in?}]`` with seconds from now (negative: expired);
    `certificates`: PEM; `federated`: ``[{name, issuer, subject, audiences}]``.
    """
    client_id = str(body["client_id"]).lower()
    client = world.directory.clients.get(client_id) or Client(client_id)
    fields = {k: v for k, v in body.items() if k != "client_id" and k not in _KINDS}
    patch(client, fields, ("name", "audience", "redirect_uris", "public"))
    if "secrets" in body:
        client.secrets = [_secret(world, client, entry) for entry in body["secrets"]]
    if "certificates" in body:
        client.certificates = [
            _certificate(world, client, {"pem": p}) for p in body["certificates"]
        ]
    if "federated" in body:
        client.federated = []
        for entry in body["federated"]:
            client.federated.append(_federated(world, client, entry))
    world.directory.clients[client_id] = client
    return show_client(client)


def delete_client(world: World, name: str, _body: Body) -> Body:
    """Remove the registration: from now on 700016."""
    return show_client(world.directory.clients.pop(name.lower()))


def list_credentials(world: World, name: str, kind: str) -> list[Body]:
    """A client's `secrets`, `certificates` or `federated` credentials."""
    return show_credentials(_client(world, name), kind)


def add_credential(world: World, name: str, kind: str, body: Body) -> Body:
    """Add one credential, which then spreads."""
    client = _client(world, name)
    registered = _list(client, kind)
    if kind == "secrets" and "Personal" in client.audience and _current(registered) >= MOST_SECRETS:
        raise ValueError(f"a registration for personal accounts has at most {MOST_SECRETS} secrets")
    credential = _KINDS[kind](world, client, body)
    credential.added_at = world.clock.now()
    registered.append(credential)
    return _show(credential)


def remove_credential(world: World, name: str, kind: str, key: str) -> Body:
    """Remove one by id, thumbprint or name; it counts on until that has spread."""
    client = _client(world, name)
    for credential in _list(client, kind):
        if credential.removed_at is None and key in _keys(credential):
            credential.removed_at = world.clock.now()
            return _show(credential)
    raise ValueError(f"no such credential: {kind} {key}")


def _secret(world: World, _client: Client, entry: Body) -> ClientSecret:
    lifetime = entry.get("expires_in")
    end = None if lifetime is None else world.clock.now() + float(lifetime)
    return ClientSecret(value=str(entry["value"]), expires_at=end)


def _certificate(_world: World, _client: Client, entry: Body) -> ClientCertificate:
    certificate = ClientCertificate(pem=str(entry["pem"]))
    certificate.key  # noqa: B018 (raises unless it is one RSA certificate)
    return certificate


def _federated(_world: World, client: Client, entry: Body) -> FederatedCredential:
    """As Microsoft Graph takes it: one audience, no wildcards, issuer and subject not twice."""
    (audience,) = entry["audiences"]
    record = FederatedCredential(
        name=str(entry["name"]),
        issuer=str(entry["issuer"]),
        subject=str(entry["subject"]),
        audience=str(audience),
        description=str(entry.get("description", "")),
    )
    current = [r for r in client.federated if r.removed_at is None]
    values = (record.issuer, record.subject, record.audience)
    wrong = {
        "name has 3 to 120 characters": len(record.name) not in _NAME_LENGTHS,
        "name is there already": any(r.name == record.name for r in current),
        "a value is empty or longer than 600": not all(0 < len(v) <= _LENGTH for v in values),
        "a value has white space around it": any(v != v.strip() for v in values),
        "wildcards are not taken": any("*" in v for v in values),
        "issuer and subject are there already": any(
            (r.issuer, r.subject) == (record.issuer, record.subject) for r in current
        ),
        "20 federated credentials are the most": len(current) >= MOST_FEDERATED,
    }
    for reason, true in wrong.items():
        if true:
            raise ValueError(reason)
    return record


_KINDS: Mapping[str, Callable[[World, Client, Body], Credential]] = {
    "secrets": _secret,
    "certificates": _certificate,
    "federated": _federated,
}


def _show(credential: Credential) -> Body:
    shown = {"id": credential.id}
    if isinstance(credential, ClientSecret):
        return shown | {"expires_at": credential.expires_at}
    if isinstance(credential, ClientCertificate):
        certificate = credential.certificate
        return shown | {
            "thumbprint": certificate.fingerprint(hashes.SHA1()).hex().upper(),
            "x5t#S256": credential.thumbprint(hashes.SHA256()),
            "not_before": certificate.not_valid_before_utc.isoformat(),
            "not_after": certificate.not_valid_after_utc.isoformat(),
        }
    fields = asdict(credential)
    names = ("name", "issuer", "subject", "description")
    return shown | {name: fields[name] for name in names} | {"audiences": [fields["audience"]]}


def _keys(credential: Credential) -> set[str]:
    shown = _show(credential)
    return {str(shown[name]) for name in ("id", "thumbprint", "x5t#S256", "name") if name in shown}


def _list(client: Client, kind: str) -> list[Any]:
    if kind not in _KINDS:
        raise ValueError(f"a kind of credential is one of {', '.join(_KINDS)}")
    credentials: list[Any] = getattr(client, kind)
    return credentials


def _current(credentials: list[Any]) -> int:
    return sum(entry.removed_at is None for entry in credentials)


def _client(world: World, name: str) -> Client:
    client = world.directory.clients.get(name.lower())
    if client is None:
        raise ValueError(f"no such client: {name}")
    return client
