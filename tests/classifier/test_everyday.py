"""What users see first: an everyday ask must not buy a reasoner. Routing turns these figures into tiers."""

import pytest

from classifier.scorer import Scorer
from classifier.types import Ask

EVERYDAY = (
    "What is the capital of France?",
    "法国的首都是哪里？",
    "¿Cuál es la capital de Francia?",
    "What is 2+3?",
    "Hello! How are you today?",
    "你好！",
    "Translate 'good morning' into Spanish.",
    "Write a short thank-you note to my colleague.",
    "Set an alarm for 7 am tomorrow.",
    "Summarise this paragraph in one sentence: The cat sat on the mat and looked out of the window.",
    "Wie spät ist es in Tokio?",
    "今日の天気を教えてください。",
)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.load()


@pytest.mark.parametrize("text", EVERYDAY)
def test_an_ordinary_model_answers_an_everyday_ask(scorer: Scorer, text: str) -> None:
    score = scorer.score(Ask(text))
    assert score.p_solve["short"] >= 0.95
    # Less than a calibrated probability can tell from nothing: no policy may pay for it.
    assert score.p_solve["distilled"] - score.p_solve["short"] <= 0.03
    assert score.p_solve["long"] - score.p_solve["short"] <= 0.03


TOGETHER = (
    "How many positive divisors does 360 have?",
    "What is the remainder when 7^100 is divided by 13?",
    "A bag holds 5 red and 7 blue marbles. Two are drawn; what is the chance that both are red?",
    "Find the sum of the digits of 2^15.",
    "Which is larger, the square root of 2 or 1.42?",
)


@pytest.mark.parametrize("between", ["\n", "\n\n", " "], ids=["lines", "paragraphs", "one line"])
def test_several_questions_at_once_are_harder_than_each_of_them(
    scorer: Scorer, between: str
) -> None:
    for first in range(len(TOGETHER) - 2):
        parts = TOGETHER[first : first + 3]
        alone = [scorer.score(Ask(part)).p_solve["short"] for part in parts]
        together = scorer.score(Ask(between.join(parts))).p_solve["short"]
        assert together < min(alone) - 0.05
