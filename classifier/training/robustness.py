"""How often a score stays in its band when only the form of a question changes.

The ten changes of the robustness suite and padding; their words are not those training copies use.
"""

import random
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.training.augment import misspelt, unpunctuated
from classifier.training.dataset import Question

BANDS = (0.2, 0.5)
"""Difficulties where the band changes: a stand-in for tiers, which depend on models and prices."""

Difficulties = Callable[[Sequence[str]], NDArray[np.float64]]
"""Texts -> difficulty in [0, 1]."""

Change = Callable[[str, random.Random], str]

_EMOJI = "🙂🎉🤔👍🚀😅🔥🙏"
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
_BLANKS = (" ", "  ", "\n", "\t", "   ")
_POLITE = (
    "Would you mind helping me out here? {}",
    "{} I'd be ever so grateful.",
    "Kindly assist: {}",
    "Sorry to bother you, but {} Cheers!",
    "If it isn't too much trouble: {}",
)
_PARAPHRASES = (
    "Here is something I want to know. {}",
    "Question for you: {}",
    "My request is this.\n{}\nWhat do you say?",
    "{}\n\nGive me your reply to the above.",
    "I have been asked the following and need a reply: {}",
)
_QUOTES = ("“{}”", "«{}»", "'{}'", "„{}“", '"{}"')
_MARKDOWN = ("***{}***", "### Task\n\n{}", "- {}", "```\n{}\n```", "> {}\n", "1. {}", "_{}_")
_CHATTER = (
    "We went to the lake on Sunday and had sandwiches there.",
    "Somebody left the window open again.",
    "I'm on the train right now, so the connection may drop.",
    "The new chairs in the office are quite comfortable.",
    "Later I will call my sister.",
)


def _cased(text: str, rng: random.Random) -> str:
    return rng.choice((str.upper, str.lower, str.title, str.swapcase))(text)


def _with_emoji(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    for _ in range(rng.randrange(1, 4)):
        words.insert(rng.randrange(len(words) + 1), rng.choice(_EMOJI))
    return " ".join(words)


def _with_zero_width(text: str, rng: random.Random) -> str:
    return "".join(c + (rng.choice(_ZERO_WIDTH) if rng.random() < 1 / 10 else "") for c in text)


def _respaced(text: str, rng: random.Random) -> str:
    spaced = "".join(rng.choice(_BLANKS) if c == " " and rng.random() < 1 / 5 else c for c in text)
    return rng.choice(("{}", "\n\n{}", "  {}  ", "{}\n\n\n")).replace("{}", spaced)


def _framed(frames: Sequence[str]) -> Change:
    return lambda text, rng: rng.choice(frames).replace("{}", text)


def _chatter_before(text: str, rng: random.Random) -> str:
    return f"{' '.join(rng.choices(_CHATTER, k=rng.randrange(1, 5)))}\n\n{text}"


def _chatter_after(text: str, rng: random.Random) -> str:
    return f"{text}\n\n{' '.join(rng.choices(_CHATTER, k=rng.randrange(1, 5)))}"


CHANGES: Mapping[str, Change] = {
    "case": _cased,
    "punctuation": unpunctuated,
    "typos": misspelt,
    "emoji": _with_emoji,
    "zero width": _with_zero_width,
    "politeness": _framed(_POLITE),
    "paraphrase": _framed(_PARAPHRASES),
    "whitespace": _respaced,
    "quotes": _framed(_QUOTES),
    "Markdown": _framed(_MARKDOWN),
    "padding before": _chatter_before,
    "padding after": _chatter_after,
}
"""Ten changes that keep the question, and filler at either end."""


def kept_under_mutation(
    questions: Sequence[Question], difficulties: Difficulties, *, count: int = 500, seed: int = 1
) -> dict[str, float]:
    """Return, per change, the share of questions that stay in their band.

    Args:
        questions: Drawn from at random, without replacement.
        difficulties: The model.
        count: Questions drawn at most.
        seed: Of the draw; training draws with another one.
    """
    rng = random.Random(seed)  # noqa: S311 - a reproducible draw, no secret
    drawn = rng.sample(list(questions), min(count, len(questions)))
    before = _bands(difficulties([question.prompt for question in drawn]))
    return {
        name: _share(before == _bands(difficulties([change(q.prompt, rng) for q in drawn])))
        for name, change in CHANGES.items()
    }


def kept_across_languages(
    questions: Sequence[Question], difficulties: Difficulties
) -> dict[str, float]:
    """Return, per language, the share of translations in the band most of their siblings are in.

    Siblings are questions with one ``parallel_id``; languages with fewer than ten are left out.
    """
    siblings: dict[str, list[int]] = {}
    for row, question in enumerate(questions):
        parallel = question.meta.get("parallel_id")
        if parallel:
            siblings.setdefault(str(parallel), []).append(row)
    rows = [row for group in siblings.values() for row in group]
    if not rows:
        return {}
    bands = dict(
        zip(rows, _bands(difficulties([questions[row].prompt for row in rows])), strict=True)
    )
    agreed: dict[str, list[bool]] = {}
    for group in siblings.values():
        usual = np.bincount([bands[row] for row in group]).argmax()
        for row in group:
            agreed.setdefault(questions[row].language, []).append(bool(bands[row] == usual))
    least = 10
    return {
        language: _share(np.array(same))
        for language, same in sorted(agreed.items())
        if len(same) >= least
    }


def _bands(difficulties: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.digitize(difficulties, BANDS)


def _share(flags: NDArray[np.bool_]) -> float:
    return round(float(flags.mean()), 4)
