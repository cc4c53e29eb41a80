"""Token broker: one owner's consent, shared as short-lived access tokens.

One word a step (`broker.steps`), a pure centre, and one module that chooses adapters
(`broker.wiring`). Nothing outside `broker.adapters`, `broker.edge` and `broker.wiring` imports
an SDK, reads the environment or knows the time.
"""
