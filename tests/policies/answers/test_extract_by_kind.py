import time
from collections.abc import Mapping
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.answers import Kind, answer_key

WORKINGS = (
    "First we add 12 and 30. Then, since 7 * 6 = 42 and 3 < 5, we try 17 of the 99 cases.\n\n"
)
COLOURS = {"A": "red", "B": "dark red", "C": "green", "D": "12"}

MATH = [
    (WORKINGS + r"So the answer is \boxed{\frac{\sqrt{3}}{2}}.", "math:1/2*3^(1/2)"),
    (r"<think>\boxed{1}? No, \boxed{2}.</think>Hence \boxed{3}.", "number:3"),
    ("<think>The answer is 5.</think>\n\nThe answer is **6**.", "number:6"),
    ("<thinking>#### 5</thinking>\n#### 6", "number:6"),
    ("◁think▷#### 5◁/think▷#### 6", "number:6"),
    (r"We get \boxed{1}, then \boxed{x^2}.", "math:x^2"),
    (r"\boxed{\left\{ \frac{1}{2}, 3 \right\}}", "math:⦃1/2,3⦄"),
    (r"\fbox{7}", "number:7"),
    ("Final answer: $x = 5$.", "number:5"),
    ("**Final Answer:** $$\\frac{\\pi}{4}$$", "math:1/4*pi"),
    ("The answer is:\n$$\n2\\sqrt{8}\n$$", "math:4*2^(1/2)"),
    (WORKINGS + "#### \\sqrt{2}", "math:2^(1/2)"),
    (WORKINGS + "答案是 $2\\pi$。", "math:2*pi"),
    (WORKINGS + "因此，答案为：(1, 2)", "math:(1,2)"),
    ("It simplifies nicely.\n\nThus $x = 2\\sqrt{3}$.", "math:2*3^(1/2)"),
    ("Therefore \\(y = x + 1\\)", "math:x+1"),
    ("<answer>x^2 - 1</answer>", "math:x^2-1"),
    ('{"reasoning": "1 + 1", "answer": "x + 1"}', "math:x+1"),
    (r"\boxed{x + y}", "math:x+y"),
    (r"\boxed{\text{no solution}}", None),
    (r"\boxed{3", None),
    ("I could not find it.", None),
]
NUMBERS = [
    (WORKINGS + "The answer is 42 apples.", None, "number:42"),
    (WORKINGS + "答案是三百二十五。", None, "number:325"),
    (WORKINGS + "答案：百分之二十", None, "number:1/5"),
    (WORKINGS + "三百二十五", None, "number:325"),
    (WORKINGS + "So it costs $1,234.50 in total.", "$", "number:2469/2"),
    (WORKINGS + "The answer is 42 km.", "km", "number:42"),
    (WORKINGS + "The answer is 42 m.", "km", None),
    (WORKINGS + "The answer is 12", "%", "number:3/25"),
    (WORKINGS + r"The answer is \(\frac{3}{4}\).", None, "number:3/4"),
    (WORKINGS + r"\boxed{2\sqrt{2}}", None, "math:2*2^(1/2)"),
    (WORKINGS + "The answer is twelve.", None, "number:12"),
    (WORKINGS + "That makes 3 million people.", None, "number:3000000"),
    ("The answer is 3 or 4", None, None),
    ("The answer is Paris", None, None),
    ("The answer is 10-15", None, None),
]
CHOICES = [
    (WORKINGS + "The answer is (C).", "mcq:C"),
    (WORKINGS + "The answer is green.", "mcq:C"),
    (WORKINGS + "The answer is dark red", "mcq:B"),
    (WORKINGS + r"\boxed{\text{C}}", "mcq:C"),
    (WORKINGS + r"\boxed{12}", "mcq:D"),
    (WORKINGS + "**C**", "mcq:C"),
    (WORKINGS + "C", "mcq:C"),
    ("c", "mcq:C"),
    ("C) green", "mcq:C"),
    ("Option A is tempting, but wrong.\nThe correct option is B.", "mcq:B"),
    (WORKINGS + "因此选C。", "mcq:C"),
    (WORKINGS + "故选：D", "mcq:D"),
    ("The answer is C) red", None),
    ("The answer is E.", None),
    ("Either A or B would do.", None),
    ("A good question!", None),
    ("The answer is both A and B", None),
]
BOOLEANS = [
    ("Yes, 17 is prime, for none of 2, 3 divides it.", "bool:true"),
    ("No. It is 3 * 17.", "bool:false"),
    (WORKINGS + "So the statement is false.", "bool:false"),
    (WORKINGS + "The answer is yes.", "bool:true"),
    ("是的，因为它是质数。", "bool:true"),
    ("不是。", "bool:false"),
    ("Oui, c'est vrai.", "bool:true"),
    ("It may be, or it may not.", None),
    ("Yes, at first sight. But on the whole:\nNo.", None),
    ("The statement is not true.", None),
]


@pytest.mark.parametrize(("text", "key"), MATH)
def test_a_formula_is_found_where_it_stands(text: str, key: str | None) -> None:
    assert answer_key(text, "math") == key


@pytest.mark.parametrize(("text", "unit", "key"), NUMBERS)
def test_a_number_is_found_where_it_stands(text: str, unit: str | None, key: str | None) -> None:
    assert answer_key(text, "number", unit=unit) == key


@pytest.mark.parametrize(("text", "key"), CHOICES)
def test_an_option_is_found_by_its_letter_or_its_text(text: str, key: str | None) -> None:
    assert answer_key(text, "mcq", options=COLOURS) == key


@pytest.mark.parametrize(("text", "key"), BOOLEANS)
def test_yes_and_no_are_found_where_they_stand(text: str, key: str | None) -> None:
    assert answer_key(text, "bool") == key


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("text", "A long and winding story. " * 9),
        ("text", ""),
        ("json", "There is no document here."),
        ("json", '{"a": NaN}'),
        ("json", '{"a": 1'),
        ("json", "[" * 100_000),
        ("code", "I would rather not."),
        ("code", "42"),
        ("code", "```python\n```"),
        ("math", "(" * 400),
        ("math", r"\boxed{" + "-(" * 200 + "x}"),
        ("math", r"\boxed{" + "(" * 100 + "x+1" + ")" * 100 + "}"),
        ("math", r"\boxed{0^{-1}}"),
        ("math", r"\boxed{" + "x^" * 240 + "x}"),
    ],
    ids=lambda value: value[:20],
)
def test_what_holds_no_such_answer_abstains(kind: Kind, text: str) -> None:
    assert answer_key(text, kind) is None


KINDS: list[Kind] = ["auto", "number", "math", "mcq", "bool", "json", "code", "text"]
ALPHABET = "0123456789.,/e%-+ \\{}[]()^_=<>|!abxfracsqrtboxed<answer>#答案是三百 \n`$°½"


@given(
    st.one_of(st.text(), st.text(ALPHABET), st.text(ALPHABET).map(r"\boxed{{{}}}".format)),
    st.sampled_from(KINDS),
    st.sampled_from([{}, COLOURS]),
    st.sampled_from([None, "km", "%"]),
)
def test_any_text_has_a_key_of_its_kind_or_abstains(
    text: str, kind: Kind, options: Mapping[str, str], unit: str | None
) -> None:
    key = answer_key(text, kind, options=options, unit=unit)
    allowed = {"number": {"number", "math"}, "math": {"number", "math"}}.get(kind, {kind})
    if kind == "auto":
        allowed = {"number", "math", "mcq", "bool", "text"}
    assert key is None or key.partition(":")[0] in allowed


def test_a_long_text_is_read_in_well_under_a_millisecond() -> None:
    text = WORKINGS * 50
    for end in (r"\boxed{\frac{3}{4}}", "The answer is 42.", "and that is all there is to say."):
        took = []
        for _ in range(20):
            begun = time.perf_counter()
            answer_key(text[: 4000 - len(end)] + end)
            took.append(time.perf_counter() - begun)
        assert median(took) < 0.001  # measured: 0.03 to 0.15 ms
