"""Fits the classifier with scikit-learn: perceptrons on dense features, a ridge on hashed n-grams.

The perceptrons carry over to unseen kinds of question; the ridge and those perceptrons that see
mostly sources with outcomes, and what the ridge says, know the seen ones. Their logits are added,
with weights that depend on how familiar a text is.
They learn the label plus its rank inside its source, because squared loss on the pooled scale
ignores sources whose questions differ little (two against five steps of school arithmetic).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

from classifier.training.calibrating import Calibration, calibration_rows, fit_calibration
from classifier.training.crowds import Crowd, learn_logits, learn_shares
from classifier.training.dataset import Question
from classifier.training.dealing import bucket, held_out
from classifier.training.estimators import (
    domain_shares,
    fit_domain,
    fit_grams,
    fit_thinking,
    standardised,
)
from classifier.training.kinds import familiarity, fit_kinds
from classifier.training.labels import CHANGED, TOGETHER, Labels
from classifier.training.matrices import Matrices
from classifier.training.recipe import Recipe, Share
from classifier.training.targets import (
    RANK_SHARE,
    TAUGHT_LANGUAGES,
    row_weights,
    within_sources,
)

ANCHOR_EVERY, ANCHOR_WEIGHT = 4, 0.3
"""Rows without outcomes that the third crowd sees, and their weight.

Without any it takes its own way with foreign and everyday texts, which no outcome was recorded on.
"""

FOLDS = 5
"""Parts of the rows; what the ridge says of one is learned from the others, as if it were new."""

_SMALL = 1e-6
"""Weight of a row that must not count; zero rows would change the solver's path."""


@dataclass(frozen=True, slots=True)
class Success:
    """Estimators of the rung logits, uncalibrated.

    Attributes:
        scaler: Of the dense features.
        crowds: Perceptrons for the level, for the rank and for sources with outcomes.
        kinds: Ridge from n-grams to the code of a known kind of question.
        grams: Ridge from n-grams to rung logits.
        gram_scaler: Of the ridge's logits, as the last crowd reads them.
        gram_share: Weight of the ridge.
    """

    scaler: StandardScaler
    crowds: Sequence[Crowd]
    kinds: Ridge
    grams: Ridge
    gram_scaler: StandardScaler
    gram_share: float

    def raw_logits(self, matrices: Matrices) -> NDArray[np.float64]:
        """Return uncalibrated rung logits, shape ``(n, 3)``."""
        said = self.grams.predict(matrices.grams)
        x = with_said(standardised(self.scaler, matrices.dense), said, self.gram_scaler)
        known = familiarity(self.kinds, matrices)
        dense = sum(
            (known * crowd.share.known + (1 - known) * crowd.share.new) * crowd.predict(x)
            for crowd in self.crowds
        )
        return np.asarray(dense + self.gram_share * said)


@dataclass(frozen=True, slots=True)
class Fitted:
    """The fitted scikit-learn estimators and how their outputs are put together.

    Attributes:
        success: Of the rung logits.
        thinking: Perceptron from raw rung logits to the log of median reasoning tokens.
        topics: Ridge from n-grams to one column per domain.
        domain: From dense features and topics to a domain.
        calibration: From raw to calibrated logits.
        token_spread: log(p90 / p50).
    """

    success: Success
    thinking: MLPRegressor
    topics: Ridge
    domain: LogisticRegression
    calibration: Calibration
    token_spread: float

    def logits(self, matrices: Matrices) -> NDArray[np.float64]:
        """Return calibrated rung logits, shape ``(n, 3)``."""
        familiar = familiarity(self.success.kinds, matrices)
        return self.calibration.apply(self.success.raw_logits(matrices), familiar)

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
    held = held_out(questions)
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
    rows = calibration_rows(labels, held)
    familiar = familiarity(first.kinds, matrices.rows(rows.rows))
    calibration = fit_calibration(raw[rows.rows], familiar, rows)
    return Fitted(second, thinking, topics, domain, calibration, labels.token_spread)


N_STEPS = 6
"""Calls of ``advance`` in one ``fit``."""


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

    advance("n-grams")
    # An ask of several questions has the n-grams and the kind of its parts, which are there already.
    single = rows[labels.form[rows] != TOGETHER]
    chosen, part = [questions[row] for row in single], matrices.rows(single)
    logits, weight = labels.logits[single], labels.weight[single]
    rank, _ = within_sources(chosen, logits)
    taught = np.array([question.language in TAUGHT_LANGUAGES for question in chosen])
    heed = np.where(taught, row_weights(chosen, weight), _SMALL)
    lesson = (logits + RANK_SHARE * rank.scaled, heed)
    grams = fit_grams(part, *lesson, recipe.ridge)
    unseen = said_unseen(chosen, part, *lesson, recipe.ridge)
    gram_scaler = StandardScaler().fit(unseen)
    answered = _answered(questions, labels)[single]
    kinds = fit_kinds(chosen, answered, part)

    advance("perceptrons")
    crowds = list(_general(questions, labels, matrices, recipe, rows, scaler))
    pupils = np.flatnonzero(answered | (np.arange(single.size) % ANCHOR_EVERY == 0))
    heed = (weight * np.where(answered, 1.0, ANCHOR_WEIGHT))[pupils]
    inputs = with_said(standardised(scaler, part.dense), unseen, gram_scaler)
    given = (inputs[pupils], expit(logits[pupils]), row_weights([chosen[p] for p in pupils], heed))
    crowds.append(
        learn_shares(*given, recipe, epochs=recipe.answered_epochs, share=recipe.answered_share)
    )
    return Success(scaler, crowds, kinds, grams, gram_scaler, recipe.gram_share)


def _general(
    questions: Sequence[Question],
    labels: Labels,
    matrices: Matrices,
    recipe: Recipe,
    rows: NDArray[np.int64],
    scaler: StandardScaler,
) -> Iterator[Crowd]:
    """Yield the perceptrons for the level of all rows and, where any source is varied, for the rank.

    Changed copies have no place inside their source but their original's: the rank is learned
    without them.
    """

    def learned(
        pupils: NDArray[np.int64], targets: NDArray[np.float64], epochs: int, share: Share
    ) -> Crowd:
        dense = standardised(scaler, matrices.dense[pupils])
        weights = row_weights([questions[pupil] for pupil in pupils], labels.weight[pupils])
        return learn_logits(dense, targets, weights, recipe, epochs=epochs, share=share)

    yield learned(rows, labels.logits[rows], recipe.level_epochs, recipe.level_share)
    own = rows[labels.form[rows] != CHANGED]
    rank, varied = within_sources([questions[row] for row in own], labels.logits[own])
    if varied.any():
        order = rank.centred + RANK_SHARE * rank.scaled
        yield learned(own[varied], order[varied], recipe.rank_epochs, recipe.rank_share)


def with_said(
    dense: NDArray[np.float32], said: NDArray[np.float64], scaler: StandardScaler
) -> NDArray[np.float32]:
    """Return standardised dense features and, beside them, what the n-grams say, standardised."""
    return np.concatenate([dense, scaler.transform(said).astype(np.float32)], axis=1)


def said_unseen(
    questions: Sequence[Question],
    matrices: Matrices,
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    penalty: float,
) -> NDArray[np.float64]:
    """Return what n-grams say of each row, fitted on the other folds, shape ``(n, 3)``.

    On the rows it was fitted on a ridge is far surer than on new ones, and a perceptron that learns
    to trust it there would trust it everywhere.
    """
    said = np.zeros_like(targets)
    fold = bucket(questions, "folds") % FOLDS
    for number in range(FOLDS):
        taught, asked = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if taught.size and asked.size:
            ridge = fit_grams(matrices.rows(taught), targets[taught], weights[taught], penalty)
            said[asked] = ridge.predict(matrices.grams[asked])
    return said


def _answered(questions: Sequence[Question], labels: Labels) -> NDArray[np.bool_]:
    """Return which questions belong to a source with outcomes, copies included."""
    measured = np.flatnonzero(labels.measured.any(axis=1)).tolist()
    known = {questions[row].source for row in measured}
    return np.array([question.source in known for question in questions])
