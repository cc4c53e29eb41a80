"""AWS's outbound identity federation: `sts:GetWebIdentityToken` with keys that anybody can check.

The emulator answers that action with a token nobody can verify, so this service stands before its
STS and IAM (AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_IAM): the emulator still checks each request's
signature, this service then judges the caller's policy with the keys that the action has, and
issues the token. Everything else passes through.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html

``python -m local.simulator.aws_tokens --port 8401 --emulator http://localhost:4566``
"""
