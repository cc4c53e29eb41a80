"""The ports in memory: honest enough that `tests/contract` holds them to the same suite as AWS."""
