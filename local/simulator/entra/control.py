"""The control API of the directory: users, tenants, app registrations and their credentials.

GET    /users, /tenants, /clients, /approvals
POST   /users     {username, ...}              PATCH /users/{u}   POST /users/{u}/{operation}
PATCH  /tenants/{t} {user_consent, workflow, missing_services, blocked_clients}
POST   /tenants/{t}/{approve|deny|block}  {client_id?}
POST   /clients   {client_id, ...}             DELETE /clients/{id}
GET    /clients/{id}/{secrets|certificates|federated}
POST   /clients/{id}/secrets {value, expires_in?}, /certificates {pem},
       /federated {name, issuer, subject, audiences, description?}
DELETE /clients/{id}/{kind}/{id, thumbprint or name}
POST   /refresh-tokens {user, scope, client_id?}  a grant made elsewhere, to import
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from ..world import World
from . import operations, registrations


def routes(control: Blueprint, world: World) -> None:
    """Add them."""
    _read(control, world)
    _directory(control, world)
    _registrations(control, world)


def _read(control: Blueprint, world: World) -> None:
    views: dict[str, Callable[[], Any]] = {
        "users": lambda: [operations.show_user(u) for u in world.directory.users.values()],
        "tenants": lambda: [asdict(t) for t in world.directory.tenants.values()],
        "clients": lambda: [registrations.show_client(c) for c in world.directory.clients.values()],
        "approvals": lambda: [operations.show_request(r) for r in world.store.requests],
    }
    for name, show in views.items():

        def view(show: Callable[[], Any] = show) -> Response:
            with world.lock:
                return jsonify(show())

        control.add_url_rule(f"/{name}", f"get_{name}", view, methods=["GET"])


def _locked(world: World, operation: Callable[..., Any], *args: str) -> Response:
    with world.lock:
        return jsonify(operation(world, *args, request.get_json() if request.data else {}))


def _directory(control: Blueprint, world: World) -> None:
    @control.post("/users")
    def add_user() -> Response:
        return _locked(world, operations.add_user)

    @control.patch("/users/<name>")
    def patch_user(name: str) -> Response:
        return _locked(world, operations.patch_user, name)

    @control.post("/users/<name>/<operation>")
    def user_operation(name: str, operation: str) -> Response:
        return _locked(world, operations.user_operation, name, operation)

    @control.patch("/tenants/<name>")
    def patch_tenant(name: str) -> Response:
        return _locked(world, operations.patch_tenant, name)

    @control.post("/tenants/<name>/<decision>")
    def decide(name: str, decision: str) -> Response:
        return _locked(world, operations.decide, name, decision)

    @control.post("/refresh-tokens")
    def mint() -> Response:
        return _locked(world, operations.mint)


def _registrations(control: Blueprint, world: World) -> None:
    @control.post("/clients")
    def put_client() -> Response:
        return _locked(world, registrations.put_client)

    @control.delete("/clients/<name>")
    def delete_client(name: str) -> Response:
        return _locked(world, registrations.delete_client, name)

    @control.get("/clients/<name>/<kind>")
    def list_credentials(name: str, kind: str) -> Response:
        with world.lock:
            return jsonify(registrations.list_credentials(world, name, kind))

    @control.post("/clients/<name>/<kind>")
    def add_credential(name: str, kind: str) -> Response:
        return _locked(world, registrations.add_credential, name, kind)

    @control.delete("/clients/<name>/<kind>/<key>")
    def remove_credential(name: str, kind: str, key: str) -> Response:
        with world.lock:
            return jsonify(registrations.remove_credential(world, name, kind, key))
