"""``templates``: find the thought template that fits the question, then follow it (ReasonFlux, arXiv 2502.06772).

A template is a way of solving one kind of problem: when it applies, and its steps. The library that is shipped is small
and written by us (``thought_templates.json``); more can be added there. The nearest template is found by shared words with
its description and examples; when none is near enough, or the model is asked for prose, the question is answered as it
stands. The paper's navigator is a trained model; this is retrieval alone.

Use it for school and contest mathematics, puzzles and debugging with models that lose the thread. Needs nothing.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import log

from policies.ports import Prompt, Search, Strategy
from policies.turns import with_hint

LEAST_SCORE = 2.0
"""Below this the nearest template shares too little with the question: about two telling words."""

_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class Template:
    """A way of solving one kind of problem.

    Attributes:
        name: For the report.
        applies: What the problem is like, in the words of such problems.
        steps: What to do, in order.
    """

    name: str
    applies: str
    steps: tuple[str, ...]


async def templates(search: Search) -> None:
    """Offer the answer that follows the nearest template."""
    template = nearest(search.task.question)
    messages = None
    if template is not None and search.task.kind not in ("text", "code"):
        steps = "\n".join(f"{place}. {step}" for place, step in enumerate(template.steps, 1))
        hint = f"Template: {template.name}\n{steps}\n\nApply this template to the question where it fits, and answer."
        messages = with_hint(search.task.messages, hint)
    candidate = await search.model.generate(Prompt(messages=messages))
    if candidate is None:
        search.stop("budget")
        return
    search.offer(candidate)
    search.stop("no_template" if messages is None else "done")


def nearest(question: str) -> Template | None:
    """Return the template that shares the most telling words with the question; ``None`` if too few."""
    asked = words_of(question)
    library, rarity = _library()
    scored = [(sum(rarity[word] for word in asked & words), t) for t, words in library]
    score, template = max(scored, key=lambda pair: pair[0])
    return template if score >= LEAST_SCORE else None


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text, folded and without plural endings."""
    return frozenset(word.casefold().removesuffix("s") for word in _WORD.findall(text))


@cache
def _library() -> tuple[list[tuple[Template, frozenset[str]]], dict[str, float]]:
    raw = json.loads((files("policies.strategies") / "thought_templates.json").read_text("utf-8"))
    found = [Template(t["name"], t["applies"], tuple(t["steps"])) for t in raw["templates"]]
    words = [words_of(f"{t.name} {t.applies}") for t in found]
    # A word is the more telling the fewer templates have it: inverse document frequency.
    every = frozenset().union(*words)
    rarity = {word: log(len(found) / sum(word in each for each in words)) for word in every}
    return list(zip(found, words, strict=True)), rarity


TEMPLATES = Strategy("templates", templates)
