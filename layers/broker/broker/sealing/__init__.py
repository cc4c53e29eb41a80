"""Envelope encryption, and the cache of unsealed values.

Secrets and their encryption context enter, sealed bytes leave. The keys are a port.
"""
