"""Reasoning structures: chains, trees and graphs, as nodes that may be shared (arXiv 2501.11223).

A node is the visible answer up to some step. A chain is a node with its ancestors; a tree is what grows when
nodes are extended; a graph is a tree in which the same text is the same node, whichever way led there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from .types import Candidate


@dataclass(slots=True, eq=False)
class Node:
    """One state of a reasoning: a beginning of an answer, or a whole one.

    Attributes:
        text: The answer up to here.
        parent: The node it was extended from first; ``None`` at the root.
        children: What it was extended to, in the order they came.
        candidate: The generation that ended here; ``None`` at the root.
        action: Which operator made it, where a strategy has several.
        score: What a verifier thinks of it; ``None`` is not judged.
        visits: Times a search passed through it.
        pending: Searches on their way through it now: each counts as a loss until it is back.
        tried: Times it was extended, in vain too.
        answers: The whole answers that those who passed through it found.
    """

    text: str = ""
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)
    candidate: Candidate | None = None
    action: str = ""
    score: float | None = None
    visits: int = 0
    pending: int = 0
    tried: int = 0
    answers: list["Node"] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """It is a whole answer."""
        return self.candidate is not None and self.candidate.ended

    @property
    def depth(self) -> int:
        """Steps from the root."""
        return sum(1 for _ in self.chain()) - 1

    def chain(self) -> Iterator["Node"]:
        """Iterate over the node and its ancestors, up to the root."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    @property
    def step_scores(self) -> list[float]:
        """Scores along the chain, first step first; steps that were not judged are left out."""
        return [n.score for n in self.chain() if n.score is not None][::-1]


class Graph:
    """Nodes by their text: what two ways lead to is one node, judged and extended once."""

    def __init__(self) -> None:
        self.root = Node()
        self._nodes = {"": self.root}

    def add(self, parent: Node, candidate: Candidate, action: str = "") -> tuple[Node, bool]:
        """Return the node of ``candidate`` below ``parent``, and whether it is new."""
        node = self._nodes.get(candidate.text)
        if node is not None:
            return node, False
        node = Node(candidate.text, parent, candidate=candidate, action=action)
        self._nodes[node.text] = node
        parent.children.append(node)
        return node, True

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __len__(self) -> int:
        return len(self._nodes)
