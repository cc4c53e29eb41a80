"""The whole broker in one process: the real steps over ports in memory, beside a Microsoft."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from broker.domain.attempts import LinkKind
from broker.domain.connection import Account, Check, Connection, StoredRefreshToken
from broker.domain.grants import Caller
from broker.domain.names import Incarnation, Name
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.lifecycle import serving
from broker.lifecycle.acceptance import Acceptance
from broker.ports.credentials import ClientSecretPost, Credentials
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest, Reply
from broker.ports.stores import SHARDS
from broker.providers.client_authentication import Client
from broker.providers.credential_breaker import Breaker
from broker.providers.entra.platform import Entra
from broker.providers.platform import Registration, Registrations
from broker.providers.token_endpoint import OAuth, Providers
from broker.steps import authorize, callback, connections, refresh, rotate, token, verify
from broker.web import bodies
from broker.web.outcomes import Ending
from local.memory import authorizations, outside, tables
from local.memory.keys import Keys
from tests.fakes.microsoft import CLIENT_ID, CLIENT_SECRET, OWNER, PLATFORM, Microsoft
from tests.fakes.moments import Killed, Moments

BASE = "https://broker.example.com"
STACK = "stack"
NAME = Name("marketing-jp")
ACCOUNT_ID = "111122223333"
TEAM = Caller("aws", ACCOUNT_ID, "team-a")
STRANGER = Caller("aws", "999988887777", "team-x")
OPERATOR = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/operator/session"
ADS = "https://ads.microsoft.com/msads.manage"
GRAPH = "https://graph.microsoft.com/User.Read"
MAIL = "https://graph.microsoft.com/Mail.Read"
ADS_RESOURCE, GRAPH_RESOURCE = "https://ads.microsoft.com", "https://graph.microsoft.com"
COOKIE = Secret("c" * 43)
WISH: dict[str, Any] = {
    "connection": NAME,
    "service": "microsoft-advertising",
    "grants": [{"principal": ACCOUNT_ID}],
}


class House:
    """One broker. Everything is public: tests look and meddle."""

    def __init__(self, seed: int = 0) -> None:
        self.clock, self.randomness = outside.Clock(), outside.Randomness(seed)
        self.tables, self.moments = tables.Tables(), Moments()
        self.microsoft = Microsoft(self.clock)
        self.events, self.telemetry = outside.Events(), outside.Telemetry()
        self.credentials = outside.Credentials(ClientSecretPost(Secret(CLIENT_SECRET), "v1"))
        self.kinds_of_credentials: list[Credentials] = [self.credentials]
        """In order of preference; takes effect with `build`."""
        self.real_token_keys, self.real_vault_keys = Keys(), Keys()
        self.real_http = outside.Http(self.microsoft)
        tap = self.moments.tap
        self.connections = tap(tables.Connections(self.tables), "connections")
        self.descriptions = tap(tables.Descriptions(self.tables), "descriptions")
        self.vault = tap(tables.Vault(self.tables), "vault")
        self.consents = tap(tables.Consents(self.tables), "consents")
        self.authorizations = tap(authorizations.Authorizations(self.tables), "authorizations")
        self.candidates = tap(authorizations.Candidates(self.tables), "candidates")
        self.breakers = tap(authorizations.Breakers(self.tables), "breakers")
        self.token_keys = tap(self.real_token_keys, "token_keys")
        self.vault_keys = tap(self.real_vault_keys, "vault_keys")
        self.http = tap(self.real_http, "http")
        self.published = tap(self.events, "events")
        self.orders = outside.Queue()
        self.queue = tap(self.orders, "queue")
        self.invoked = outside.Refresher(self._invoke)
        self.refresher = tap(self.invoked, "refresher")
        self.service = outside.Api()
        self.api = tap(self.service, "api")
        self.verifier = tap(outside.Verifier(self._verify), "verifier")
        self.allowed_tenants: tuple[str, ...] = ()
        self.build()

    def build(self) -> None:
        """Fresh environments: what processes remembered is gone, what was stored is not."""
        breakers = tuple(
            Breaker(
                credentials=credentials,
                breakers=self.breakers,
                events=self.published,
                telemetry=self.telemetry,
                clock=self.clock,
                client_id=CLIENT_ID,
            )
            for credentials in self.kinds_of_credentials
        )
        oauth = OAuth(
            http=self.http,
            platform=Entra(PLATFORM),
            client=Client(CLIENT_ID, breakers),
            clock=self.clock,
            randomness=self.randomness,
            sleep=self.clock.advance,
        )
        providers = Providers({"microsoft": oauth})
        registrations = Registrations({"microsoft": Registration(Entra(PLATFORM), CLIENT_ID)})
        acceptance = Acceptance(
            consents=self.consents,
            vault_keys=self.vault_keys,
            token_keys=self.token_keys,
            http=self.http,
            events=self.published,
            clock=self.clock,
            randomness=self.randomness,
            stack=STACK,
            providers=providers,
            allowed_tenants=self.allowed_tenants,
        )
        self.connections_step = connections.Step(
            connections=self.connections,
            consents=self.consents,
            authorizations=self.authorizations,
            candidates=self.candidates,
            token_keys=self.token_keys,
            vault_keys=self.vault_keys,
            refresher=self.refresher,
            events=self.published,
            clock=self.clock,
            randomness=self.randomness,
            stack=STACK,
            registrations=registrations,
            allowed_tenants=self.allowed_tenants,
            link_days=7,
        )
        self.authorize_step = authorize.Step(
            descriptions=self.descriptions,
            authorizations=self.authorizations,
            clock=self.clock,
            randomness=self.randomness,
            telemetry=self.telemetry,
            registrations=registrations,
        )
        self.callback_step = callback.Step(
            connections=self.connections,
            authorizations=self.authorizations,
            acceptance=acceptance,
            providers=providers,
            refresher=self.refresher,
            verifier=self.verifier,
            queue=self.queue,
            clock=self.clock,
            sleep=self.clock.advance,
            telemetry=self.telemetry,
        )
        self.refresh_step = refresh.Step(
            connections=self.connections,
            vault=self.vault,
            candidates=self.candidates,
            acceptance=acceptance,
            vault_keys=self.vault_keys,
            token_keys=self.token_keys,
            providers=providers,
            events=self.published,
            clock=self.clock,
            randomness=self.randomness,
            telemetry=self.telemetry,
            stack=STACK,
        )
        self.verify_step = verify.Step(
            connections=self.connections,
            keys=self.token_keys,
            refresher=self.refresher,
            api=self.api,
            clock=self.clock,
            telemetry=self.telemetry,
            stack=STACK,
            hosts={},
        )
        self.token_step = self.token_environment()
        self.rotate_step = rotate.Step(
            vault=self.vault,
            queue=self.queue,
            clock=self.clock,
            randomness=self.randomness,
            telemetry=self.telemetry,
            shards=SHARDS,
        )

    def token_environment(self) -> token.Step:
        """One more environment of `token`, with a memory of its own."""
        return token.Step(
            connections=self.connections,
            keys=self.token_keys,
            refresher=self.refresher,
            clock=self.clock,
            randomness=self.randomness,
            sleep=self.clock.advance,
            telemetry=self.telemetry,
            stack=STACK,
        )

    def _invoke(self, order: RefreshRequest) -> Problem | None:
        """Lambda's side of an invocation: a function that dies is an error of Lambda."""
        try:
            return self.refresh_step.run(order)
        except Killed:
            raise Unavailable("lambda", "FunctionError") from None

    def _verify(self, name: Name, incarnation: Incarnation, seconds: float) -> Sequence[Check]:
        """As the function answers: JSON between the two."""
        try:
            found = self.verify_step.run(name, incarnation, seconds)
        except Problem:
            raise Unavailable("lambda", "MalformedAnswer") from None
        return [Check(**json.loads(json.dumps(asdict(check)))) for check in found]

    @staticmethod
    def answer(**parts: Any) -> Reply:
        """A 200 of the token endpoint that Microsoft knows nothing of."""
        bodies = {"token_type": "Bearer", "access_token": "canary-access", "expires_in": 3600}
        return Reply(200, {}, json.dumps(bodies | parts).encode())

    # What people and jobs do

    def create(self, **wish: Any) -> dict[str, Any]:
        """`POST /connections`."""
        wanted = bodies.creation({**WISH, **wish})
        return self.connections_step.create(wanted, OPERATOR, BASE).answer

    def renew(self, name: Name = NAME, **wish: Any) -> dict[str, Any]:
        """`POST /connections/{connection}/authorizations`."""
        wanted = bodies.renewal(wish)
        return self.connections_step.reauthorize(name, wanted, OPERATOR, BASE).answer

    def begin(self, url: str, cookie: Secret = COOKIE) -> str:
        """Continue on the page behind a link; where the browser is sent."""
        kind = LinkKind.AUTHORIZE if "/authorize?" in url else LinkKind.ADMIN
        return self.authorize_step.begin(kind, ticket(url), cookie, BASE).open()

    def finish(self, params: dict[str, str], cookie: Secret | None = COOKIE) -> Ending:
        """`GET /callback`."""
        return self.callback_step.finish(params, cookie, "request-1")

    def consent(self, url: str, account: Account = OWNER) -> Ending:
        """The whole way of the owner through a link."""
        return self.finish(self.microsoft.sign_in(self.begin(url), account))

    def connected(self, **wish: Any) -> House:
        """With a connection that the owner consented to."""
        ending = self.consent(self.create(**wish)["authorize_url"])
        assert ending.good, ending
        return self

    def fetch(self, name: Name = NAME, who: Caller = TEAM, **query: str) -> dict[str, Any]:
        """`GET /connections/{connection}/token`."""
        parsed = serving.parse({key: [text] for key, text in query.items()})
        return self.token_step.serve(who, name, parsed)

    def refresh(self, reason: str = "schedule", **more: Any) -> Problem | None:
        """One order, with whatever generation is there."""
        connection = self.one()
        order = RefreshRequest(connection.name, connection.incarnation, reason, **more)
        return self.refresh_step.run(order)

    def rotate(self) -> list[Problem | None]:
        """A run of the schedule, and all that is in the queue."""
        self.rotate_step.run(lambda: 60.0)
        orders, self.orders.orders = self.orders.orders, []
        return [self.refresh_step.run(order) for order in orders]

    # What tests look at

    def one(self, name: Name = NAME) -> Connection:
        """The connection as it is stored."""
        return self.tables.connections[name]

    def kept(self, name: Name = NAME) -> StoredRefreshToken:
        """What the vault holds for it."""
        return self.tables.vault[self.one(name).incarnation]

    def change(self, name: Name = NAME, **parts: Any) -> None:
        """Meddle with the stored connection."""
        self.tables.connections[name] = replace(self.one(name), **parts)

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def kinds(self) -> list[str]:
        """The events so far."""
        return [kind for kind, _ in self.events.published]

    def shown(self) -> str:
        """Everything that came out where people and machines may read it."""
        return json.dumps(
            [
                self.events.published,
                self.telemetry.notes,
                self.telemetry.counts,
                [repr(order) for order in (*self.orders.orders, *self.invoked.ran)],
                [dict(reached.page or {}) for reached in self.tables.progress.values()],
                [repr(found) for found in self.tables.connections.values()],
                [repr(found) for found in self.tables.states.values()],
                repr(self.tables.tickets),
            ]
        )


def ticket(url: str) -> str:
    """The ticket of a link."""
    return parse_qs(urlsplit(url).query)["ticket"][0]
