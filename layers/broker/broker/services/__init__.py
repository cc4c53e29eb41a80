"""The services a connection may be for, and what their own APIs say.

    catalogue     services.json: scopes, tenant, required scopes, probe
    probes        calls of a service's API with the token
    checks        what `verify` reports, and its texts
    advertising   faults of the Microsoft Advertising API
    forecast      whether an administrator will have to approve

A service's name or its API's answer enters; a plan of scopes or findings leave.
"""
