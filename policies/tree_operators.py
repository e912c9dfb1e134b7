"""Operators on trees of steps (arXiv 2501.11223, section 4).

generate    next steps behind a beginning                         extend, next_steps, next_level
evaluate    scores of answers or of steps                         evaluate, path_score
select      the child that looks best for what was tried          uct
prune       the best few, the same text once                      prune
update      what a visit brought, to all that led to it           enter, leave, update
restructure the same state reached twice is one node              structures.Graph
backtrack   the nearest ancestor that is still open               backtrack

A step ends at ``STEP_DELIMITER`` in the visible answer, so models are told not to think apart. Each call sends its
prefix again: at step d it reads d - 1 steps to write one, so a path of d steps reads (d - 1) / 2 times what it writes.
Prompts count as cost and not as completion tokens: there is no meter for them here but the ledger's, ``max_cost_usd``.
Servers that go on behind a beginning nearly always cache prefixes.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from math import log, prod, sqrt
from typing import Any

from .operators import run_each
from .ports import PolicyModel, Prompt, ValueModel
from .structures import Graph, Node
from .types import Candidate

STEP_DELIMITER = "\n\n"
"""Between two steps of a visible reasoning, in every reasoner's habit."""

STEP_TOKENS = 256
"""A step that is longer is cut: it has lost its way."""

REST_TOKENS = 1024
"""For all the steps that are missing, where they are asked for in one go."""


async def extend(
    model: PolicyModel,
    graph: Graph,
    node: Node,
    *,
    seed: int,
    to_end: bool = False,
    action: str = "",
    cue: str = "",
) -> tuple[Node, bool] | None:
    """Sample one next step behind ``node``; return its node and whether it is new.

    Args:
        model: Who generates; it must be able to go on behind a beginning.
        graph: Where the nodes are kept.
        node: A beginning.
        seed: Makes samples differ.
        to_end: Ask for all the rest of the answer instead.
        action: Noted on the node.
        cue: Words that the step must begin with.

    Returns:
        ``None`` where it brought nothing to go on from: no budget, a failed call, no word, or a text cut by its
        length, which is neither a step nor an answer.
    """
    prompt = Prompt(
        index=seed,
        begun=node.text + cue,
        stop=() if to_end else (STEP_DELIMITER,),
        max_tokens=REST_TOKENS if to_end else STEP_TOKENS,
        thinking="off",
    )
    candidate = await model.generate(prompt)
    if candidate is not None and prompt.stop and not cue and _is_blank(candidate, node):
        # A chat template that trims the beginning (Llama 3's) makes the model repeat the delimiter, and stop there.
        again = await model.generate(replace(prompt, stop=()))
        candidate = None if again is None else _first_step(again, node)
    return None if candidate is None else grow(graph, node, candidate, action=action, cue=cue)


def _is_blank(candidate: Candidate, node: Node) -> bool:
    was_stopped = candidate.complete and not candidate.ended
    return was_stopped and not candidate.text[len(node.text) :].strip()


def _first_step(candidate: Candidate, node: Node) -> Candidate:
    """Return the first step of what a generation that nothing stopped added; the whole if it is the last."""
    step, found, _ = candidate.text[len(node.text) :].lstrip().partition(STEP_DELIMITER)
    if not found or candidate.failed:
        return candidate
    return replace(candidate, text=node.text + step, complete=True, ended=False)


def grow(
    graph: Graph, node: Node, candidate: Candidate, *, action: str = "", cue: str = ""
) -> tuple[Node, bool] | None:
    """Add what a generation behind ``node`` brought; see ``extend``."""
    if candidate.failed or not candidate.complete:
        return None
    begun = node.text + cue
    if not candidate.text[len(begun) :].strip():
        if cue or not candidate.ended or node.parent is None:
            return None
        candidate = replace(candidate, text=begun.rstrip())  # its last step was the end
    elif not candidate.ended:
        candidate = replace(candidate, text=candidate.text.rstrip() + STEP_DELIMITER)
    return graph.add(node, candidate, action)


async def next_steps(
    model: PolicyModel, graph: Graph, node: Node, count: int, *, seed: int, to_end: bool = False
) -> list[Node]:
    """Extend ``node`` by ``count`` next steps, sampled in parallel; return those that are new.

    Args:
        model: Who generates.
        graph: Where the nodes are kept.
        node: A beginning.
        count: Samples.
        seed: Of the first sample; the others count on from it.
        to_end: See ``extend``.
    """
    found: list[Node] = []
    seeds = iter(range(seed, seed + count))

    def start() -> Coroutine[Any, Any, tuple[Node, bool] | None] | None:
        each = next(seeds, None)
        return None if each is None else extend(model, graph, node, seed=each, to_end=to_end)

    def take(grown: tuple[Node, bool] | None) -> bool:
        if grown is not None and grown[1]:
            found.append(grown[0])
        return False

    await run_each(start, take, first=count)
    return found


async def next_level(
    model: PolicyModel,
    graph: Graph,
    nodes: Sequence[Node],
    count: int,
    *,
    seed: int,
    to_end: bool = False,
) -> list[Node]:
    """Extend all ``nodes`` by ``count`` next steps together, shared evenly, the first ones more; see ``next_steps``."""
    each, more = divmod(count, len(nodes))
    async with asyncio.TaskGroup() as group:
        tasks = []
        for place, node in enumerate(nodes):
            share = each + (place < more)
            steps = next_steps(model, graph, node, share, seed=seed, to_end=to_end)
            tasks.append(group.create_task(steps))
            seed += share
    return [node for task in tasks for node in task.result()]


async def evaluate(value: ValueModel, nodes: Sequence[Node]) -> None:
    """Judge the nodes that were not judged yet; whole answers as answers, the rest as steps."""
    for steps in (False, True):
        unjudged = [
            (node, node.candidate)
            for node in nodes
            if node.score is None and node.candidate is not None and node.ended is not steps
        ]
        if unjudged:
            scores = await value.score([candidate for _, candidate in unjudged], steps=steps)
            for (node, _), score in zip(unjudged, scores, strict=True):
                node.score = score


def path_score(node: Node, how: str = "last") -> float:
    """Return what the scores along a chain say of it together; 0 where nothing was judged.

    Args:
        node: The end of the chain.
        how: ``last`` for verifiers trained on outcomes, ``min`` or ``prod`` for those trained on steps.
    """
    scores = node.step_scores
    if not scores:
        return 0.0
    return {"last": scores[-1], "min": min(scores), "prod": prod(scores)}[how]


def prune(nodes: Iterable[Node], keep: int, how: str = "last") -> list[Node]:
    """Return the ``keep`` nodes of the highest score, the same text once, earlier ones first among equals."""
    by_text = {node.text: node for node in nodes}
    return sorted(by_text.values(), key=lambda node: -path_score(node, how))[:keep]


def uct(children: Sequence[Node], explore: float, reward: Callable[[Node], float]) -> Node:
    """Return the child to visit next: unvisited ones first, then mean reward plus an exploration bonus.

    Upper confidence bound for trees (Kocsis and Szepesvari, 2006): Q / N + c sqrt(ln(parent's N) / N). Searches under
    way count as visits that lost 1, so parallel ones spread (virtual loss).

    Args:
        children: Of one parent, at least one.
        explore: c.
        reward: Of an answer, as it is seen now: it may have changed since the answer was found.
    """
    parent = children[0].parent
    times = 1 if parent is None else max(1, parent.visits + parent.pending)

    def bound(child: Node) -> float:
        visits = child.visits + child.pending
        if visits == 0:
            return float("inf")
        gained = sum(reward(answer) for answer in child.answers) - child.pending
        return gained / visits + explore * sqrt(log(times) / visits)

    return max(children, key=bound)


def enter(node: Node) -> None:
    """Note that a search is on its way through the node and all that led to it."""
    for each in node.chain():
        each.pending += 1


def leave(node: Node) -> None:
    """Take back what ``enter`` noted."""
    for each in node.chain():
        each.pending -= 1


def update(node: Node, answer: Node | None) -> None:
    """Add one visit, and the answer it found if any, to the node and to all that led to it."""
    for each in node.chain():
        each.visits += 1
        if answer is not None:
            each.answers.append(answer)


def backtrack(node: Node, is_open: Callable[[Node], bool]) -> Node | None:
    """Return the nearest ancestor for which ``is_open`` holds, the node itself included."""
    return next((each for each in node.chain() if is_open(each)), None)
