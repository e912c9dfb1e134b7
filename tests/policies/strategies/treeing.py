r"""A reasoner whose steps are a fixed tree, and a plain tree search over it to hold ours against.

Behind a beginning there are ``width`` next steps and no others; the k-th time it is asked it says the k-th. The text of a
node is its path, ``0\n\n2\n\n1``; a leaf is ``depth`` steps deep and an answer: ``0`` if every step on its way is right, else
``1``. To a cue it has nothing to say.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log, sqrt
from random import Random

from policies.ports import Prompt
from policies.strategies.mcts import CUES, DEPTH, FINISH, REPHRASE, STEP, SUBQUESTION, WIDTH
from policies.types import Candidate, SearchPlan
from tests.policies.strategies.stepping import StepSearch

END = "\n\n"


@dataclass(frozen=True)
class Labels:
    """Which steps are right, drawn once and for all: each with probability ``p``."""

    p: float
    seed: int

    def __getitem__(self, path: str) -> bool:
        return Random(f"{self.p} {self.seed} {path}").random() < self.p


class TreeSearch(StepSearch):
    """A search over a fixed tree."""

    def __init__(
        self,
        plan: SearchPlan,
        labels: Labels | Mapping[str, bool],
        width: int,
        depth: int,
        *,
        judged: bool = True,
    ) -> None:
        super().__init__(plan, judge=self._judge if judged else None)
        self.labels, self.width, self.depth = labels, width, depth
        self.times: Counter[str] = Counter()

    def said(self, prompt: Prompt) -> Candidate:
        """Return what is said to a prompt."""
        begun = prompt.begun or ""
        path = begun.split(END)
        if path.pop():
            return Candidate(begun, ended=False)
        if prompt.stop:
            path.append(str(self.times[begun] % self.width))
            self.times[begun] += 1
            if len(path) < self.depth:
                return Candidate(END.join(path), ended=False)
        rng = Random(f"{begun} {prompt.index}")
        while len(path) < self.depth:
            path.append(str(rng.randrange(self.width)))
        return Candidate(END.join(path), key="0" if self._holds("".join(path)) else "1")

    @property
    def solvable(self) -> bool:
        """There is a right leaf."""
        return self._leads("")

    def _leads(self, path: str) -> bool:
        if len(path) == self.depth:
            return True
        steps = (f"{path}{place}" for place in range(self.width))
        return any(self.labels[step] and self._leads(step) for step in steps)

    def _holds(self, path: str) -> bool:
        return all(self.labels[path[: end + 1]] for end in range(len(path)))

    @staticmethod
    def _judge(candidate: Candidate, steps: bool) -> float:
        return float(candidate.key == "0")


def reference(world: TreeSearch) -> TreeSearch:  # noqa: C901, PLR0915 - in one piece it is plainest
    """Search a world one rollout after the other, by another implementation; return the world."""
    n, cap = world.plan.n, min(world.plan.width, WIDTH)
    parent: dict[str, str | None] = {"": None}
    children: dict[str, list[str]] = defaultdict(list)
    visits: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    found: dict[str, list[Candidate]] = defaultdict(list)
    votes: dict[str, float] = {}

    def todo(text: str) -> list[str]:
        if text and not text.endswith(END):
            return []
        if text.count(END) >= min(world.plan.depth, DEPTH) - 1:
            return [FINISH]
        cues = [] if text else [REPHRASE, SUBQUESTION]
        return [FINISH, STEP, *cues, *[STEP] * (cap - 1)]

    def spent(text: str) -> bool:
        return tried[text] >= len(todo(text)) and all(spent(child) for child in children[text])

    def worth(answer: Candidate) -> float:
        if world.judge is not None:
            return world.judge(answer, False) or 0.0
        return votes[answer.key or ""] / sum(votes.values())

    def bound(text: str) -> float:
        bonus = 1.4 * sqrt(log(visits[parent[text] or ""]) / visits[text])
        return sum(map(worth, found[text])) / visits[text] + bonus

    def say(begun: str, action: str, index: int) -> Candidate:
        stop = () if action == FINISH else (END,)
        world.asked.append(Prompt(begun=begun + CUES.get(action, ""), index=index, stop=stop))
        return world.said(world.asked[-1])

    def add(text: str, above: str) -> bool:
        if text in parent:
            return False
        parent[text] = above
        children[above].append(text)
        return True

    for rollout in range(n):
        if spent(""):
            break
        here = ""
        while below := [child for child in children[here] if not spent(child)]:
            if tried[here] < min(len(todo(here)), ceil(1.5 * sqrt(visits[here]))):
                break
            here = max(below, key=bound)
        action = todo(here)[tried[here]]
        tried[here] += 1
        said, end = say(here, action, 2 * rollout), here
        if not said.ended and action == STEP and add(said.text + END, here):
            end = said.text + END
            tried[end] = 1
            said = say(end, FINISH, 2 * rollout + 1)
        is_new = said.ended and add(said.text, end)
        above: str | None = said.text if is_new else end
        while above is not None:
            visits[above] += 1
            found[above] += [said] if said.ended else []
            above = parent[above]
        if is_new:
            weight = 1.0 if world.judge is None else worth(said)
            votes[said.key or ""] = votes.get(said.key or "", 0.0) + weight
            lead = max(votes, key=votes.__getitem__)
            world.offer(Candidate("", key=lead), weight=votes[lead])
            most, second, *_ = *sorted(votes.values(), reverse=True), 0.0
            if most - second > n - len(world.offers):
                break
    return world
