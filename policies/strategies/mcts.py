"""``mcts``: Monte Carlo tree search over reasoning actions (rStar, arXiv 2408.06195; UCT, Kocsis and Szepesvari, 2006).

A rollout walks down by UCT (c = 1.4) to a node that may still be extended, takes the next action there and finishes
the new beginning in one go, so each brings an answer. Actions are the next step, the rest of the answer, a sub-question
and, at the root, the question in other words; the last two are cues that a step must begin with. A node may be extended
1.5 sqrt(visits) times, rounded up, and by ``width`` plain steps at most (progressive widening).

The reward of an answer is its verifier's score or, without a verifier, the share of that answer among all so far. That
share changes with every answer, so means are taken anew at each selection. Parallel rollouts spread by virtual losses.
The outcome is a vote over all answers, weighted by scores: not the child with the most visits. It ends when the vote is
certain or settled (``beta``), after ``n`` rollouts, or when no action is left to try.

If the plan names a ladder, answers are checked against another tier's model (rStar's mutual consistency): it goes on
behind 20 % to 50 % of the words of an answer, and an answer that half of its completions repeat outweighs the others.

Experimental. On hard questions it beats one sample and a plain vote by far, and at equal tokens is about as good as
``weighted_vote``; with a verifier of steps ``dvts`` is better. Defaults: n 16, width 3 and depth 6 at most.
Needs prefill and answers that can be told equal; otherwise a vote. Asking to "continue from here" in a new turn is no
substitute: models then restate and revise, and what was scored is not what they go on from.
"""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from math import ceil, sqrt
from typing import Any

from policies.operators import Tally, collector, generate_each, run_each
from policies.ports import Needs, PolicyModel, Prompt, Search, Strategy
from policies.structures import Graph, Node
from policies.tree_operators import (
    REST_TOKENS,
    backtrack,
    enter,
    extend,
    leave,
    uct,
    update,
)
from policies.types import Candidate

from .beam_search import judge, offer_answer
from .dvts import votes_enough
from .weighted_vote import UNKNOWN

EXPLORE = 1.4
WIDENING = 1.5
WIDTH, DEPTH = 3, 6
AT_ONCE = 4
"""Rollouts in parallel: each that starts before another is back knows less."""

STEP, FINISH, SUBQUESTION, REPHRASE = "step", "finish", "subquestion", "rephrase"

CUES: Mapping[str, str] = {
    SUBQUESTION: "A smaller question to settle first is",
    REPHRASE: "In other words, the question asks",
}
"""Without a colon at their end: that would ask for the answer at once."""

PREFIXES = (0.2, 0.3, 0.4, 0.5)
CHECKED = 3
"""Answers that another model checks, the leading ones."""


async def mcts(search: Search) -> None:
    """Offer the leader of the answers after every rollout."""
    await Rollouts(search).run()


@dataclass(slots=True)
class Rollouts:
    """One search, its tree and its votes.

    Attributes:
        search: What is searched.
        at_once: Rollouts in parallel.
        graph: The tree.
        tally: The answers' votes.
        left: Rollouts that may still be started.
        closed: Nodes below which nothing is left to try.
    """

    search: Search
    at_once: int = AT_ONCE
    graph: Graph = field(default_factory=Graph)
    tally: Tally = field(default_factory=Tally)
    left: int = field(init=False)
    closed: set[Node] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.left = self.search.plan.n

    async def run(self) -> None:
        """Roll out until the answers are settled or nothing is left to try."""
        search, rule = self.search, votes_enough(self.search, self.search.plan.n)

        def take(answer: Node | None) -> bool:
            if answer is not None:
                offer_answer(search, self.tally, answer)
            search.note(f"{self.tally.arrived}/{search.plan.n} nodes={len(self.graph)}")
            return rule(self.tally) is not None

        await run_each(self._start, take, first=self.at_once, ahead=self.at_once)
        await self._vouch()
        search.stop(rule(self.tally) or "exhausted")

    def _start(self) -> Coroutine[Any, Any, Node | None] | None:
        node = self.select() if self.left else None
        if node is None:
            return None
        action = self.actions(node)[node.tried]
        seed = 2 * (self.search.plan.n - self.left)
        self.left -= 1
        node.tried += 1
        enter(node)
        return self._roll_out(node, action, seed)

    def select(self) -> Node | None:
        """Return the node to extend; ``None`` while all that could be are being extended."""
        node = self.graph.root
        while not self._may_widen(node):
            below = [c for c in node.children if not c.ended and c not in self.closed]
            if not below:
                return backtrack(node, self._is_untried)
            node = uct(below, EXPLORE, self.reward)
        return node

    def reward(self, answer: Node) -> float:
        """Return what an answer is worth by now, in [0, 1]."""
        if self.search.value is not None:
            return UNKNOWN if answer.score is None else answer.score
        votes, candidate = self.tally.votes, answer.candidate
        if candidate is None or candidate.key not in votes:
            return 0.0
        return votes[candidate.key] / sum(votes.values())

    def actions(self, node: Node) -> list[str]:
        """Return what may be done at a node, in the order it is tried."""
        plan = self.search.plan
        if node.ended:
            return []
        if node.depth >= min(plan.depth, DEPTH) - 1:
            return [FINISH]
        first, *others = [STEP] * min(plan.width, WIDTH)
        asked = [] if node.action == STEP else [SUBQUESTION]
        reworded = [REPHRASE] if node is self.graph.root else []
        return [FINISH, first, *reworded, *asked, *others]

    def _is_untried(self, node: Node) -> bool:
        return node.tried < len(self.actions(node))

    def _may_widen(self, node: Node) -> bool:
        times = node.visits + node.pending
        return self._is_untried(node) and node.tried < max(1, ceil(WIDENING * sqrt(times)))

    async def _roll_out(self, node: Node, action: str, seed: int) -> Node | None:
        """Take an action at a node, finish what it began, and update all that led there; return a new answer."""
        end, answer = node, None
        try:
            found, is_new = await self._take(node, action, seed)
            if found is not None and is_new:
                end = _moved(node, found)
                if not found.ended:
                    found.tried = 1
                    found, is_new = await self._take(end, FINISH, seed + 1)
            if found is not None and found.ended:
                answer = found
                if is_new:
                    end = _moved(end, answer)
                    await judge(self.search, [answer])
        finally:
            leave(end)
        update(end, answer)
        self._close(end)
        return answer if answer is end else None

    async def _take(self, node: Node, action: str, seed: int) -> tuple[Node | None, bool]:
        """Return what an action at a node leads to, and whether that is new."""
        model, to_end, cue = self.search.model, action == FINISH, CUES.get(action, "")
        grown = await extend(
            model, self.graph, node, seed=seed, to_end=to_end, action=action, cue=cue
        )
        return grown or (None, False)

    def _close(self, node: Node) -> None:
        for each in node.chain():
            is_idle = each.pending == 0 and not self._is_untried(each)
            if is_idle and all(child in self.closed for child in each.children):
                self.closed.add(each)

    async def _vouch(self) -> None:
        """Offer the leading answer that another tier's model repeats, if the plan names tiers."""
        search, votes = self.search, self.tally.votes
        others = [m for m in search.ladder if m.name != search.model.name and m.can.prefill]
        if not search.plan.ladder or not others or self.tally.agreement in (0.0, 1.0):
            return
        for key, _ in self.tally.ranked[:CHECKED]:
            if await _repeats(others[0], self.tally.shown[key].text, key):
                total = sum(votes.values())
                # Vouched for, it outweighs whatever led before.
                search.offer(
                    self.tally.shown[key], weight=total + votes[key], agreement=votes[key] / total
                )
                return


async def _repeats(model: PolicyModel, text: str, key: str) -> bool:
    """Return whether at least half of a model's completions of the text's beginnings give its answer."""
    words = text.split(" ")
    prompts = [
        Prompt(
            index=place,
            begun=" ".join(words[: max(1, round(share * len(words)))]),
            max_tokens=REST_TOKENS,
            thinking="off",
        )
        for place, share in enumerate(PREFIXES)
    ]
    completed: list[Candidate] = []
    await generate_each(model, prompts, collector(completed), first=len(prompts))
    return 2 * sum(candidate.key == key for candidate in completed) >= len(PREFIXES)


def _moved(here: Node, there: Node) -> Node:
    """Move a rollout on its way from one node to another; return that."""
    leave(here)
    enter(there)
    return there


MCTS = Strategy("mcts", mcts, Needs(prefill=True, votable=True), otherwise="vote", n=16)
