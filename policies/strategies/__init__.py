"""Test-time strategies; one strategy, one file. ``STRATEGIES`` is the registry."""

from collections.abc import Awaitable, Callable

from policies.ports import Search

from .single import single
from .vote import vote

Strategy = Callable[[Search], Awaitable[None]]

STRATEGIES: dict[str, Strategy] = {"single": single, "vote": vote}
"""Every strategy this version knows, by the name users write."""

__all__ = ["STRATEGIES", "Strategy", "single", "vote"]
