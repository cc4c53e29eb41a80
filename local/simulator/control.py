"""The control API under `/_control/`: JSON in, JSON out; no part of Microsoft's surface.

GET    /health, /requests, /counters, /faults, /settings
POST   /reset                                  back to the seed
PATCH  /settings  {expires_in, refresh_in, latency_ms, throttle_threshold, decline_error, ...}
POST   /clock     {offset_seconds}
POST   /faults    {leg, match, times, fault}   DELETE /faults
POST   /consent   {url, user, action}          the pages' steps without a browser

and those of `entra/control.py` and `google/control.py`.

README.md has the table of what to call for which page or failure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from .entra import control as entra
from .entra.headless import consent as entra_consent
from .faults import Fault
from .google import control as google
from .google.headless import consent as google_consent
from .google.routes import AUTHORIZE
from .world import Settings, World

Body = dict[str, Any]


def blueprint(world: World) -> Blueprint:
    """All control routes. A mistake in a call is 400 ``{"error": text}``."""
    routes = Blueprint("control", __name__, url_prefix="/_control")

    @routes.errorhandler(ValueError)
    @routes.errorhandler(TypeError)
    @routes.errorhandler(KeyError)
    def wrong(error: Exception) -> tuple[Response, int]:
        return jsonify({"error": f"{type(error).__name__}: {error}"}), 400

    _read(routes, world)
    _platform(routes, world)
    entra.routes(routes, world)
    google.routes(routes, world)

    @routes.post("/consent")
    def consent() -> Response:  # not under the lock: it drives the pages as a client does
        body = _body()
        at_google = urlsplit(body["url"]).path == AUTHORIZE
        return jsonify((google_consent if at_google else entra_consent)(**body))

    return routes


def _body() -> Body:
    body = request.get_json()
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return body


def _read(routes: Blueprint, world: World) -> None:
    views: dict[str, Callable[[], Any]] = {
        "health": lambda: {"status": "ok", "base_url": world.base_url},
        "requests": lambda: [dict(entry) for entry in world.store.ledger],
        "counters": lambda: dict(world.store.counters),
        "faults": lambda: [asdict(fault) for fault in world.faults],
        "settings": lambda: asdict(world.settings),
    }
    for name, show in views.items():

        def view(show: Callable[[], Any] = show) -> Response:
            with world.lock:
                return jsonify(show())

        routes.add_url_rule(f"/{name}", f"get_{name}", view, methods=["GET"])


def _platform(routes: Blueprint, world: World) -> None:
    @routes.post("/reset")
    def reset() -> Response:
        with world.lock:
            world.reset()
        return jsonify({})

    @routes.patch("/settings")
    def settings() -> Response:
        body = _body()
        unknown = set(body) - {f.name for f in fields(Settings)}
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
        with world.lock:
            for name, value in body.items():
                setattr(world.settings, name, value)
            return jsonify(asdict(world.settings))

    @routes.post("/clock")
    def clock() -> Response:
        with world.lock:
            world.clock.offset = float(_body()["offset_seconds"])
            return jsonify({"offset_seconds": world.clock.offset, "now": world.clock.now()})

    @routes.post("/faults")
    def add_fault() -> Response:
        body = _body()
        fault = Fault(body["leg"], body.get("match") or {}, body.get("times"), body["fault"])
        with world.lock:
            world.faults.append(fault)
        return jsonify({"id": fault.id})

    @routes.delete("/faults")
    def clear_faults() -> Response:
        with world.lock:
            world.drop_faults()
        return jsonify({})
