"""The library of thought templates: well-formed, found for questions that it was not written from, silent for small talk."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from policies.strategies.templates import nearest, shipped, words_of
from policies.types import Template
from router.errors import ConfigError
from router.settings import parse_settings

HELD_OUT: dict[str, tuple[str, ...]] = {
    "Rate and work": (
        "Tap A fills a tank in 12 minutes, tap B in 15. Both are open; when is the tank full?",
        "Three machines make 90 bolts in 5 hours. At what rate does one machine work?",
        "A cyclist covers a distance of 36 miles at 12 miles per hour and rides back at 18. What is the mean speed?",
    ),
    "Percentage change": (
        "After a 15% increase the rent is 920 dollars. What was it before?",
        "A shop adds a markup of 40 percent and then gives a discount of 25 percent. What is its profit?",
        "Sales tax is 8%. What is the price before tax of a lamp that costs $54 with it?",
    ),
    "Linear equations": (
        "The sum of three consecutive even numbers is 78. Find them.",
        "A jar has 30 coins, dimes and quarters, with a total value of $4.95. How many coins are dimes?",
        "Solve the equation 5x - 9 = 2x + 12.",
    ),
    "Counting": (
        "How many four-digit numbers have only odd digits, all different?",
        "How many subsets of {1, ..., 10} have no two neighbours?",
        "In how many different ways can 7 books be arranged on a shelf?",
    ),
    "Probability": (
        "What is the probability of at least one six in four rolls of a die?",
        "Three cards are drawn at random from a deck. What is the chance that all are hearts?",
        "A bag has 5 green and 3 black balls. Find the expected number of green ones in a draw of two.",
    ),
    "Number theory": (
        "Find the last digit of 3^2024.",
        "For which integers n is n^2 + 1 divisible by 5?",
        "What is the smallest prime that leaves remainder 4 modulo 9?",
    ),
    "Sequences and recurrences": (
        "In a geometric sequence the second term is 6 and the fifth is 162. Find the first.",
        "What is the next number in the pattern 2, 6, 12, 20, 30?",
        "Give a closed form for the recurrence F(n) = 3F(n-1) - 2F(n-2).",
    ),
    "Plane geometry": (
        "Two angles of a triangle measure 35 and 75 degrees. What is the third angle?",
        "A chord of length 16 lies 6 away from the centre of a circle. Find the radius.",
        "The perimeter of a rectangle is 40 and its diagonal is 15. What is its area?",
    ),
    "Coordinates and functions": (
        "What is the domain of the function f(x) = sqrt(4 - x)?",
        "Find the inverse of the function g(x) = (2x + 1)/3.",
        "The graph of a polynomial of degree three crosses the axis at -1, 2 and 5. Find its y intercept.",
    ),
    "Calculus": (
        "Differentiate e^(3x) cos(x).",
        "Does the series of 1/n^2 converge, and what does the integral test say?",
        "Find the limit of sin(5x)/x at 0.",
    ),
    "Inequalities and extremes": (
        "What is the maximum of xy for positive real x, y with x + 2y = 10?",
        "Find the least possible value of x^2 + y^2 if x + y = 8.",
        "For positive real numbers show the inequality (a+b)(b+c)(c+a) >= 8abc.",
    ),
    "Logic puzzle": (
        "A knave always lies and a knight never does. B says that C is a knave. Who is who?",
        "Four friends own a cat, a dog, a bird and a fish. The clues say that Ann is not the owner of the cat.",
        "One of three boxes holds gold. Each has a statement on its lid, and exactly one statement is true.",
    ),
    "Dates and time": (
        "Today is Thursday. Which weekday will it be in 100 days?",
        "A film starts at 21:45 and lasts 138 minutes. At what time does it end, hours and minutes?",
        "How many Sundays can the month of February have in a leap year?",
    ),
    "State tracking": (
        "The robot starts at (0, 0) facing east, moves 4, turns right and moves 1. What is its position?",
        "A queue holds 3, 5, 8. We remove one, add 2 and remove another one. What is left?",
        "Three cups are in a row with a pea under the left one. Swap left and middle, then middle and right. Where is the pea?",
    ),
    "Units and estimation": (
        "Convert 3.5 hours to seconds.",
        "How many moles are in 36 grams of water?",
        "A stone of volume 0.2 liters has a mass of 500 g. What is its density?",
    ),
    "Debugging": (
        "The code below returns None instead of the sum of the list. Fix it.",
        "I get a NullPointerException from this function. What is the error in my code?",
        "This program never leaves the loop for input 0. Find the bug.",
    ),
    "Multiple choice": (
        "Which of the following is not a prime colour? A) red B) green C) blue D) yellow",
        "Which option completes the sentence best? (A) has (B) have (C) having (D) had",
        "Which statement is correct? A. Sound is faster than light. B. Light is faster than sound. C. Both are equal.",
    ),
}
SMALL_TALK = (
    "Hello! How is your day going?",
    "Thank you so much, bye!",
    "Tell me something funny.",
    "Happy new year to you and your family.",
    "I feel a bit tired after work.",
    "Recommend a novel for a long flight.",
    "Who wrote The Old Man and the Sea?",
    "Translate 'good evening' into Spanish.",
    "最近过得怎么样？",
    "",
)

CASES = [(question, name) for name, questions in HELD_OUT.items() for question in questions]


def test_every_template_is_well_formed_and_has_three_questions() -> None:
    names = [each.name for each in shipped()]
    assert len(set(names)) == len(names)
    assert {name: len(HELD_OUT[name]) for name in names} == dict.fromkeys(names, 3)
    for each in shipped():
        assert 3 <= len(each.steps) <= 6
        assert all(step.endswith((".", "?")) and len(step) < 120 for step in each.steps)
        assert words_of(each.applies)
        assert len(words_of(f"{each.applies} {each.also}")) >= 8
        assert not words_of(each.applies) & words_of(each.also)


@pytest.mark.parametrize(("question", "name"), CASES)
def test_a_question_of_its_kind_finds_a_template(question: str, name: str) -> None:
    found = nearest(question)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("said", SMALL_TALK)
def test_small_talk_finds_none(said: str) -> None:
    assert nearest(said) is None


@given(st.text())
def test_any_text_finds_one_or_none(text: str) -> None:
    found = nearest(text)
    assert found is None or found in shipped()


def test_a_template_of_ones_own_stands_beside_the_shipped_ones() -> None:
    own = Template("Knitting", "knit stitches rows yarn gauge", ("Work out the gauge.",))
    assert nearest("What gauge of yarn and which stitches?", (own,)) is own
    assert nearest("What gauge of yarn and which stitches?") is None
    question, name = CASES[0]
    found = nearest(question, (own,))
    assert found is not None
    assert found.name == name


CONFIG = """
model_list:
  - {model_name: m, litellm_params: {model: openai/m, api_base: "http://127.0.0.1:1/v1"}, price: {input: 1, output: 1}}
tiers:
  - {name: short, models: [m], thinking: off}
  - name: long
    models: [m]
    search:
      strategy: templates
      templates:
        - name: Knitting
          applies: knit stitches rows yarn
          also: wool width
          steps: [Work out the gauge., Multiply.]
"""


def test_a_configuration_brings_templates_of_ones_own() -> None:
    plan = parse_settings(CONFIG, {}).tiers[1].search.plan()
    assert plan.templates == (
        Template(
            "Knitting",
            "knit stitches rows yarn",
            ("Work out the gauge.", "Multiply."),
            "wool width",
        ),
    )


@pytest.mark.parametrize("missing", ["name", "applies", "steps"])
def test_a_template_without_its_parts_is_refused_by_name(missing: str) -> None:
    config = yaml.safe_load(CONFIG)
    del config["tiers"][1]["search"]["templates"][0][missing]
    with pytest.raises(ConfigError, match=rf'templates\[0\]: required key "{missing}"'):
        parse_settings(yaml.safe_dump(config), {})
