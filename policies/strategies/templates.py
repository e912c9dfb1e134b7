"""``templates``: find the thought template that fits the question, then follow it (ReasonFlux, arXiv 2502.06772).

A template is a way of solving one kind of problem: the words of such problems, and the steps that solve them. The shipped
library is small, English, and written by us (``thought_templates.json``); ``search.templates`` of a tier adds to it. The
nearest template is found by shared words, rare ones counting more. When none is near enough, or the question asks for
prose, it is answered as it stands. The paper's navigator is a trained model; this is retrieval alone.

Use it for school and contest mathematics, puzzles and debugging with models that lose the thread: a template pays as
much as it raises the chance of each step, and nothing with a model that knows the way. Costs no extra call. Needs nothing.
"""

import json
import re
from functools import cache, lru_cache
from importlib.resources import files
from math import log

from policies.ports import Prompt, Search, Strategy
from policies.turns import with_hint
from policies.types import Template

LEAST_SCORE = 2.0
"""Below this a template shares too little with the question: about one telling word, or two everyday ones."""

EVERYDAY = 0.5
"""What an everyday word counts beside a telling one."""

_WORD = re.compile(r"[^\W\d_]{2,}")
_ENDINGS = re.compile(r"(?<=[^\W\d_]{3})(?:es|s)$")


async def templates(search: Search) -> None:
    """Offer the answer that follows the nearest template."""
    prose = search.task.kind == "text"
    template = None if prose else nearest(search.task.question, search.plan.templates)
    messages = None
    if template is not None:
        steps = "\n".join(f"{place}. {step}" for place, step in enumerate(template.steps, 1))
        hint = f"Template: {template.name}\n{steps}\n\nApply this template to the question where it fits, and answer."
        messages = with_hint(search.task.messages, hint)
    candidate = await search.model.generate(Prompt(messages=messages))
    if candidate is None:
        search.stop("budget")
        return
    search.offer(candidate)
    search.stop("no_template" if template is None else "done")


def nearest(question: str, own: tuple[Template, ...] = ()) -> Template | None:
    """Return the template that shares the most telling words with the question; ``None`` if too few.

    Args:
        question: In any language; the shipped templates know English words.
        own: More templates beside the shipped ones; of equally near ones they come first.
    """
    asked = words_of(question)
    library, rarity = _library(own)
    score, template = max(
        (
            (sum(weight * rarity[word] for word, weight in words.items() if word in asked), each)
            for each, words in library
        ),
        key=lambda pair: pair[0],
    )
    return template if score >= LEAST_SCORE else None


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text, folded and without plural endings."""
    return frozenset(_ENDINGS.sub("", word.casefold()) for word in _WORD.findall(text))


@lru_cache(maxsize=16)
def _library(
    own: tuple[Template, ...],
) -> tuple[list[tuple[Template, dict[str, float]]], dict[str, float]]:
    """Return every template with the weight of its words, and how telling each word is."""
    found = [(each, _weights(each)) for each in (*own, *shipped())]
    every = {word for _, words in found for word in words}
    # A word is the more telling the fewer templates have it: inverse document frequency.
    rarity = {word: log(len(found) / sum(word in words for _, words in found)) for word in every}
    return found, rarity


def _weights(template: Template) -> dict[str, float]:
    everyday = dict.fromkeys(words_of(template.also), EVERYDAY)
    return everyday | dict.fromkeys(words_of(template.applies), 1.0)


@cache
def shipped() -> tuple[Template, ...]:
    """Return the templates that come with the product."""
    raw = json.loads((files("policies.strategies") / "thought_templates.json").read_text("utf-8"))
    return tuple(
        Template(each["name"], each["applies"], tuple(each["steps"]), each["also"])
        for each in raw["templates"]
    )


TEMPLATES = Strategy("templates", templates)
