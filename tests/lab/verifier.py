"""The score law: how a verifier of limited quality, with a blind spot, sees a candidate.

    s = mu * right + N(0, 1), and mu + delta + N(0, 1) for a wrong chain that fell into a trap

Deterministic per verifier and text, so asking twice brings nothing new. A text that gives an answer is right if that
is; one that does not, if its chain is on track so far; one that has neither is wrong.
"""

from functools import lru_cache
from hashlib import blake2b
from math import exp
from statistics import NormalDist

from tests.lab.chain import ON_TRACK, TRAPPED, read_chain
from tests.lab.problem import Problem

_NORMAL = NormalDist()
_STEP_END = ".\n\n"


@lru_cache(maxsize=4096)
def score(problem: Problem, text: str, verifier: str = "") -> float:
    """Return the raw score s of a candidate.

    Args:
        problem: Its laws: ``mu``, ``delta``.
        text: A candidate or the beginning of one; words around it do no harm.
        verifier: Verifiers of different names err independently.
    """
    written = read_chain(problem.id, text)
    right = written.chain.health == ON_TRACK and written.tag != ""
    if written.said is not None:
        right = written.said == problem.truth
    mean = problem.mu if right else 0.0
    if not right and written.chain.health == TRAPPED:
        mean = problem.mu + problem.delta
    told = f"{verifier}|{problem.id}|{written.tag or text.strip()}|{written.said}"
    digest = blake2b(told.encode(), digest_size=7).digest()
    return mean + _NORMAL.inv_cdf((int.from_bytes(digest, "little") + 0.5) / 2**56)


def chance(problem: Problem, text: str, verifier: str = "") -> float:
    """Return the score in (0, 1): the logistic function of s - mu / 2, rising with s."""
    return 1 / (1 + exp(problem.mu / 2 - score(problem, text, verifier)))


def step_chances(problem: Problem, text: str, verifier: str = "") -> list[float]:
    """Return the chance of the text up to the end of each of its steps."""
    ends = [i for i in range(len(text)) if text.startswith(_STEP_END, i)]
    prefixes = [text[: end + len(_STEP_END)] for end in ends] or [text]
    return [chance(problem, prefix, verifier) for prefix in prefixes]
