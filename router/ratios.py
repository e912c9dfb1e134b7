"""How far our token counts are off for each model, learned from calls whose upstream counted too."""

from router.guard import Guard


class Ratios:
    """Real tokens per estimated token, per model, learned from settled calls; 1.0 to begin with."""

    WEIGHT = 0.2
    FEWEST_TOKENS = 50

    def __init__(self) -> None:
        self._ratios: dict[str, float] = {}

    def get(self, name: str) -> float:
        """Return the ratio of a model, in [0.5, 2]."""
        return self._ratios.get(name, 1.0)

    def learn(self, name: str, guard: Guard) -> None:
        """Correct the ratio by one call whose upstream reported its usage."""
        told = guard.reported
        counted = guard.thought.tokens + guard.spoken.tokens
        if told is None or counted < self.FEWEST_TOKENS:
            return
        hidden = 0 if guard.thought.chunks else told.reasoning  # billed, and never shown
        seen = min(2.0, max(0.5, (told.completion - hidden) / counted))
        self._ratios[name] = (1 - self.WEIGHT) * self.get(name) + self.WEIGHT * seen
