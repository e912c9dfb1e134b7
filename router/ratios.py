"""How far our token counts are off for each model, learned from calls whose upstream counted too."""

from router.guard import Guard


class Ratios:
    """Real tokens per estimated token, per model, learned from settled calls; 1.0 to begin with."""

    WEIGHT = 0.2
    FEWEST_TOKENS = 50
    LEAST, MOST = 0.5, 2.0

    def __init__(self) -> None:
        self._ratios: dict[str, float] = {}

    def get(self, name: str) -> float:
        """Return the ratio of a model, in [LEAST, MOST]."""
        return self._ratios.get(name, 1.0)

    def learn(self, name: str, guard: Guard) -> None:
        """Correct the ratio by one call whose upstream reported its usage."""
        told = guard.reported
        if told is None:
            return
        thought, spoken = guard.thought.tokens, guard.spoken.tokens
        # Reasoning that is billed and not shown, or only in sum, says nothing of how we count.
        shown = told.reasoning <= self.MOST * thought
        counted = thought + spoken if shown else spoken
        if counted < self.FEWEST_TOKENS:
            return
        told_of = told.completion if shown else told.completion - told.reasoning
        seen = min(self.MOST, max(self.LEAST, told_of / counted))
        self._ratios[name] = (1 - self.WEIGHT) * self.get(name) + self.WEIGHT * seen
