"""Routing policies: the classifier predicts, these decide. Pure; one policy, one file."""

from .choice import Purse
from .decide import ROUTING_POLICIES, Routing, decide

__all__ = ["ROUTING_POLICIES", "Purse", "Routing", "decide"]
