"""The steps of the flow, in the order of the data: connections, authorize, callback, token,
refresh, rotate; beside it verify and notify. No step imports another.

A step is a frozen value of its ports; its methods take what the edge has parsed, and answer values
or raise a `Problem`. What they decide lies in `lifecycle`, what people see in `web`.
"""
