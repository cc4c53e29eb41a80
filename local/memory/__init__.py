"""The ports in memory, for tests, bench and simulation: what `broker.adapters` is for AWS.

tables ─ connections, vault, consents; authorizations ─ tickets, states, candidates, breakers;
keys ─ KMS; outside ─ clock, randomness, HTTP, functions, queue, events, telemetry.
`tests/contract` runs one suite over these and over the adapters.
"""
