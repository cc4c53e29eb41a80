"""Identity providers: what is sent to them, and what their answers mean.

    platform                 what differs between providers; entra/ and google/ implement it
    token_endpoint           the OAuth 2.0 client: redeems codes and refresh tokens
    token_response           a successful answer
    response, diagnosis      a refusal: vetted, then what it means and who must act
    readers                  what a diagnosis says to the owner, the administrator, the operator
    error_catalogue, terms   answers.json and texts.json of each provider, and their words
    claims                   an ID token's claims, declared and judged
    client_authentication    which credentials are worth a call, and what they send
    certificate, federation  two kinds of them; the secret comes ready from its store
    credential_breaker       the circuit breaker of each kind and version
    credential_findings, credential_notices   what is wrong with one, and who is told
    throttling               pauses for a tenant that is throttled as a whole

A code or a refresh token enters; a token response or a diagnosed refusal leaves.
"""
