"""What the broker talks about: names, scopes, grants, the connection, attempts, problems, Secret.

Frozen values and pure functions. Imports nothing of the broker but itself.
"""
