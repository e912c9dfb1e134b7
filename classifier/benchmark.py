"""Measures scoring: ``python -m classifier.benchmark`` prints microseconds by length of the text.

Invented texts, one thread, a warm process; every text differs from the one before, so that caches
help as little as they do in a server.
"""

import random
import sys
from collections.abc import Callable, Sequence
from time import perf_counter

import numpy as np

from classifier.scorer import Scorer
from classifier.types import Ask

LENGTHS = (10, 50, 100, 200, 300)
TEXTS, ROUNDS = 200, 5
HEADER = "| words | p50 us | p99 us | batch, queries/s |\n|---|---|---|---|\n"

_ENGLISH = (
    "the of and to in is that it for on with as are what how do you let prove find every number "
    "triangle integer sum price apples python function returns list energy mass 12 3.5 1,200 x y n "
    "please answer because water city river translate following sentence court tax cells harbour "
    "morning quiet boats along pier gulls circled above nobody spoke (x+1)^2 $a_n$ \\frac{1}{2} why?"
)
_FOREIGN = (
    "Пусть число делится на простое когда почему город вода énergie démontrer où était combien "
    "cuántos niños están año größer für Straße warum können число ответ 证明 整数 多少 法国的首都 "
    "三角形的面积 बताइए संख्या कितने है पानी शहर مدينة عدد كيف الماء εξίσωση αριθμός 12 x²"
)


def main(
    write: Callable[[str], object] = sys.stdout.write, *, count: int = TEXTS, rounds: int = ROUNDS
) -> None:
    """Print p50 and p99 per ask and the rate of batches, by number of words.

    Args:
        write: Takes the lines of a Markdown table; the last rows show the maximum in place of p99.
        count: Texts per length.
        rounds: Times every text is scored.
    """
    scorer = Scorer.load(providers=["CPUExecutionProvider"])
    write(HEADER)
    for name, vocabulary in (("", _ENGLISH), (" mixed scripts", _FOREIGN)):
        for length in LENGTHS:
            texts = invented(vocabulary, length, count)
            write(row(f"{length}{name}", scorer, texts, rounds))
    for name, text in odd_texts().items():
        took = np.array(single(scorer, [text], 10 * rounds)) * 1e6
        write(f"| {name} | {np.median(took):.0f} | {took.max():.0f} | |\n")


def row(name: str, scorer: Scorer, texts: Sequence[str], rounds: int) -> str:
    """Return a line of the table: p50 and p99 in microseconds, batched queries per second."""
    took = np.array(single(scorer, texts, rounds)) * 1e6
    p50, p99 = np.quantile(took, [0.5, 0.99])
    return f"| {name} | {p50:.0f} | {p99:.0f} | {batched(scorer, texts):,.0f} |\n"


def invented(vocabulary: str, n_words: int, count: int) -> list[str]:
    """Return ``count`` different texts of ``n_words`` words."""
    rng = random.Random(n_words)  # noqa: S311 - a reproducible draw, no secret
    words = vocabulary.split()
    return [" ".join(rng.choices(words, k=n_words)) for _ in range(count)]


def odd_texts() -> dict[str, str]:
    """Return texts that cost most: huge ones, and those that normalising makes longer."""
    return {
        "1 MB of words": "Prove that the sum of two odd numbers is even. " * 21_000,
        "1 MB of Chinese": "证明两个奇数之和是偶数" * 95_000,
        "1 MB of one letter": "x" * 1_000_000,
        "1 MB of line ends": "a.\n" * 333_000,
        "signs of 18 letters": "\ufdfa" * 5_000,
        "stacked accents": "a" + "\u0316\u0301" * 5_000,
        "emoji": "🤯👩‍👩‍👧" * 5_000,
    }


def single(scorer: Scorer, texts: Sequence[str], rounds: int) -> list[float]:
    """Return seconds per ask, after one round that is not counted."""
    for text in texts:
        scorer.score(Ask(text))
    took: list[float] = []
    for _ in range(rounds):
        for text in texts:
            start = perf_counter()
            scorer.score(Ask(text))
            took.append(perf_counter() - start)
    return took


def batched(scorer: Scorer, texts: Sequence[str]) -> float:
    """Return asks per second in batches."""
    asks = [Ask(text) for text in texts] * 4
    start = perf_counter()
    scorer.score_batch(asks)
    return len(asks) / (perf_counter() - start)


if __name__ == "__main__":
    main()
