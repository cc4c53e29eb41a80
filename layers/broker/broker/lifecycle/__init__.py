"""What a connection lives through, from consent to renewal, failure and end.

    acceptance    a consent becomes a stored refresh token; what it demands of the answer
    admission     whose account it may be: tenant, expectation, the same as last time
    entitlement   what is tried right after a consent: further resources, the service itself
    imports       a refresh token that somebody held already
    serving       a caller's query and view; serve, renew ahead, renew now, or refuse: `decide`
    redemption    one refresh under the lease, and what becomes of the answer
    result        how a redemption ends: one value of four
    verdict       what a refusal makes of the connection: at risk, broken, or nothing
    custody       the stored refresh token: opened, replaced, retired
    usage         who fetched its tokens, and when: recorded rarely
    policy        the durations, and when to redeem or to wait
    usage         who fetched tokens, and when: a few principals, at most once an hour
    events        what the event bus is told

A connection, a request and an answer of the identity provider enter; decisions, stored state and
events leave. The clock, randomness and the stores are arguments.
"""
