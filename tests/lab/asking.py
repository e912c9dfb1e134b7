"""Short ways to ask the lab, for its own tests and for those of strategies."""

from collections.abc import Iterable, Mapping
from typing import Any

from policies.answers import answer_key
from router.backends.capabilities import Begun
from tests.lab.backend import LabBackend
from tests.lab.clock import run
from tests.lab.problem import Problem

Message = Mapping[str, Any]
PATIENCE_S = 1e6


def user(text: str) -> Message:
    """Return a user's turn."""
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    """Return an assistant's turn."""
    return {"role": "assistant", "content": text}


def key_of(value: int) -> str:
    """Return the key that ``answer_key`` gives to a value."""
    return f"number:{value}"


def is_right(problem: Problem, message: Mapping[str, Any]) -> bool:
    """Return whether an answer is the truth."""
    return answer_key(message["content"] or "") == key_of(problem.truth)


def begun(backend: LabBackend, problem: Problem, turn: Begun) -> dict[str, Any]:
    """Return the body that makes a backend go on behind a turn."""
    prefill = backend.spec.can.prefill
    assert prefill is not None
    return prefill([user(problem.question())], turn)


async def say(backend: LabBackend, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message that answers a body."""
    completion = await backend.complete(body, PATIENCE_S)
    message: dict[str, Any] = completion["choices"][0]["message"]
    return message


def ask_each(backend: LabBackend, bodies: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages that answer some bodies, asked one after the other."""

    async def main() -> list[dict[str, Any]]:
        return [await say(backend, body) for body in bodies]

    return run(main())


def samples(
    problem: Problem, trials: int, backend: LabBackend | None = None, **fields: Any
) -> list[dict[str, Any]]:
    """Return the answers to a problem's question, asked with seeds 0, 1, ..."""
    messages = [user(problem.question())]
    bodies = ({"messages": messages, "seed": seed, **fields} for seed in range(trials))
    return ask_each(backend or LabBackend(), bodies)
