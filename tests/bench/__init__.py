"""The figures of docs/performance.md that must not get worse: calls on the wire, CPU of a cold
start against its floor, one redemption for a crowd, costs, a simulated month. Ratios and counts.
"""
