"""``paced``: an allowance per hour or day that lasts exactly that long. A price on money moves the dial. Pure.

Dual ascent (dual mirror descent for online allocation, arXiv 2011.10124): while more is spent than what is left
allows for the time that is left, the price rises, and the dial falls; while less is spent, the price falls, and
the dial goes back up to the user's own. What a quiet hour leaves over is shared out over the rest of the window, so that
bursts are served well and the window still ends with the allowance spent and not more.

State is a value: ``advance`` takes one and returns the next. Who keeps it, and what other replicas have spent, is not known here.
"""

from dataclasses import dataclass, replace

from classifier.calibration import LOGIT_LIMIT, logit, sigmoid

from .choice import Choice, Purse, Situation
from .utility import Utility

GAIN = 2.0
"""Log-odds that the dial falls when twice the target is spent during one horizon."""

HORIZON = 1 / 400
"""Of the window: the time over which spending is compared with its target; 4 minutes of a day.

Shorter follows every burst, longer notices the end of the window too late.
"""

HEAD_START = 1.5
"""What is left is spent this much faster than evenly, so that less is left the later it is: ``(1 - t)`` to this power.

A quiet end of the window could not use up an even share; a busy one is served with what is there.
"""

HIGHEST_PRICE = 2 * LOGIT_LIMIT
"""Moves the highest dial to the lowest."""

FASTEST = 0.25
"""Log-odds that one step moves the price at most: one dear request is not yet a trend."""

KEPT = 0.01
"""Of the allowance is kept for the cheapest tier, so that a late burst finds something to be answered with."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be spent per window.

    Attributes:
        amount: In ``unit``, more than 0.
        window_s: Seconds: an hour, or a day.
        unit: ``usd`` or ``tokens``.
    """

    amount: float
    window_s: float
    unit: str = "usd"


@dataclass(frozen=True, slots=True)
class Pace:
    """Where the controller stands.

    Attributes:
        spent: Of this window's allowance, everybody together, reservations included.
        at_s: Seconds into the window at the last step.
        price: Shift of the dial's log-odds, in [0, ``HIGHEST_PRICE``].
    """

    spent: float = 0.0
    at_s: float = 0.0
    price: float = 0.0


def advance(allowance: Allowance, pace: Pace, now_s: float, spent: float) -> Pace:
    """Return the state at ``now_s`` when ``spent`` is the sum by then.

    Args:
        allowance: What may be spent.
        pace: The state before.
        now_s: Seconds into the window, not before the last step's.
        spent: Sum of everybody in this window.
    """
    left_s = max(allowance.window_s - pace.at_s, 1.0)
    left = allowance.amount - pace.spent
    if left <= 0:
        return Pace(spent, now_s, HIGHEST_PRICE)
    target = left * min(1.0, HEAD_START * (now_s - pace.at_s) / left_s)
    over = (spent - pace.spent - target) / (left * min(1.0, HORIZON * allowance.window_s / left_s))
    step = max(-FASTEST, min(FASTEST, GAIN * over))
    return Pace(spent, now_s, max(0.0, min(HIGHEST_PRICE, pace.price + step)))


def purse(allowance: Allowance, pace: Pace) -> Purse:
    """Return what a decision needs to know of the state."""
    left = (1.0 - KEPT) * allowance.amount - pace.spent
    return Purse(pace.price, max(0.0, left), allowance.unit)


@dataclass(frozen=True, slots=True)
class Paced:
    """Decides as ``utility`` does, at a dial that the price of the allowance lowers."""

    def __call__(self, situation: Situation) -> Choice:
        """Return the tier of the largest utility among those the allowance can still pay."""
        given = situation.purse
        if given is None:
            return Utility()(situation)
        dial = priced(situation.dial, given.price)
        payable = tuple(
            p
            for p in situation.prospects
            if (p.expected.cost_usd if given.unit == "usd" else p.expected.tokens) <= given.left
        )
        # With nothing payable the cheapest is taken, from what is kept for it; the server's pacing lets it in or not.
        open_to_us = payable or situation.prospects[:1]
        choice = Utility()(replace(situation, prospects=open_to_us, dial=dial))
        chosen = open_to_us[choice.index]
        index = next(i for i, p in enumerate(situation.prospects) if p is chosen)
        return Choice(index, f"{choice.reason} The allowance moves the dial to {dial:.2f}.")


def priced(dial: float, price: float) -> float:
    """Return the dial after a price: lower by ``price`` log-odds, and itself without one."""
    return min(dial, sigmoid(logit(dial) - price))
