import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.answers import Kind, kind_of, options_of, unit_of

QUESTIONS: list[tuple[str, Kind]] = [
    ("Which of these is the capital of France?\nA) London\nB) Paris\nC) Rome", "mcq"),
    ("What is 2 + 2? (A) 3 (B) 4 (C) 5 (D) 6", "mcq"),
    ("下列哪一项是正确的？\nA. 红\nB. 绿", "mcq"),
    ("Is 91 a prime number?", "bool"),
    ("Does the series converge? Answer yes or no.", "bool"),
    ("True or false: every square is a rectangle.", "bool"),
    ("91是质数吗？", "bool"),
    ("判断该命题是否成立", "bool"),
    ("How many apples are left?", "number"),
    ("Tom has 3 apples and buys 5. What is the total?", "number"),
    ("小明有三个苹果，又买了五个，一共有多少个？", "number"),
    ("Simplify $\\frac{x^2-1}{x-1}$.", "math"),
    ("Solve the equation x^2 = 4.", "math"),
    ("求函数的导数", "math"),
    ("Write a Python function that reverses a list.", "code"),
    ("def add(a, b):\n    # complete this", "code"),
    ("请写一个快速排序的函数", "code"),
    ("Reply in JSON with the fields name and age.", "json"),
    ("Write a short letter to a friend.", "text"),
    ("Please summarize the following article.", "text"),
    ("请写一封信", "text"),
    ("Ann writes an essay of 900 words at 300 an hour. How many hours does she write?", "number"),
    ("Translate the sentence into an equation: a number and its half make 12.", "math"),
    ("Tell me about Paris.", "auto"),
    ("Is it better to fly or to drive?", "auto"),
    ("", "auto"),
]


@pytest.mark.parametrize(("question", "kind"), QUESTIONS)
def test_a_question_tells_what_it_asks_for(question: str, kind: Kind) -> None:
    assert kind_of(question) == kind


@pytest.mark.parametrize("asked", ["json_object", "json_schema"])
def test_a_response_format_outweighs_the_question(asked: str) -> None:
    assert kind_of("How many apples?", {"type": asked}) == "json"
    assert kind_of("How many apples?", {"type": "text"}) == "number"


@given(st.text())
def test_any_question_has_a_kind(question: str) -> None:
    assert kind_of(question) in ("auto", "number", "math", "mcq", "bool", "json", "code", "text")


@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("Pick one:\nA) red\nB) dark red\n", {"A": "red", "B": "dark red"}),
        ("Pick one: (A) red (B) 3.5 (C) I do not know", {"A": "red", "B": "3.5", "C": "I do not know"}),
        ("A. eins\nB. zwei\nC. drei", {"A": "eins", "B": "zwei", "C": "drei"}),
        ("（A）红\n（B）绿", {"A": "红", "B": "绿"}),
        ("B) second\nC) third", {}),
        ("A) only", {}),
        ("Plan A. It is good.", {}),
    ],
)  # fmt: skip
def test_options_are_read_from_the_question(question: str, options: dict[str, str]) -> None:
    assert options_of(question) == options


@pytest.mark.parametrize(
    ("question", "unit"),
    [
        ("What is the distance in km?", "km"),
        ("How many metres are there?", "m"),
        ("Give the area in square centimetres.", "cm^2"),
        ("What is the speed in km/h?", "km/h"),
        ("How many meters per second is that?", "m/s"),
        ("What is the price in dollars?", "$"),
        ("What percentage of them passed?", "%"),
        ("一共多少公里？", "km"),
        ("面积是多少平方米？", "m^2"),
        ("How many apples are there?", None),
        ("Give the answer in simplest form.", None),
    ],
)
def test_the_unit_is_read_from_the_question(question: str, unit: str | None) -> None:
    assert unit_of(question) == unit
