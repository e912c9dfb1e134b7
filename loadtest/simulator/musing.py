"""Words to think with: sentences that say nothing, of an exact length, never the same for long.

Real traces are mostly this. The sentences are drawn from a few thousand combinations, so that a loop detector that fires on
healthy reasoning is caught by it, and `LOOP` is what it must fire on.
"""

from random import Random

_OPENERS = (
    "So", "Now", "Well,", "Hmm,", "Next,", "Here", "First,", "Then", "Actually", "Right,", "Okay,", "Perhaps",
    "Again,", "Clearly", "Maybe", "Still,",
)  # fmt: skip
_SUBJECTS = (
    "the next operation", "this part", "the running value", "the question", "the order of operations", "the sign",
    "the intermediate result", "the other way round", "a quick estimate", "the last digit", "the size of it",
    "what is given", "the remaining work", "one more detail", "the carry", "the obvious reading",
)  # fmt: skip
_VERBS = (
    "needs some care", "looks simple enough", "should be settled first", "can be split into pieces", "has to be kept in mind",
    "agrees with what I expect", "might hide a slip", "is worth a second look", "does not change anything", "follows directly",
    "is easier in two parts", "must not be skipped", "gives a useful bound", "is what people get wrong", "seems consistent",
    "will matter later",
)  # fmt: skip
LOOP = "Wait, maybe I should consider the problem from the beginning once more. "
"""The sentence that the fault `loop` says for pages."""
LOOP_REPEATS = 400


def muse(rng: Random, n_tokens: int) -> str:
    """Return musing of exactly `n_tokens` tokens, ending in white space; at least one token."""
    words: list[str] = []
    while len(words) < n_tokens:
        sentence = f"{rng.choice(_OPENERS)} {rng.choice(_SUBJECTS)} {rng.choice(_VERBS)}."
        words += sentence.split()
    return " ".join(words[:n_tokens]) + " "


def geometric(rng: Random, mean: int) -> int:
    """Draw from the geometric law on 1, 2, ... with this mean."""
    n = 1
    while rng.random() >= 1 / mean:
        n += 1
    return n
