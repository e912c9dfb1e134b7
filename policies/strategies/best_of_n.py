"""``best_of_n``: sample, judge, keep the best (arXiv 2110.14168); stop at the first that is good enough.

Samples come in waves of four; after each the verifier judges them. A score of at least ``verifier.accept`` ends
the search. Ties go to the answer that more samples gave, then to the shorter text. As good as its verifier: with
one that is fooled, more samples find better ways to fool it, and a vote is safer.
Needs a verifier; otherwise a weighted vote, which then is a plain one. With ``consistency`` as verifier it is a vote, too.
"""

from collections import Counter

from policies.operators import judged_waves
from policies.ports import Needs, Search, Strategy
from policies.types import Candidate


async def best_of_n(search: Search) -> None:
    """Offer the best-judged candidate after every wave."""
    seen: list[Candidate] = []
    accept = 1.0 if search.plan.verifier is None else search.plan.verifier.accept
    async for wave in judged_waves(search):
        seen += wave
        crowd = Counter(candidate.key for candidate in seen if candidate.key is not None)

        def merit(candidate: Candidate, crowd: Counter[str] = crowd) -> tuple[float, int, int]:
            backing = crowd[candidate.key] if candidate.key is not None else 0
            return candidate.score or 0.0, backing, -len(candidate.text)

        best = max((c for c in seen if c.complete), key=merit, default=seen[0])
        share = merit(best)[1] / len(seen)
        # The best of more is the better one, whatever backs it by now.
        search.offer(best, weight=len(seen), agreement=share)
        if best.complete and best.score is not None and best.score >= accept:
            search.stop("verified")
            return
    search.stop("exhausted")


BEST_OF_N = Strategy("best_of_n", best_of_n, Needs(verifier=True), otherwise="weighted_vote", n=4)
