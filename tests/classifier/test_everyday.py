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
