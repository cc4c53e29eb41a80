"""What the steps need of the outside world, as protocols.

stores ─ tables; outside ─ HTTP, credentials, functions, queue, bus; ambient ─ time, randomness,
telemetry; errors ─ what each of them may raise. `broker.adapters` implements them for AWS.
"""
