"""``dvts``: diverse verifier tree search, independent greedy subtrees that vote (search-and-learn).

There are ``n / width`` subtrees. Each samples ``width`` next steps behind its one path, keeps the one that the verifier
likes best, and so on to an answer or to ``depth`` steps, where the rest is asked for in one go. Answers vote with their
scores as they arrive; steps that were not chosen are gone, and so is a subtree that finds no answer. Subtrees share
nothing and wait for nothing, so over HTTP this is the tree search to prefer.

Use it on hard questions with a process verifier that may have blind spots: a vote over subtrees forgives them, the one
beam of ``beam_search`` does not. What the prefixes cost that it sends again: see ``tree_operators``.
Defaults: n 16, width 4, depth 24, steps of 256 tokens at most. Needs prefill and a verifier; otherwise a vote.
"""

from collections.abc import Coroutine
from typing import Any

from policies.operators import Tally, run_each
from policies.ports import Needs, Search, Strategy
from policies.structures import Graph, Node
from policies.tree_operators import next_steps, prune

from .beam_search import aggregate, judge, offer_answer
from .stopping import StopRule, any_of, beta, certain


async def dvts(search: Search) -> None:
    """Offer the leader of the answers, weighted by their scores, after every subtree."""
    trees = max(1, search.plan.n // search.plan.width)
    tally, rule = Tally(), votes_enough(search, trees)
    waiting = iter(range(trees))

    def start() -> Coroutine[Any, Any, Node | None] | None:
        tree = next(waiting, None)
        return None if tree is None else _subtree(search, tree)

    def take(answer: Node | None) -> bool:
        if answer is not None:
            offer_answer(search, tally, answer)
        search.note(f"answers={tally.arrived}/{trees} votes={tally.lead[0]:.2g}")
        return rule(tally) is not None

    await run_each(start, take, first=trees, ahead=trees)
    search.stop(rule(tally) or "exhausted")


async def _subtree(search: Search, tree: int) -> Node | None:
    """Return the answer of one greedy subtree, ``None`` if it finds none."""
    plan, graph = search.plan, Graph()
    node = graph.root
    for level in range(plan.depth):
        seed = (tree * plan.depth + level) * plan.width
        to_end = level == plan.depth - 1
        steps = await next_steps(search.model, graph, node, plan.width, seed=seed, to_end=to_end)
        if not steps:
            return None
        await judge(search, steps)
        (node,) = prune(steps, 1, aggregate(search))
        if node.ended:
            return node
    return None


def votes_enough(search: Search, n: int) -> StopRule:
    """Return the rule that ends a weighted vote of ``n`` answers early: certainty, and ``beta`` where planned."""
    rules = [certain(n), beta()] if search.plan.stop == "beta" else [certain(n)]
    return any_of(rules)


DVTS = Strategy("dvts", dvts, Needs(prefill=True, verifier=True), otherwise="vote", n=16)
