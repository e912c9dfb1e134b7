"""Deals questions into parts that stay the same from run to run, whatever their order."""

from collections.abc import Sequence
from hashlib import sha1

import numpy as np
from numpy.typing import NDArray

from classifier.training.dataset import Question

HELD_OUT_PERCENT = 20


def bucket(questions: Sequence[Question], salt: str) -> NDArray[np.int64]:
    """Return a number in [0, 100) per question; translations and copies of one share theirs."""
    keys = [str(q.meta.get("parallel_id") or q.meta.get("base_id") or q.id) for q in questions]
    digests = [sha1(f"{salt}:{key}".encode(), usedforsecurity=False).hexdigest() for key in keys]
    return np.array([int(digest[:8], 16) % 100 for digest in digests], np.int64)


def held_out(questions: Sequence[Question]) -> NDArray[np.bool_]:
    """Return which questions are kept for the calibration and the domain, shape ``(n,)``."""
    return bucket(questions, "calibration") < HELD_OUT_PERCENT
