"""``weighted_vote``: a vote in which a verifier's opinion is the weight (search-and-learn's "weighted best of n").

Every sample votes for its answer with the probability, clipped to [0.02, 0.98], that the verifier gives it. One honest
vote of a good verifier outweighs a crowd of popular mistakes; where the verifier knows nothing, all weights are
equal and it is a plain vote. Use it on middling and hard questions with a reward model or a judge.
Needs a verifier and answers that can be told equal; otherwise a plain vote.
"""

from policies.operators import Tally, judged_waves
from policies.ports import Needs, Search, Strategy

CLIP = 0.02
"""No verifier is surer than this of anything."""

UNKNOWN = 0.5
"""Weight of a candidate that the verifier has no opinion of."""


async def weighted_vote(search: Search) -> None:
    """Offer the leader of the weighted votes after every wave."""
    tally = Tally()
    async for wave in judged_waves(search):
        for candidate in wave:
            score = UNKNOWN if candidate.score is None else candidate.score
            tally.add(candidate, min(max(score, CLIP), 1 - CLIP))
        leader = tally.leader()
        if leader is not None:
            search.offer(leader, weight=tally.lead[0], agreement=tally.agreement)
        first, second = tally.lead
        if first - second > (1 - CLIP) * (search.plan.n - tally.arrived):
            search.stop("certain")
            return
    search.stop("exhausted")


WEIGHTED_VOTE = Strategy(
    "weighted_vote", weighted_vote, Needs(verifier=True, votable=True), otherwise="vote", n=8
)
