"""Measures how often the tier stays when only the form or the language of a question changes.

    python -m router.kept_tiers --questions Q --config deploy/replay.yaml

Questions of the dev split, routed by the configuration's policy, dial and prices: the score's own bands are the same for everybody, tiers
are not. Everyday asks (``meta.assumed`` is ``easy``) belong on the cheapest tier in every language.
"""

import argparse
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from classifier.scorer import Scorer
from classifier.training.dataset import DataError, Question, read_questions
from classifier.training.robustness import CHANGES
from classifier.types import Ask
from policies.routing import Routing, decide
from policies.types import Query

from .bootstrap import build_routing
from .errors import ConfigError
from .prices import PriceTable
from .settings import load_settings

MOST_CHANGED = 500
LEAST_OF_LANGUAGE = 20

FILLERS: Mapping[str, tuple[str, ...]] = {
    "Latin": (
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
        "Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris.",
        "Excepteur sint occaecat cupidatat non proident.",
    ),
    "encyclopaedia": (
        "The harbour town lies on the western shore of a long bay.",
        "In the nineteenth century it was known for its shipyards, and later for its canneries.",
        "A tram runs along the quay in summer.",
    ),
    "notices": (
        "Please note that this message was sent automatically.",
        "For more information, contact our support team or visit our website.",
        "All rights reserved.",
    ),
    "chat": (
        "Hey! Hope you're doing great today.",
        "I've been having a really long day at work and I just got home.",
        "Thanks so much in advance, you're awesome!",
    ),
    "other languages": (
        "Am Wochenende fahren wir ans Meer.",
        "Il fait beau et les enfants jouent dehors.",
        "Сегодня в офисе очень тихо.",
        "今天早上我喝了咖啡。",
    ),
    "lines of marks": ("-----", "....", "=======", "* * *", "______"),
}
"""Kinds of filler; no training copy holds a sentence of theirs."""


def report(questions: Sequence[Question], routing: Routing, scorer: Scorer) -> Iterator[str]:
    """Yield the lines of the report.

    Args:
        questions: At least one.
        routing: Tiers, policy and dial.
        scorer: Scores the questions.
    """
    yield f"policy {routing.policy}, dial {routing.dial}, {len(questions)} questions"
    siblings: dict[str, list[Question]] = {}
    for question in questions:
        if parallel := question.meta.get("parallel_id"):
            siblings.setdefault(str(parallel), []).append(question)
    same: list[tuple[str, bool]] = []
    for group in siblings.values():
        found = tiers([question.prompt for question in group], routing, scorer)
        usual = max(dict.fromkeys(found), key=found.count)
        if len(group) > 1:
            languages = (question.language for question in group)
            same += zip(languages, (tier == usual for tier in found), strict=True)
    yield from _by_language("same tier as most translations", same)
    easy = [question for question in questions if question.meta.get("assumed") == "easy"]
    found = tiers([question.prompt for question in easy], routing, scorer)
    cheap = (tier == routing.tiers[0].name for tier in found)
    languages = (question.language for question in easy)
    yield from _by_language(
        "everyday asks on the cheapest tier", list(zip(languages, cheap, strict=True))
    )
    yield from _kept([question.prompt for question in questions], routing, scorer)


def tiers(prompts: Sequence[str], routing: Routing, scorer: Scorer) -> list[str]:
    """Return the name of every prompt's tier."""
    asks = [Ask(prompt) for prompt in prompts]
    return [
        decide(
            routing,
            score,
            Query({"messages": [{"role": "user", "content": ask.text}]}, "auto", ask),
        ).tier.name
        for ask, score in zip(asks, scorer.score_batch(asks), strict=True)
    ]


def _by_language(title: str, flags: Sequence[tuple[str, bool]]) -> Iterator[str]:
    """Yield the share of true flags, and the languages that have enough of them, lowest first."""
    if not flags:
        return
    of_language: dict[str, list[bool]] = {}
    for language, flag in flags:
        of_language.setdefault(language, []).append(flag)
    shares = {
        language: sum(found) / len(found)
        for language, found in of_language.items()
        if len(found) >= LEAST_OF_LANGUAGE
    }
    ordered = sorted(shares, key=lambda language: (shares[language], language))
    every = sum(flag for _, flag in flags) / len(flags)
    yield f"{title}: {every:.3f} of {len(flags)}"
    yield "  " + ", ".join(f"{language} {shares[language]:.2f}" for language in ordered)


def _kept(prompts: Sequence[str], routing: Routing, scorer: Scorer) -> Iterator[str]:
    """Yield the share of prompts that keep their tier under every change and filler."""
    rng = random.Random(1)  # noqa: S311 - a reproducible draw, no secret
    drawn = rng.sample(prompts, min(len(prompts), MOST_CHANGED))
    before = tiers(drawn, routing, scorer)

    def kept(changed: Sequence[str]) -> str:
        after = tiers(changed, routing, scorer)
        return f"{sum(a == b for a, b in zip(before, after, strict=True)) / len(before):.3f}"

    yield f"tier kept by {len(drawn)} questions"
    for name, change in CHANGES.items():
        yield f"  {name:16} {kept([change(prompt, rng) for prompt in drawn])}"
    for name, sentences in FILLERS.items():
        glue = "\n" if name == "lines of marks" else " "
        filler = [glue.join(rng.choices(sentences, k=rng.randrange(1, 6))) for _ in drawn]
        first = [f"{text}\n\n{prompt}" for text, prompt in zip(filler, drawn, strict=True)]
        last = [f"{prompt}\n\n{text}" for text, prompt in zip(filler, drawn, strict=True)]
        yield f"  {name:16} {kept(first)} before, {kept(last)} after"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(
        prog="router.kept_tiers", description="Measure how often the tier stays."
    )
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    options = parser.parse_args(argv)
    try:
        routing = build_routing(load_settings(options.config), PriceTable.load())
        questions = [q for q in read_questions(options.questions) if q.split != "train"]
    except (ConfigError, DataError) as error:
        parser.error(str(error))
    if not questions:
        parser.error(f"{options.questions}: no question of the dev split to route")
    scorer = Scorer.load(providers=["CPUExecutionProvider"])
    lines = report(questions, routing, scorer)
    for line in track(lines, "routing", console=Console(stderr=True), transient=True):
        print(line, flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    main()
