"""Several questions as one ask: all parts are there, chances multiply, held-out questions keep apart."""

from dataclasses import replace

import numpy as np
from scipy.special import expit, logit

from classifier.training.copying import with_copies
from classifier.training.dealing import held_out
from classifier.training.labels import AS_ASKED, CHANGED, LOGIT_LIMIT, TOGETHER, Labels
from classifier.training.recipe import Recipe
from classifier.training.together import PARTS, all_solved, asked_together
from tests.classifier.small_world import unlike_questions


def _labels(count: int) -> Labels:
    rng = np.random.default_rng(0)
    return Labels(
        form=np.full(count, AS_ASKED, np.int8),
        logits=rng.normal(1.0, 1.0, (count, 3)),
        weight=np.ones(count),
        measured=np.ones((count, 3), np.bool_),
        share=np.full((count, 3), 0.5),
        log_tokens=np.full(count, 5.0),
        token_weight=np.ones(count),
        token_spread=0.9,
    )


def test_an_ask_holds_two_to_four_questions_of_one_source_and_language() -> None:
    questions = [
        replace(question, source="ab"[number % 2], language=("en", "de")[number // 2 % 2])
        for number, question in enumerate(unlike_questions(200))
    ]
    made, parts = asked_together(questions, np.ones(200, np.bool_), count=50, seed=1)
    held = held_out(questions)
    assert len(made) == len(parts) == 50
    assert {len(rows) for rows in parts} == set(PARTS)
    for ask, rows in zip(made, parts, strict=True):
        assert all(questions[row].prompt in ask.prompt for row in rows)
        assert len({(questions[row].source, questions[row].language) for row in rows}) == 1
        assert len({bool(held[row]) for row in rows}) == 1
        assert ask.id == questions[rows[0]].id
    assert (made, parts) == asked_together(questions, np.ones(200, np.bool_), count=50, seed=1)
    assert parts != asked_together(questions, np.ones(200, np.bool_), count=50, seed=2)[1]


def test_only_allowed_questions_are_parts() -> None:
    questions = unlike_questions(100)
    _, parts = asked_together(questions, np.arange(100) < 50, count=40, seed=1)
    assert max(row for rows in parts for row in rows) < 50
    assert asked_together(questions, np.zeros(100, np.bool_), count=40, seed=1) == ([], [])


def test_chances_multiply() -> None:
    parts = logit(np.array([[0.5, 0.9, 0.9], [0.5, 0.9, 1 - 1e-9]]))
    assert np.allclose(expit(all_solved(parts)), [0.25, 0.81, 0.9])
    assert all_solved(np.full((4, 3), -4.0)).tolist() == [-LOGIT_LIMIT] * 3


def test_added_rows_teach_logits_alone() -> None:
    questions, recipe = unlike_questions(60), Recipe(mutated=10, glossary=0, together=8)
    rows, labels = with_copies(questions, _labels(60), recipe)
    assert len(rows) == labels.weight.size == 78
    assert labels.form.tolist() == [AS_ASKED] * 60 + [CHANGED] * 10 + [TOGETHER] * 8
    assert not labels.measured[60:].any()
    assert labels.token_weight[60:].tolist() == [0.0] * 18
    assert labels.weight[60:].tolist() == [recipe.copy_weight] * 18
    own = {question.id: number for number, question in enumerate(questions)}
    for ask, logits in zip(rows[70:], labels.logits[70:], strict=True):
        assert (logits < labels.logits[own[ask.id]]).all()


def test_what_is_only_assumed_to_be_easy_is_no_part() -> None:
    questions, labels = unlike_questions(60), _labels(60)
    labels.measured[:] = False
    labels.logits[:30] = 3.0
    labels.logits[30:] = 0.5
    rows, _ = with_copies(questions, labels, Recipe(mutated=0, glossary=0, together=8))
    easy = [question.prompt for question in questions[:30]]
    assert len(rows) == 68
    assert not any(prompt in ask.prompt for ask in rows[60:] for prompt in easy)
