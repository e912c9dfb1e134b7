"""The pure core: how much to spend on a query, and how to spend it."""
