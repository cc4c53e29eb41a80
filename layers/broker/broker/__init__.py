"""Token broker: one owner's consent, shared as short-lived access tokens.

The wings, each standing on those below it (`tests/unit/test_architecture.py` holds the arrows):

    functions/<step>/handler.py   parses an event, calls its step, renders the answer
    wiring, settings              the composition root: reads the environment, chooses adapters
    steps         one file a step: connections authorize callback token refresh rotate verify
                  notify
    web           what API Gateway and browsers see: requests, bodies, representations, pages
    lifecycle     what a connection lives through: policy, redemption, verdict, acceptance, imports
    services      the catalogue of services, and what each service's own API says
    providers     identity providers: endpoints, answers, ID tokens, error catalogues, the breaker
    sealing       envelope encryption, and the cache of unsealed values
    ports         what the steps need of the outside: stores, outside, ambient
    domain        names, scopes, grants, the connection, attempts, problems, Secret
    adapters      AWS and HTTPS behind the ports; known to wiring and the handlers only

Only adapters, wiring and the edge (`web.gateway`, `web.browser`) import an SDK, read the
environment or know the time. No `__init__` imports anything: a cold start loads what it needs.
"""
