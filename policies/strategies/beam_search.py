"""``beam_search``: many paths grow step by step, and a verifier keeps the best (arXiv 2408.03314; search-and-learn).

Each level samples ``n`` next steps, shared evenly among the paths that are kept, and keeps the best ``n / width`` of
what came. A path that was cut by its length is gone; one that reached its answer votes with its score. It ends as soon as
``n / width`` answers are in, or when no path that is still open can beat the best answer (``min`` and ``prod`` of step
scores only fall). At ``depth`` steps the paths that are left are finished in one go.

Use it on hard questions with an honest process verifier. It trusts that verifier blindly: where it has blind spots
``dvts`` loses less, and on easy questions ``vote`` is better. What the prefixes cost that it sends again: see
``tree_operators``. Defaults: n 16, width 4, depth 24, steps of 256 tokens at most.
Needs prefill and a verifier; otherwise a vote.
"""

from collections.abc import Sequence
from dataclasses import replace

from policies.operators import Tally
from policies.ports import Needs, Search, Strategy
from policies.structures import Graph, Node
from policies.tree_operators import evaluate, next_level, path_score, prune

from .weighted_vote import UNKNOWN


async def beam_search(search: Search) -> None:
    """Offer the leader of the answers, weighted by their scores, after every level that brought one."""
    plan, how = search.plan, aggregate(search)
    width = max(1, plan.n // plan.width)
    graph, tally = Graph(), Tally()
    active, best, reason = [graph.root], 0.0, "exhausted"
    for level in range(plan.depth):
        grown = await next_level(
            search.model, graph, active, plan.n, seed=level * plan.n, to_end=level == plan.depth - 1
        )
        await judge(search, grown)
        for node in grown:
            if node.ended:
                offer_answer(search, tally, node)
                best = max(best, path_score(node, how))
        active = prune((node for node in grown if not node.ended), width, how)
        search.note(f"step {level + 1}/{plan.depth} paths={len(active)} answers={tally.arrived}")
        if tally.arrived >= width:
            reason = "completed"
            break
        if not active:
            break
        if tally.arrived and how != "last" and best >= path_score(active[0], how):
            reason = "unbeatable"
            break
    search.stop(reason)


async def judge(search: Search, nodes: Sequence[Node]) -> None:
    """Score the nodes, if there is who can."""
    if search.value is not None:
        await evaluate(search.value, nodes)


def aggregate(search: Search) -> str:
    """Return what the step scores of a path say together: ``last``, ``min`` or ``prod``."""
    return "last" if search.plan.verifier is None else search.plan.verifier.aggregate


def offer_answer(search: Search, tally: Tally, node: Node) -> None:
    """Let a whole answer vote with its score, and offer the leader of the votes."""
    if node.candidate is None:
        return
    score = None if node.score is None else path_score(node, aggregate(search))
    weight = 1.0 if search.value is None else UNKNOWN if score is None else score
    tally.add(replace(node.candidate, score=score), weight)
    leader = tally.leader()
    if leader is not None:
        search.offer(leader, weight=tally.lead[0], agreement=tally.agreement)


BEAM_SEARCH = Strategy(
    "beam_search", beam_search, Needs(prefill=True, verifier=True), otherwise="vote", n=16
)
