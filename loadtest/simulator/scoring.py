"""A verifier of limited quality: `POST /score`, from candidates to scores.

    s = 2 * right + N(0, 1);  score = 1 / (1 + exp(1 - s))

The noise is a function of question and candidate, so asking twice brings nothing new. A candidate is right if the answer it gives is,
and one that gives none if its last step line is (without a line it is wrong); the score of a step is that of the text up to it. With a the chance that
a sample is right, the best of n by this score is right with n * Int a f1(x) (a F1(x) + (1 - a) F0(x))^(n-1) dx.
"""

import hashlib
import re
from dataclasses import dataclass
from math import exp
from statistics import NormalDist
from typing import Any

import orjson

from loadtest.simulator.arithmetic import Problem, read_problem
from loadtest.simulator.facts import answer_plainly
from loadtest.simulator.questions import recover
from loadtest.simulator.request import BadRequestError

QUALITY = 2.0
"""How far right and wrong candidates are apart, in standard deviations of the noise."""
MAX_CANDIDATES = 256

_ANSWER = re.compile(r'(?:answer(?: is|:)|答案是|\\boxed\{|"answer": ")[\s$]*(?:\\boxed\{)?(-?\d+)')
_STEP_LINE = re.compile(r"^step \d+: .*$", re.MULTILINE)
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """What is to be scored."""

    prompt: str
    candidates: tuple[str, ...]
    steps: bool


def parse_score_request(raw: bytes) -> ScoreRequest:
    """Read a request body.

    Raises:
        BadRequestError: If it is not `{"prompt": str, "candidates": [str, ...], "steps"?: bool}`.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("prompt"), str):
        raise BadRequestError("'prompt' must be a string", param="prompt")
    candidates = body.get("candidates")
    if not isinstance(candidates, list) or not all(isinstance(text, str) for text in candidates):
        raise BadRequestError("'candidates' must be a list of strings", param="candidates")
    if len(candidates) > MAX_CANDIDATES:
        raise BadRequestError(f"'candidates' must be at most {MAX_CANDIDATES}", param="candidates")
    return ScoreRequest(body["prompt"], tuple(candidates), body.get("steps") is True)


def score_all(request: ScoreRequest, seed: int) -> list[dict[str, Any]]:
    """Return `{"score"}` for each candidate, with `"step_scores"` where they are asked for."""
    problem = read_problem(request.prompt)
    answers = []
    for text in request.candidates:
        answer: dict[str, Any] = {"score": _score(request.prompt, problem, text, seed)}
        if request.steps:
            prefixes = [text[: line.end()] for line in _STEP_LINE.finditer(text)]
            answer["step_scores"] = [_score(request.prompt, problem, p, seed) for p in prefixes]
        answers.append(answer)
    return answers


def _score(prompt: str, problem: Problem | None, text: str, seed: int) -> float:
    told = orjson.dumps([seed, prompt, text])
    draw = int.from_bytes(hashlib.blake2b(told, digest_size=7).digest(), "little")
    noise = _NORMAL.inv_cdf((draw + 0.5) / 2**56)
    s = QUALITY * _is_right(prompt, problem, text) + noise
    return 1 / (1 + exp(QUALITY / 2 - s))


def _is_right(prompt: str, problem: Problem | None, text: str) -> bool:
    if problem is None:
        return answer_plainly(prompt) in text
    if said := _ANSWER.findall(text):
        return int(said[-1]) == problem.value
    progress = recover(problem, text)
    return progress.done > 0 and progress.offset == 0
