"""The steps of the flow, in the order of the data: connections, authorize, callback, token,
refresh, rotate."""
