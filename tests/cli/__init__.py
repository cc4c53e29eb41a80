"""The command line: against the stack, and imports against the broker's steps in one process."""
