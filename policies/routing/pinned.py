"""``pinned``: one tier whatever the question; the baseline that every other policy has to beat."""

from dataclasses import dataclass

from .choice import Choice, Situation


@dataclass(frozen=True, slots=True)
class Pinned:
    """Sends everything to one tier.

    Attributes:
        tier: Its name; ``None`` lets the dial point at a place on the ladder.
    """

    tier: str | None = None

    def __call__(self, situation: Situation) -> Choice:
        """Return the pinned tier, or the nearest one that is allowed."""
        names = [prospect.tier.name for prospect in situation.every]
        if self.tier is not None and not situation.dialed:
            place = names.index(self.tier)
        else:
            place = round(situation.dial * (len(names) - 1))
        index = nearest(situation, place)
        chosen = situation.prospects[index].tier.name
        why = "" if chosen == names[place] else f", the allowed tier nearest to {names[place]}"
        return Choice(index, f"Everything is pinned to {chosen}{why}.")


def nearest(situation: Situation, place: int) -> int:
    """Return the index of the allowed tier that is nearest to a place on the whole ladder."""
    order = {prospect.tier.name: i for i, prospect in enumerate(situation.every)}
    allowed = range(len(situation.prospects))
    return min(allowed, key=lambda i: abs(order[situation.prospects[i].tier.name] - place))
