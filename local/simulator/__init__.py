"""The simulated Microsoft platform: identity (v2.0), Microsoft Advertising REST, Graph /me.

Stands in for `login.microsoftonline.com` and two APIs in the local stack, the tests and the demo.
It is strict, so that it catches a broker's mistakes, and plays every failure on demand: see
`README.md` beside this file. Run it with ``python -m local.simulator --port 8400``.
"""
