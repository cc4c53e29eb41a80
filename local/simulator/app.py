"""Routes: paths to their logic. Every request runs through `legs.play`."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify, render_template, request

from . import control
from .advertising import routes as advertising
from .advertising import soap
from .entra import authorize, discovery, graph, signin, token
from .entra.answers import Answer, refuse, render
from .entra.errors import TABLE, Refusal, body
from .entra.store import Visit
from .google import routes as google
from .legs import play
from .world import World


def create(world: World) -> Flask:
    """The platform as a WSGI application."""
    app = Flask(__name__, template_folder="entra/pages", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000
    _identity(app, world)
    _pages(app, world)
    app.register_blueprint(advertising.blueprint(world))
    app.register_blueprint(soap.blueprint(world))
    app.register_blueprint(graph.blueprint(world))
    app.register_blueprint(google.blueprint(world))
    app.register_blueprint(control.blueprint(world))
    return app


def _identity(app: Flask, world: World) -> None:
    def documents(segment: str, make: Any) -> Response:
        def refused(refusal: Refusal) -> Response:
            answer = jsonify(body(refusal, world.trace(), world.base_url))
            answer.status_code = refusal.status
            return answer

        def work(_taken: Any) -> Response:
            try:
                world.segment(segment)
                return jsonify(make())
            except Refusal as refusal:
                return refused(refusal)

        return play(world, "discovery", {"tenant": segment.lower()}, work, refused)

    @app.get("/<segment>/v2.0/.well-known/openid-configuration")
    def configuration(segment: str) -> Response:
        return documents(segment, lambda: discovery.configuration(world, segment))

    @app.get("/<segment>/discovery/v2.0/keys")
    def keys(segment: str) -> Response:
        return documents(segment, lambda: world.keys.document(world.base_url))

    @app.get("/common/discovery/instance")
    def instance() -> Response:
        url = request.args.get("authorization_endpoint", "")
        return documents("common", lambda: discovery.instance(world, url))

    @app.route("/<segment>/oauth2/v2.0/token", methods=["GET", "POST", "PUT", "DELETE"])
    def redeem(segment: str) -> Response:
        return token.respond(world, segment)


def _pages(app: Flask, world: World) -> None:
    def begin(segment: str, kind: str) -> Response:
        subject = {
            "client_id": request.args.get("client_id"),
            "scope": request.args.get("scope"),
            "tenant": segment.lower(),
            "action": None,
        }
        correlation = request.args.get("client-request-id")

        def start(trouble: Refusal | None) -> Response:
            answer = authorize.begin(world, segment, request.args, kind, correlation, trouble)
            return _recorded(world, kind, subject, render(world, answer))

        return play(world, kind, subject, lambda _taken: start(None), start)

    @app.get("/<segment>/oauth2/v2.0/authorize")
    def authorize_page(segment: str) -> Response:
        return begin(segment, "authorize")

    @app.get("/<segment>/v2.0/adminconsent")
    def adminconsent_page(segment: str) -> Response:
        return begin(segment, "adminconsent")

    def answered(visit: Visit, answer: Answer) -> Response:
        return _recorded(world, visit.kind, _subject(world, visit), render(world, answer))

    @app.post("/signin/<visit_id>")
    def step(visit_id: str) -> Response:
        with world.lock:
            visit = world.store.visits.get(visit_id)
            if visit is None:
                text = "The sign-in has ended or was never started. Start again in the application."
                return render(world, refuse(world, Refusal(50089, text=text)))
        return play(
            world,
            visit.kind,
            _subject(world, visit),
            lambda _taken: answered(visit, signin.act(world, visit, request.form)),
            lambda refusal: answered(visit, refuse(world, refusal, visit)),
        )

    @app.get("/error")
    def error() -> str:
        number = request.args.get("code", "")
        known = TABLE.get(int(number)) if number.isdigit() else None
        return render_template("explain.html", page="explain", number=number, known=known)

    @app.get("/")
    def home() -> str:
        return render_template("home.html", page="home", world=world)


def _recorded(world: World, leg: str, subject: dict[str, Any], answer: Response) -> Response:
    """One ledger line: the page shown, or that the person went back to the application."""
    number = answer.headers.get("X-AADSTS", type=int)
    world.record(
        leg=leg, **subject, outcome=answer.headers.get("X-Page", "redirect"), number=number
    )
    return answer


def _subject(world: World, visit: Visit) -> dict[str, Any]:
    chosen = world.directory.user(request.form.get("user", "")) or visit.user
    return {
        "client_id": visit.client.client_id,
        "scope": " ".join((*visit.asked.oidc, *(p.asked for p in visit.asked.permissions))),
        "tenant": visit.segment.lower(),
        "user": chosen.username if chosen else None,
        "action": request.form.get("action"),
    }
