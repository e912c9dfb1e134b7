"""Constructed rows and their labels: both kinds in every language, full reasoners ahead on hard ones."""

import numpy as np
import pytest
from scipy.special import expit

from classifier.features import featurise
from classifier.training.constructed import CONTEST, SCHOOL, constructed_questions
from classifier.training.dataset import Outcomes, Question
from classifier.training.labels import make_labels

NO_OUTCOME = Outcomes(
    question=np.array([0, 0, 0]),
    model=np.array([0, 1, 2]),
    rung=np.array([0, 1, 2]),
    correct=np.array([1.0, 1.0, 0.0]),
    output_tokens=np.full(3, np.nan),
    reasoning_tokens=np.full(3, np.nan),
    models=("plain", "distil", "deep"),
)


def _question(name: str, **meta: object) -> Question:
    return Question(name, str(meta or name), "Prove it.", "math", "en", "train", dict(meta))


def test_every_language_has_contest_problems_and_their_twins() -> None:
    rows = constructed_questions(4)
    assert set(CONTEST) == set(SCHOOL)
    assert {row.language for row in rows} == set(CONTEST)
    problems = [row for row in rows if row.source == "constructed_problems"]
    assert len(problems) == 2 * 4 * (len(CONTEST) + 2 * 2)
    assert rows == constructed_questions(4)
    assert len({row.id for row in rows}) == len(rows)


def test_the_language_of_a_constructed_row_is_named_as_meant() -> None:
    rows = [row for row in constructed_questions(3) if row.domain == "math"]
    right = [featurise(row.prompt).language == row.language for row in rows]
    assert np.mean(right) > 0.85


def test_no_placeholder_is_left() -> None:
    assert not [row.prompt for row in constructed_questions(20) if "{a}" in row.prompt]


@pytest.mark.parametrize(
    "meta",
    [{"level": "Olympiad"}, {"level": "Level 5"}, {"difficulty": 7}],
    ids=["olympiad", "level", "contest rating"],
)
def test_on_hard_levels_a_full_reasoner_leads_a_distilled_one(meta: dict[str, object]) -> None:
    questions = [_question("measured"), _question("hard", **meta)]
    labels = make_labels(questions, NO_OUTCOME)
    short, distilled, long = labels.logits[1]
    assert expit(short) < 0.5
    assert long - distilled == pytest.approx(0.5)


def test_recorded_outcomes_keep_their_order() -> None:
    labels = make_labels([_question("measured", level="Olympiad")], NO_OUTCOME)
    assert labels.logits[0, 2] < labels.logits[0, 1]


def test_on_easy_levels_reasoning_brings_next_to_nothing() -> None:
    labels = make_labels([_question("m"), _question("e", assumed="easy")], NO_OUTCOME)
    p = expit(labels.logits[1])
    assert p[0] > 0.98
    assert p[2] - p[0] < 0.01
