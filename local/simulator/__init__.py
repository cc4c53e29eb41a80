"""The outside world, simulated, each part in a room of its own.

entra/        Microsoft's identity platform (v2.0) and Graph's `/me`
google/       Google as an identity provider
advertising/  Microsoft Advertising, by REST and SOAP
aws_tokens/   AWS's issuer of identity tokens: a server of its own, before the emulator

The first three are one server, ``python -m local.simulator --port 8400``: `app` joins their routes,
`world` is their state, `legs` and `faults` run every request, `control` plays with it. They are
strict, so that they catch a broker's mistakes, and play every failure on demand: `README.md`.
"""
