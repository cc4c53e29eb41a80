"""The steps, each over ports in memory."""
