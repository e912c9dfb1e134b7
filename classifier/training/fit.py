"""Fits the classifier with scikit-learn: perceptrons on dense features, a ridge on hashed n-grams.

The perceptrons carry over to unseen kinds of question, the ridge knows the seen ones; their logits
are added. Both learn the label plus its rank inside its source, because squared loss on the pooled
scale ignores sources whose questions differ little (two against five steps of school arithmetic).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha1

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

from classifier.training.augment import copies
from classifier.training.calibrating import Bend, Line, calibrate, calibration_rows, fit_bend
from classifier.training.dataset import Question
from classifier.training.estimators import (
    DOMAINS,
    domain_shares,
    fit_domain,
    fit_grams,
    fit_quietly,
    fit_thinking,
    standardised,
)
from classifier.training.labels import Labels
from classifier.training.matrices import Matrices
from classifier.training.targets import RANK_SHARE, row_weights, within_sources

TAUGHT_LANGUAGES = frozenset({"en"})
"""Languages with questions of every difficulty; only their n-grams may say anything about it."""

HELD_OUT_PERCENT = 20
COPY_SEED = 7

_SMALL = 1e-6
"""Weight of a row that must not count; zero rows would change the solver's path."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Sizes and strengths; the defaults are those of the shipped artefact.

    Attributes:
        hidden: Neurons per hidden layer of each perceptron for success.
        members: Perceptrons that are averaged, of either kind.
        epochs: Passes over the data.
        decay: L2 penalty of the perceptrons.
        ridge: L2 penalty of the n-gram heads.
        level_share: Weight of the perceptrons that learn the label of every source.
        rank_share: Weight of those that learn the order inside sources of varied difficulty.
        gram_share: Weight of the n-gram logits.
        mutated: Changed copies of questions that keep their label.
        glossary: Copies of English questions in pidgin Chinese.
        copy_weight: Weight of a copy against its original.
        constructed: Contest and school-book questions of our own per language, of either kind.
    """

    hidden: tuple[int, ...] = (48, 24)
    members: int = 3
    epochs: int = 8
    decay: float = 0.3
    ridge: float = 3.0
    level_share: float = 0.3
    rank_share: float = 0.5
    gram_share: float = 0.5
    mutated: int = 15_000
    glossary: int = 6_000
    copy_weight: float = 0.5
    constructed: int = 60


@dataclass(frozen=True, slots=True)
class Crowd:
    """Perceptrons of one kind; their weighted mean is one summand of the rung logits.

    Attributes:
        members: They predict standardised logits.
        centre: Shape ``(3,)``: undoes the standardising, weighted.
        spread: Shape ``(3,)``: the same.
    """

    members: Sequence[MLPRegressor]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the weighted logits of standardised dense features, shape ``(n, 3)``."""
        mean = np.mean([member.predict(x) for member in self.members], axis=0)
        return np.asarray(mean * self.spread + self.centre)


@dataclass(frozen=True, slots=True)
class Success:
    """Estimators of the rung logits, uncalibrated.

    Attributes:
        scaler: Of the dense features.
        crowds: Perceptrons for the level and for the rank.
        grams: Ridge from n-grams to rung logits.
        gram_share: Weight of the ridge.
    """

    scaler: StandardScaler
    crowds: Sequence[Crowd]
    grams: Ridge
    gram_share: float

    def raw_logits(self, matrices: Matrices) -> NDArray[np.float64]:
        """Return uncalibrated rung logits, shape ``(n, 3)``."""
        x = standardised(self.scaler, matrices.dense)
        dense = np.sum([crowd.predict(x) for crowd in self.crowds], axis=0)
        return np.asarray(dense + self.gram_share * self.grams.predict(matrices.grams))


@dataclass(frozen=True, slots=True)
class Fitted:
    """The fitted scikit-learn estimators and how their outputs are put together.

    Attributes:
        success: Of the rung logits.
        thinking: Perceptron from raw rung logits to the log of median reasoning tokens.
        topics: Ridge from n-grams to one column per domain.
        domain: From dense features and topics to a domain.
        line: Calibration, its straight part.
        bend: Calibration: what the straight line leaves.
        token_spread: log(p90 / p50).
    """

    success: Success
    thinking: MLPRegressor
    topics: Ridge
    domain: LogisticRegression
    line: Line
    bend: Bend
    token_spread: float

    def logits(self, matrices: Matrices) -> NDArray[np.float64]:
        """Return calibrated rung logits, shape ``(n, 3)``."""
        chat = self.domains(matrices)[:, DOMAINS.index("chat")]
        return self.bend.apply(self.line.apply(self.success.raw_logits(matrices), chat))

    def log_tokens(self, matrices: Matrices) -> NDArray[np.float64]:
        """Return log p50 and log p90 of reasoning tokens, shape ``(n, 2)``."""
        p50 = self.thinking.predict(self.success.raw_logits(matrices))
        return np.stack([p50, p50 + self.token_spread], axis=1)

    def domains(self, matrices: Matrices) -> NDArray[np.float64]:
        """Return the probability of each of ``DOMAINS``, shape ``(n, 6)``."""
        return domain_shares(self.topics, self.domain, self.success.scaler, matrices)


def fit(
    questions: Sequence[Question],
    labels: Labels,
    matrices: Matrices,
    recipe: Recipe,
    advance: Callable[[str], None] = lambda _: None,
) -> Fitted:
    """Return everything fitted on the given rows; the same rows give the same fit.

    A fixed fifth of the rows is first held out for calibration and the domain; then the rest of
    the model is fitted again on all rows.

    Args:
        questions: The training rows.
        labels: Their labels.
        matrices: Their features.
        recipe: Sizes and strengths.
        advance: Called with the name of each step that begins; there are ``N_STEPS``.
    """
    held = np.array([_held_out(question) for question in questions])
    kept = np.flatnonzero(~held)
    scaler = StandardScaler().fit(matrices.dense)
    advance("domains")
    topics, domain = fit_domain(questions, matrices, scaler, held)
    first = fit_success(questions, labels, matrices, recipe, kept, advance)
    everything = np.arange(len(questions))
    second = fit_success(questions, labels, matrices, recipe, everything, advance)

    advance("thinking tokens and calibration")
    raw = first.raw_logits(matrices)
    told = labels.token_weight > 0
    thinking = fit_thinking(labels.log_tokens[told], labels.token_weight[told], raw[told])
    rows, share, weight = calibration_rows(labels, held)
    shares = domain_shares(topics, domain, scaler, matrices.rows(rows))
    chat = shares[:, DOMAINS.index("chat")]
    line = calibrate(raw[rows], chat, share, weight)
    bend = fit_bend(line.apply(raw[rows], chat), share, weight)
    return Fitted(second, thinking, topics, domain, line, bend, labels.token_spread)


N_STEPS = 6
"""Calls of ``advance`` in one ``fit``."""


def with_copies(
    questions: Sequence[Question], labels: Labels, recipe: Recipe
) -> tuple[list[Question], Labels]:
    """Return the questions and labels followed by changed copies with the same labels.

    Copies teach the rung logits only: not the calibration, not the thinking tokens. There are at
    most half as many of either kind as questions, so that few questions don't drown in them.
    """
    most = len(questions) // 2
    made, origin = copies(
        questions,
        n_mutated=min(recipe.mutated, most),
        n_glossary=min(recipe.glossary, most),
        seed=COPY_SEED,
    )
    both = np.concatenate([np.arange(len(questions)), np.array(origin, np.int64)])
    is_copy = both.size - len(origin) <= np.arange(both.size)
    return [*questions, *made], Labels(
        logits=labels.logits[both],
        weight=labels.weight[both] * np.where(is_copy, recipe.copy_weight, 1.0),
        measured=labels.measured[both] & ~is_copy[:, None],
        share=labels.share[both],
        log_tokens=labels.log_tokens[both],
        token_weight=np.where(is_copy, 0.0, labels.token_weight[both]),
        token_spread=labels.token_spread,
    )


def fit_success(
    questions: Sequence[Question],
    labels: Labels,
    matrices: Matrices,
    recipe: Recipe,
    among: NDArray[np.int64],
    advance: Callable[[str], None] = lambda _: None,
) -> Success:
    """Return the estimators of the rung logits, fitted on the rows ``among`` that have a label."""
    rows = among[labels.weight[among] > 0]
    scaler = StandardScaler().fit(matrices.dense)
    chosen, part = [questions[row] for row in rows], matrices.rows(rows)
    logits, weights = labels.logits[rows], row_weights(chosen, labels.weight[rows])
    rank, varied = within_sources(chosen, logits)
    taught = np.array([question.language in TAUGHT_LANGUAGES for question in chosen])
    advance("n-grams")
    gram_weights = np.where(taught, weights, _SMALL)
    grams = fit_grams(part, logits + RANK_SHARE * rank.scaled, gram_weights, recipe.ridge)
    advance("perceptrons")
    x = standardised(scaler, part.dense)
    crowds = [_crowd(x, logits, weights, recipe, recipe.level_share)]
    if varied.any():
        order = rank.centred[varied] + RANK_SHARE * rank.scaled[varied]
        balanced = row_weights(
            [q for q, v in zip(chosen, varied, strict=True) if v], labels.weight[rows][varied]
        )
        crowds.append(_crowd(x[varied], order, balanced, recipe, recipe.rank_share))
    return Success(scaler, crowds, grams, recipe.gram_share)


def _crowd(
    x: NDArray[np.float32],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    recipe: Recipe,
    share: float,
) -> Crowd:
    centre, spread = targets.mean(axis=0), np.maximum(targets.std(axis=0), _SMALL)
    members = [
        MLPRegressor(
            hidden_layer_sizes=recipe.hidden,
            alpha=recipe.decay,
            batch_size=min(256, x.shape[0]),
            max_iter=recipe.epochs,
            n_iter_no_change=recipe.epochs,
            random_state=seed,
        )
        for seed in range(recipe.members)
    ]
    for member in members:
        fit_quietly(member, x, (targets - centre) / spread, weights)
    return Crowd(members, share * centre, share * spread)


def _held_out(question: Question) -> bool:
    """Return whether a row is held out; translations of one question go together."""
    key = str(question.meta.get("parallel_id") or question.meta.get("base_id") or question.id)
    digest = sha1(f"calibration:{key}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) % 100 < HELD_OUT_PERCENT
