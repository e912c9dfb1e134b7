"""A real OpenAI-compatible server that plays the upstream models: see docs/simulator.md.

Start it with ``python -m loadtest.simulator``.
"""
