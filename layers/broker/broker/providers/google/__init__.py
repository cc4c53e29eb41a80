"""Google as an identity provider: its answers, its ID tokens, what is sent to it.

A code or a refresh token of a client in a Cloud project of its own enters; the same token response
and diagnosis leave as for Microsoft. Refresh tokens do not rotate, and there is no tenant.
https://developers.google.com/identity/protocols/oauth2/web-server
"""
