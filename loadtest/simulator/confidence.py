"""How sure a simulated model is of its tokens: logprobs that know more than the text tells.

A token's *confidence*, minus the mean logprob of its alternatives, is 8 + 2 * [no step line before it has slipped] + N(0, 1), the
noise common to a line; at least 5.5. So a chain that goes wrong becomes less sure from its next line on.
"""

from collections.abc import Iterator
from math import exp
from random import Random
from typing import Any

from loadtest.simulator.questions import Question, recover
from loadtest.simulator.reasoner import Token

LOST = 8.0
"""Mean confidence of a chain that has slipped."""
ON_TRACK = 10.0
"""Mean confidence of one that has not."""
LEAST = 5.5
"""Below it, twenty alternatives would have more probability than there is."""


def with_logprobs(
    tokens: Iterator[Token], question: Question, top: int, rng: Random
) -> Iterator[Token]:
    """Yield the tokens with their logprobs, `top` alternatives each."""
    problem = question.problem
    mean = LOST if problem and recover(problem, question.given).offset else ON_TRACK
    line, noise = "", rng.gauss(0, 1)
    for token in tokens:
        yield Token(token.channel, token.text, entry(token.text, mean + noise, top))
        line += token.text
        if "\n" in token.text:
            if problem and (progress := recover(problem, line)).done:
                mean = LOST if progress.offset else ON_TRACK
            line, noise = "", rng.gauss(0, 1)


def entry(text: str, confidence: float, top: int) -> dict[str, Any]:
    """Return OpenAI's entry of one token.

    The token itself has the logprob -exp(8 - confidence) / 20; the others share what makes the mean of two or more
    minus the confidence.
    """
    confidence = max(confidence, LEAST)
    chosen = -exp(LOST - confidence) / 20
    rest = -(top * confidence + chosen) / max(1, top - 1)
    others = [listed(f"{text.strip()}{i}", rest) for i in range(1, top)]
    return listed(text, chosen) | {"top_logprobs": [listed(text, chosen), *others][:top]}


def listed(text: str, logprob: float) -> dict[str, Any]:
    """Return one alternative."""
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
