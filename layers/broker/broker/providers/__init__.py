"""Identity providers: what is sent to them, and what their answers mean.

A code or a refresh token enters; a token response or a diagnosed refusal leaves. The circuit
breaker around the client credential and the pauses of throttled tenants stand here too.
"""
