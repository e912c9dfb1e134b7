"""Routing policies: the classifier predicts, these decide. Pure; one policy, one file."""

from .decide import ROUTING_POLICIES, Routing, decide

__all__ = ["ROUTING_POLICIES", "Routing", "decide"]
