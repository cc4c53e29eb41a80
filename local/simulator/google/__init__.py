"""Google as an identity provider: both of its hosts (accounts and oauth2) behind one URL.

authorize → signin (pages) → token; issue makes the tokens, revoke withdraws, routes joins them.
https://developers.google.com/identity/protocols/oauth2/web-server
"""
