"""Puts every model and every question on one logit scale (an item-response view).

``logit P(correct) = ability[model] + habit[model, source] + reasons[model] * gain[q] - demand[q]``
with Gaussian priors, fitted as joint maximum a posteriori. ``gain`` is what long reasoning adds to
one question: without it the rungs would be parallel curves and no question worth more than another.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from classifier.training.dataset import Outcomes
from classifier.types import RUNGS

ABILITY_SD = 1.5
HABIT_SD = 0.4
DEMAND_SD = 2.0
GAIN_SD = 1.0
GAIN_MEAN = 1.5
GAIN_MEAN_SD = 0.7


@dataclass(frozen=True, slots=True)
class Scale:
    """Questions and models on one scale.

    Attributes:
        rung_logits: Shape ``(n_questions, 3)``: logit of the success of each rung's mean model; NaN
            where no model of any rung answered the question.
        abilities: Shape ``(n_models,)``.
        models: Names in the order of ``abilities``.
    """

    rung_logits: NDArray[np.float64]
    abilities: NDArray[np.float64]
    models: tuple[str, ...]


def fit_scale(outcomes: Outcomes, source: NDArray[np.int64]) -> Scale:
    """Return abilities of models and logits of rungs per question.

    Args:
        outcomes: Recorded answers.
        source: Source index of every question, shape ``(n_questions,)``.
    """
    n_questions, n_sources, n_models = source.size, int(source.max()) + 1, len(outcomes.models)
    pair, pair_of = np.unique(
        outcomes.model * n_sources + source[outcomes.question], return_inverse=True
    )
    asked, question = np.unique(outcomes.question, return_inverse=True)
    asked_source = source[asked]
    reasons = (outcomes.rung > 0).astype(float)
    sizes = np.cumsum([n_models, pair.size, asked.size, asked.size, n_sources, n_sources])

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        ability, habit, demand, gain, level, lift = np.split(flat, sizes[:-1])
        logit = ability[outcomes.model] + habit[pair_of] + reasons * gain[question]
        logit -= demand[question]
        residual = expit(logit) - outcomes.correct
        off_demand, off_gain = demand - level[asked_source], gain - lift[asked_source]
        value = np.sum(np.logaddexp(0, logit) - outcomes.correct * logit)
        value += 0.5 * np.sum((ability / ABILITY_SD) ** 2) + 0.5 * np.sum((habit / HABIT_SD) ** 2)
        value += 0.5 * np.sum((off_demand / DEMAND_SD) ** 2)
        value += 0.5 * np.sum((off_gain / GAIN_SD) ** 2)
        value += 0.5 * np.sum(((lift - GAIN_MEAN) / GAIN_MEAN_SD) ** 2) + 0.005 * np.sum(level**2)
        d_demand, d_gain = off_demand / DEMAND_SD**2, off_gain / GAIN_SD**2
        slope = np.concatenate(
            [
                np.bincount(outcomes.model, residual, n_models) + ability / ABILITY_SD**2,
                np.bincount(pair_of, residual, pair.size) + habit / HABIT_SD**2,
                d_demand - np.bincount(question, residual, asked.size),
                d_gain + np.bincount(question, residual * reasons, asked.size),
                0.01 * level - np.bincount(asked_source, d_demand, n_sources),
                (lift - GAIN_MEAN) / GAIN_MEAN_SD**2 - np.bincount(asked_source, d_gain, n_sources),
            ]
        )
        return float(value), slope

    start = np.zeros(sizes[-1])
    fit = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    ability, _, demand, gain, _, _ = np.split(fit, sizes[:-1])
    rung_of_model = np.zeros(n_models, np.int64)
    rung_of_model[outcomes.model] = outcomes.rung
    typical = typical_abilities(ability, rung_of_model)
    logits = np.full((n_questions, len(RUNGS)), np.nan)
    for rung, level in enumerate(typical):
        logits[asked, rung] = level - demand + (gain if rung else 0.0)
    return Scale(rung_logits=logits, abilities=ability, models=outcomes.models)


def typical_abilities(
    abilities: NDArray[np.float64], rung_of_model: NDArray[np.int64]
) -> list[float]:
    """Return the mean ability of each rung's models; a rung without models borrows the next one."""
    means = [
        float(abilities[rung_of_model == rung].mean()) if np.any(rung_of_model == rung) else np.nan
        for rung in range(len(RUNGS))
    ]
    known = [mean for mean in means if not np.isnan(mean)]
    return [known[-1] if np.isnan(mean) else mean for mean in means]
