"""The services a connection may be for, and what their own APIs say.

`services.json` is the catalogue; checks are what `verify` reports; probes call the API.
"""
