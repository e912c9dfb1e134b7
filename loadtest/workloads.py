"""What clients ask: easy, middling and hard questions, in English and Chinese, and bodies made of them.

Used by the locustfile and by the overhead benchmark. No text repeats within a run unless asked to, so that a cache is not
what is measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson

EASY = (
    "What is the capital of France?",
    "Say hello to my colleague {n} in one line.",
    "What is {a} + {b}?",
    "Translate 'good morning, number {n}' into Spanish.",
    "Which day comes after Tuesday, asked for the {n}th time?",
    "{a}加{b}等于多少？",
    "Give me a synonym of 'quick', please ({n}).",
)
MIDDLING = (
    "What is {a} * {b} - {n}?",
    "Start with {a}, add {b}, multiply by 3, subtract {n}. What is the result?",
    "Summarise in two sentences why leaves change colour in autumn, for reader number {n}.",
    "A shop sells {a} apples a day at 2 dollars. How much does it earn in {b} days?",
    "从{a}开始，加{b}，乘以3，减去{n}，结果是多少？",
)
HARD = (
    "Prove that for every integer n > {n} there is a prime between n and 2n, and say where the argument needs n > 1.",
    "Find all functions f from the reals to the reals with f(x f(y) + {a}) = y f(x) + {a} for all x and y.",
    "Let p be the {n}th prime. Determine the number of solutions of x^2 + y^2 = {a} modulo p, as a function of p.",
    "What is (({a} + {b}) * 3 - {n}) * 2 - ({b} - {a}) * 4 + 17 * 3 - 8?",
    "Design a lock-free queue for {n} producers and one consumer, and prove that no element is lost or doubled.",
)


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of the three kinds; they need not sum to 1."""

    easy: float = 0.6
    middling: float = 0.25
    hard: float = 0.15


def prompts(rng: Random, mix: Mix | None = None) -> Iterator[str]:
    """Yield questions without end; numbers in them vary."""
    mix = mix or Mix()
    while True:
        (pool,) = rng.choices((EASY, MIDDLING, HARD), (mix.easy, mix.middling, mix.hard))
        yield rng.choice(pool).format(
            a=rng.randint(2, 999), b=rng.randint(2, 999), n=rng.randint(2, 10**6)
        )


def chat_body(prompt: str, *, model: str, stream: bool) -> dict[str, Any]:
    """Return a chat completions body; a stream asks for usage."""
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    return body | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})


def raw_requests(n: int, *, host: str, model: str, stream: bool, seed: int) -> list[bytes]:
    """Return `n` whole HTTP/1.1 requests, all different, ready to be written to a socket."""
    questions = prompts(Random(seed))
    requests = []
    for number in range(n):
        body = orjson.dumps(
            chat_body(f"{next(questions)} ({seed}.{number})", model=model, stream=stream)
        )
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        requests.append(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    return requests
