"""Tells how familiar a question is: whether it looks like a kind whose outcomes were recorded.

Every kind (a task, or a source and a subject of it) gets a random unit vector as its code, and a ridge
on n-grams learns the code of a question's kind; a question of no recorded kind has the zero vector.
A text of a known kind is sent near that kind's code. One that merely shares words with many kinds is
sent to a mixture of codes, and these cancel out: so the length of the answer says how familiar a
text is, without a word about which kind it is. Random codes keep that short (Johnson and
Lindenstrauss): a column per kind would be over a hundred.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from classifier.training.dataset import Question
from classifier.training.estimators import fit_grams
from classifier.training.matrices import Matrices
from classifier.training.targets import row_weights

CODE_LENGTH = 8
STRANGE, FAMILIAR = 0.1, 0.2
"""Squared length of a code up to which a text counts as new, and from which on as known.

Nine in ten questions of a source that was left out stay below 0.09; nine in ten of known kinds that
the ridge did not see reach 0.19, and half of them 0.72.
"""
_PENALTY = 1.0
_SUBJECT_KEYS = ("subject", "category")


def fit_kinds(
    questions: Sequence[Question], answered: NDArray[np.bool_], matrices: Matrices
) -> Ridge:
    """Return a ridge from n-grams to the code of the question's kind, without intercept.

    Args:
        questions: The training rows.
        answered: Which of them belong to a source with outcomes, shape ``(n,)``.
        matrices: Their features.
    """
    names, kind = np.unique([_kind_of(question) for question in questions], return_inverse=True)
    codes = np.random.default_rng(0).standard_normal((names.size, CODE_LENGTH))
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    weights = row_weights(questions, np.ones(len(questions)))
    targets = codes[kind] * answered[:, None]
    return fit_grams(matrices, targets, weights, _PENALTY, intercept=False)


def familiarity(kinds: Ridge, matrices: Matrices) -> NDArray[np.float64]:
    """Return how familiar each text is, 0 (new) to 1 (of a known kind), shape ``(n, 1)``."""
    codes = matrices.grams @ kinds.coef_.T
    length = np.sum(codes**2, axis=1, keepdims=True)
    return np.asarray(np.clip((length - STRANGE) / (FAMILIAR - STRANGE), 0.0, 1.0))


def _kind_of(question: Question) -> str:
    """Return the name of its kind; an easy and a hard source may share a task, which is one kind."""
    if task := question.meta.get("task"):
        return f"task {task}"
    named = (question.meta.get(key) for key in _SUBJECT_KEYS)
    return f"{question.source} {next((name for name in named if name), '')}"
