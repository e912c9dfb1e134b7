"""``guaranteed``: at most the accuracy loss that the user named, with the confidence they named.

The limit on the predicted loss is chosen on the user's own outcomes by ``risk.control``; a request is then
sent to the cheapest tier that is predicted to lose no more than that limit against the dearest tier.
"""

from dataclasses import dataclass

from .choice import Choice, Situation
from .quality import cheapest_from


@dataclass(frozen=True, slots=True)
class Guaranteed:
    """Keeps a promise about the accuracy against always asking the dearest tier.

    Attributes:
        limit: Predicted loss up to which a cheaper tier is taken; ``None`` promises nothing that the dearest
            tier does not keep: everything goes there.
        loss: What was promised: accuracy that may be lost, for example 0.01.
        confidence: ... with this probability, over the outcomes the limit was chosen on.
    """

    limit: float | None = None
    loss: float = 0.01
    confidence: float = 0.95

    def __call__(self, situation: Situation) -> Choice:
        """Return the cheapest tier within the limit; bounds of the request may break the promise upwards."""
        prospects, dearest = situation.prospects, situation.every[-1]
        promise = (
            f"a loss of at most {100 * self.loss:g} % at {100 * self.confidence:g} % confidence"
        )
        if self.limit is None:
            last = len(prospects) - 1
            return Choice(
                last, f"No limit is calibrated for {promise}: only the dearest tier keeps it."
            )
        index = cheapest_from(prospects, dearest.p_solve - self.limit)
        chosen = prospects[index]
        lost = 100 * (dearest.p_solve - chosen.p_solve)
        return Choice(
            index,
            f"{chosen.tier.name} is predicted to lose {lost:.1f} points to {dearest.tier.name}; "
            f"{promise} allows {100 * self.limit:.1f} here.",
        )
