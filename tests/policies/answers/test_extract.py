from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.answers import answer_key

NUMBERS = {
    "42": [
        "42", "42.", "  42 ", "The total is 42.", "The total is 42 apples.", "so x = 42", "x = 42.0",
        r"\boxed{42}", r"Thus \boxed{ 42 }.", r"first \boxed{7}, then \boxed{42}", r"$\boxed{42}$.",
        r"\boxed{\text{42}}", r"\boxed{42\text{ km}}", r"\boxed{x = 42}", r"\boxed{42^\circ}", "#### 42",
        "#### 40 steps\n#### 42", "<answer>42</answer>", "<answer> 41 </answer> no, <answer>42</answer>",
        "The answer is 42.", "The answer is: 42", "The answer is:\n\n42", "Answer: 42", "**Answer:** 42",
        "**Final answer**: 42", "The final answer is **42**.", "The answer is $42$.", "The answer is $42.",
        "The answer is 42. Let me know if you need more.", "The answer is x = 21 + 21 = 42.",
        "The answer is approximately 42", r"The answer is \(42\).", "The answer is 4.2e1", "It is 84/2",
        "答案是42。", "答案：42", "最终答案为 42", "结果等于42。", "答案是42个苹果", '{"answer": "42"}', '{"answer": 42}',
        "#### Conclusion\nThe answer is 42.", "The answer is 042",
    ],
    "2469/2": ["1,234.50", "1234.5", "The answer is $1,234.5", r"\boxed{1{,}234.50}", "共 1,234.5 元"],
    "3/4": [".75", "0.75", "3/4", "75 %", "75%", r"\boxed{75\%}", r"\boxed{\frac{3}{4}}", r"\dfrac{3}{4}", "3 / 4"],
    "-3": ["-3", "−3", "so x = -3", r"\boxed{-3}", r"The answer is −3.", "-6/2", "-3.0"],
}  # fmt: skip
OTHERS = {
    "mcq:B": [
        "The answer is B", "The answer is (B).", "The answer is **B**", "The answer is B) Paris", "Answer: B. Paris",
        r"\boxed{B}", r"\boxed{\text{(B)}}", "<answer>B</answer>", "The answer is option B", "答案是B", "答案：（B）".replace("（", "(").replace("）", ")"),
    ],
    "bool:true": ["The answer is yes.", "Answer: True", r"\boxed{\text{Yes}}", "The answer is Yes, because it is.", "答案是对"],
    "bool:false": ["The answer is no", "答案：否", "<answer>False</answer>"],
    "text:paris": ["The answer is Paris.", "<answer>paris</answer>", "Answer: **PARIS**"],
    "math:2^(1/2)": [r"\boxed{\sqrt{2}}", r"<answer>\sqrt{2}</answer>", r"The answer is $\sqrt{2}$.", "The answer is:\n\\[\n\\sqrt{2}\n\\]"],
    "math:(1,2)": [r"\boxed{(1, 2)}", r"The answer is \((1, 2)\)."],
}  # fmt: skip
ABSTAIN = [
    "", "   ", "I am not sure.", "Hello! How can I help you today?", "I cannot answer that question here.",
    "There are 3 ways to look at it, and each of them has its own merits.", "Use Python 3.11.4", "On 2024-01-05",
    "We meet at 10:30", "It takes 3-5", "so the length is \\sqrt{2}", "this gives x^2", "water is H2O",
    "The answer is H2O2", "The answer is 3 or 4", "The answer is x = 5, y = 6",
    "The answer is 2024-01-05", "The answer is 10:30", "The answer is 1/0",
    "The answer " + "is a long story " * 9, r"\boxed{}", "<answer></answer>", "answering is hard",
    "9" * 3990 + "e999", "\\boxed{" + "no end " * 30, r"First \boxed{7}, so at last \boxed{4", "<think>The answer is 42.",
    "The answer is 3 and a half", "The answer is 2 pi", "<think>so 3</think>", r"\boxed{\boxed{}}",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "key"),
    [(t, f"number:{k}") for k, texts in NUMBERS.items() for t in texts]
    + [(t, k) for k, texts in OTHERS.items() for t in texts],
)
def test_an_answer_is_found_and_brought_into_one_form(text: str, key: str) -> None:
    assert answer_key(text) == key


@pytest.mark.parametrize("text", ABSTAIN, ids=lambda text: text[:40] or "nothing")
def test_what_is_unsure_abstains(text: str) -> None:
    assert answer_key(text) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"\boxed{\sqrt{2}}", r"\boxed{2}"),
        (r"\boxed{x^2}", r"\boxed{2}"),
        (r"\boxed{1,2}", r"\boxed{12}"),
        (r"\boxed{2\frac{1}{2}}", r"\boxed{\frac{21}{2}}"),
        (r"\boxed{2x}", r"\boxed{2}"),
        (r"\boxed{2x + 3y = 6}", r"\boxed{6}"),
        ("The answer is 3 million", "The answer is 3"),
        ("The answer is 12 percent", "The answer is 12"),
        ("答案是3万", "答案是3"),
        ("The answer is A dog", "The answer is A"),
        ("The answer is I don't know", "The answer is I"),
        ("The answer is 12 %", "The answer is 12"),
        ("The answer is B", r"\boxed{\text{false}}"),
    ],
)
def test_different_answers_never_share_a_key(one: str, other: str) -> None:
    assert answer_key(one) != answer_key(other)


FORMS = {
    "boxed": r"Hence \boxed{%s}.",
    "said": "The answer is %s.",
    "hashes": "reasoning\n#### %s",
    "tag": "<answer>%s</answer>",
    "chinese": "答案是%s。",
    "last": "and so it must be %s",
}


@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(FORMS)), st.booleans())
def test_every_form_of_a_whole_number_has_its_key(n: int, form: str, commas: bool) -> None:
    written = f"{n:,}" if commas else str(n)
    assert answer_key(FORMS[form] % written) == f"number:{n}"


@given(st.decimals(-(10**6), 10**6, places=4), st.sampled_from(sorted(FORMS)))
def test_equal_decimals_share_a_key_however_they_are_written(value: object, form: str) -> None:
    exact = Fraction(str(value))
    assert answer_key(FORMS[form] % f"{value:.4f}") == f"number:{exact}"
    assert answer_key(FORMS[form] % f"{value:,.6f}") == f"number:{exact}"


@given(st.integers(-999, 999), st.integers(1, 999))
def test_a_fraction_equals_its_latex_and_its_reduced_form(a: int, b: int) -> None:
    sign, top = ("-", -a) if a < 0 else ("", a)
    latex = answer_key(rf"\boxed{{{sign}\frac{{{top}}}{{{b}}}}}")
    assert latex == answer_key(f"The answer is {2 * a}/{2 * b}") == f"number:{Fraction(a, b)}"


@given(st.text())
def test_any_text_has_a_key_or_abstains(text: str) -> None:
    key = answer_key(text)
    assert key is None or key.partition(":")[0] in ("number", "math", "mcq", "bool", "text")


@given(st.text(alphabet="0123456789.,/e%-−+ \\{}boxed<answer>#答案是isthe:=", max_size=80))
def test_any_jumble_of_the_marks_has_a_key_or_abstains(text: str) -> None:
    key = answer_key(text)
    assert key is None or ":" in key
