"""Moves probabilities along the logit scale: context, a rung's ability, fitted to own outcomes.

Pure arithmetic. Text can't tell the base rate of traffic it never saw; outcomes can, and one shift
of the logit per model is enough to take them in.
"""

from collections.abc import Sequence
from math import exp, log

from classifier.types import Ask

LOGIT_LIMIT = 9.2
"""Logits are kept within +-this, so probabilities within about 1e-4 of 0 and 1."""

TURN_SHIFT, MAX_COUNTED_TURNS = -0.04, 5
TOOLS_SHIFT = -0.10
IMAGES_SHIFT = -0.15
"""Small shifts of every rung's logit by context: OUR ASSUMPTION, no training row carries context."""

_SHIFT_SD = 2.0
_NEWTON_STEPS = 30
_CLOSE_ENOUGH = 1e-9


def context_shift(ask: Ask) -> float:
    """Return the logit shift (zero or negative) for turns, tools and images."""
    shift = TURN_SHIFT * min(max(ask.n_turns - 1, 0), MAX_COUNTED_TURNS)
    return shift + TOOLS_SHIFT * ask.has_tools + IMAGES_SHIFT * ask.has_images


def logit(p: float) -> float:
    """Return ``log(p / (1 - p))``, limited to +-``LOGIT_LIMIT``."""
    if p <= 0.0:
        return -LOGIT_LIMIT
    return LOGIT_LIMIT if p >= 1.0 else max(-LOGIT_LIMIT, min(LOGIT_LIMIT, log(p / (1.0 - p))))


def sigmoid(x: float) -> float:
    """Return the probability of a logit."""
    return 1.0 / (1.0 + exp(-max(-LOGIT_LIMIT, min(LOGIT_LIMIT, x))))


def shifted(p: float, ability_shift: float) -> float:
    """Return the probability of a model whose ability differs from its rung's typical model.

    Args:
        p: ``p_solve`` of the rung, in [0, 1].
        ability_shift: Difference of ability in logits; positive is stronger.
    """
    return p if ability_shift == 0.0 else sigmoid(logit(p) + ability_shift)


def fit_ability_shift(p_solve: Sequence[float], correct: Sequence[float]) -> tuple[float, float]:
    """Return (shift, standard error) in logits of one model against its rung.

    Maximum a posteriori under a normal prior with mean 0 and standard deviation 2; without outcomes
    the shift is 0 and the error the prior's.

    Args:
        p_solve: Prediction of the rung per answered question, in [0, 1].
        correct: 1 where the model was right, 0 where it was wrong; shares between are allowed.

    Raises:
        ValueError: If the lengths differ.
    """
    if len(p_solve) != len(correct):
        raise ValueError(f"{len(p_solve)} predictions but {len(correct)} outcomes; pair them")
    logits = [logit(p) for p in p_solve]
    shift, curvature = 0.0, _SHIFT_SD**-2
    for _ in range(_NEWTON_STEPS):
        predicted = [sigmoid(x + shift) for x in logits]
        curvature = _SHIFT_SD**-2 + sum(p * (1.0 - p) for p in predicted)
        slope = -shift / _SHIFT_SD**2
        slope += sum(c - p for c, p in zip(correct, predicted, strict=True))
        # A step of at most one logit: far from the optimum the curvature is too flat to trust.
        step = max(-1.0, min(1.0, slope / curvature))
        shift += step
        if abs(step) < _CLOSE_ENOUGH:
            break
    return shift, curvature**-0.5
