"""Answers that are kept: keys (pure), values (pure), stores, and the embedded server."""
