"""Which rows a build may learn from, by what they say about their licence."""

import re
from collections.abc import Sequence
from typing import Literal

from classifier.training.dataset import DataError, Question

Licences = Literal["all", "permissive"]
"""``all`` takes every row; ``permissive`` only what asks for no more than attribution."""

_PERMISSIVE = re.compile(
    r"(MIT|ISC|Apache-2\.0|BSD-[23]-Clause|CC0(-1\.0)?|CC-BY(-\d\.0)?|Unlicense|0BSD|ours)",
    re.ASCII,
)
_BETWEEN = re.compile(r"[/(),;]|\b(?:AND|OR)\b")


def licensed(questions: Sequence[Question], licences: Licences) -> list[Question]:
    """Return the questions that the build may use, in their order.

    Raises:
        DataError: If none is left.
    """
    kept = [q for q in questions if licences == "all" or is_permissive(q)]
    if not kept:
        raise DataError("no question states a permissive licence; give one in meta.license")
    return kept


def is_permissive(question: Question) -> bool:
    """Return whether every licence named is permissive and the wording belongs to no third party.

    A row that names none is unclear and is left out. So are contest problems
    (``meta.contest_text``): whoever compiled them licensed the compilation, not the wording. What a
    source says of itself is believed; in ``Apache-2.0 (MMLU MIT)`` both have to be permissive.
    """
    if question.meta.get("contest_text"):
        return False
    parts = _BETWEEN.split(str(question.meta.get("license") or ""))
    named = [part.split()[-1] for part in parts if part.strip()]
    return bool(named) and all(_PERMISSIVE.fullmatch(name) for name in named)
