"""A model whose answers are written down by the test, behind the lab's engine: for words that the lab does not speak."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from policies.types import SearchPlan
from router.search import Solve
from tests.lab.backend import Job, LabBackend
from tests.lab.clock import run
from tests.lab.problem import Problem
from tests.lab.solving import Lab
from tests.lab.speech import plainly

Body = Mapping[str, Any]


@dataclass
class Scripted(LabBackend):
    """One such model.

    Attributes:
        says: From the body of a call and its number to the answer.
    """

    says: Callable[[Body, int], str] = lambda body, number: ""

    def _job(self, body: Body, number: int) -> Job:
        return Job(number, [plainly(self.says(body, number))], len(str(body["messages"]).split()))


def told(body: Body) -> str:
    """Return the last turn of a call."""
    text: str = body["messages"][-1]["content"]
    return text


def search(
    backend: LabBackend, plan: SearchPlan, body: Body | None = None, question: str = "", **tier: Any
) -> tuple[str, Solve]:
    """Return the answer to a question and the search that found it.

    Args:
        backend: Answers.
        plan: The strategy.
        body: Fields of the client's body.
        question: In place of a problem of the lab.
        tier: Fields of the tier.
    """
    lab = Lab(backends=(backend,), body=body or {}, tier=tier)

    async def main() -> tuple[str, Solve]:
        solve = lab.search(Problem(), plan, question=question)
        found = await solve.run()
        return found["choices"][0]["message"]["content"] or "", solve

    return run(main())
