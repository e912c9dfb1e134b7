"""Small invented worlds of questions and outcomes, for training within seconds."""

import gzip
import json
import random
from pathlib import Path

import numpy as np

from classifier.training.dataset import Question

MODELS = {"tiny": ("short", -1.0), "plain": ("short", 0.0), "distil": ("distilled", 1.5)}
MODELS |= {"deep": ("full", 2.0)}


def write_world(folder: Path, *, n_questions: int = 240, seed: int = 3) -> tuple[Path, Path]:
    """Write questions and outcomes; long sums are hard, greetings are easy."""
    rng = random.Random(seed)
    questions: list[dict[str, object]] = []
    outcomes: list[dict[str, object]] = []
    for number in range(n_questions):
        hard = number % 2
        prompt = _sum(rng, 12) if hard else _greeting(rng)
        split = "dev" if number % 8 > 5 else "train"
        questions.append(
            {
                "id": f"q{number}",
                "source": "sums" if hard else "greetings",
                "prompt": prompt,
                "domain": "math" if hard else "chat",
                "split": split,
                "meta": {"lang": "en", "license": "CC0"},
            }
        )
        for model, (tier, ability) in MODELS.items():
            demand = 1.0 if hard else -3.0
            outcomes.append(
                {
                    "id": f"q{number}",
                    "model": model,
                    "tier": tier,
                    "correct": int(rng.gauss(ability - demand, 1.0) > 0),
                    "output_tokens": 900 if hard else 90,
                    "tokens_kind": "api_usage",
                    "status": "ok",
                }
            )
    return _write(folder / "q.jsonl.gz", questions), _write(folder / "o.jsonl.gz", outcomes)


def unlike_questions(count: int) -> list[Question]:
    """Return questions of words that occur nowhere else: nothing carries over between them."""
    letters = np.random.default_rng(3).choice(list("abcdefghijklmnopqrstuvwxyz"), (count, 4, 9))
    prompts = [" ".join("".join(word) for word in words) for words in letters]
    return [
        Question(f"q{n}", "s", text, "math", "en", "train", {}) for n, text in enumerate(prompts)
    ]


def _sum(rng: random.Random, terms: int) -> str:
    numbers = " + ".join(str(rng.randrange(100, 99_999)) for _ in range(terms))
    return f"Compute {numbers} modulo {rng.randrange(7, 99)} and prove the remainder."


def _greeting(rng: random.Random) -> str:
    return f"{rng.choice(['Hello', 'Hi', 'Hey'])} {rng.choice(['Ann', 'Bob', 'Kim', 'Lee'])}, how are you?"


def _write(path: Path, rows: list[dict[str, object]]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path
