"""The grammar of the questions that the simulator computes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.simulator.arithmetic import read_problem


@pytest.mark.parametrize(
    ("question", "value", "n_steps"),
    [
        ("2+3", 5, 1),
        ("What is 17 * 24 - 9?", 399, 2),
        ("Compute (12 + 7) * 3.", 57, 2),
        ("What's 1,200 plus 34?", 1234, 1),
        ("6 x 7 =", 42, 1),
        ("-(2 + 3) * -4", 20, 3),
        ("Start with 5, add 7, multiply by 3, subtract 4. What is the result?", 32, 3),
        ("17乘以24减9等于多少？", 399, 2),
        ("从5开始，加7，乘以3，减去4，结果是多少？", 32, 3),
        ("（12 + 7） × 3是多少？", 57, 2),
        ("What is the sum of 3 and 4?", 7, 1),
        ("Is 2 + 2 harder than 10 - 3 * 2?", 4, 2),
    ],
)
def test_a_question_is_read_as_its_steps(question: str, value: int, n_steps: int) -> None:
    problem = read_problem(question)
    assert problem is not None
    assert (problem.value, len(problem.steps)) == (value, n_steps)


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France?",
        "",
        "7 / 2 + 1",
        "2^10 - 1",
        "3.5 + 2",
        "x2 + 3",
        "((2+3",
        "42",
        "1" * 13 + "+1",
    ],
)
def test_what_the_grammar_does_not_cover_is_no_problem(question: str) -> None:
    assert read_problem(question) is None


@given(st.text(max_size=200) | st.text("0123456789+-*() /", max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    read_problem(text)


@st.composite
def expressions(draw: st.DrawFn) -> str:
    numbers = st.integers(0, 99).map(str)
    deeper = st.recursive(
        numbers,
        lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        max_leaves=12,
    )
    return f"{draw(deeper)} {draw(st.sampled_from(['+', '-', '*']))} {draw(deeper)}"


@given(expressions())
def test_the_value_is_what_python_computes(expression: str) -> None:
    problem = read_problem(f"What is {expression}?")
    assert problem is not None
    assert problem.value == eval(expression)
