"""A month of a million connections, with the real policy and a simulated clock."""
