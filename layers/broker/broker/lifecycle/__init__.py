"""What a connection lives through, from consent to renewal, failure and end.

A connection, a request and an answer of the identity provider enter; decisions, stored state and
events leave. The clock, randomness and the stores are arguments.
"""
