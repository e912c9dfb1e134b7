from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policies.tokens import TOKENS_PER_MESSAGE, TokenCount, prompt_tokens


def counted(*texts: str) -> int:
    count = TokenCount()
    for text in texts:
        count.add(text)
    return count.tokens


@given(st.lists(st.text()))
def test_there_are_at_least_as_many_tokens_as_deltas(texts: list[str]) -> None:
    assert counted(*texts) >= len(texts)


@given(st.lists(st.text()), st.text())
def test_a_further_delta_takes_back_one_token_at_most(texts: list[str], more: str) -> None:
    assert counted(*texts, more) >= counted(*texts) - 1


@given(st.lists(st.text()))
def test_sizes_count_like_the_text_they_measure(texts: list[str]) -> None:
    sizes = TokenCount()
    for text in texts:
        sizes.add_bytes(len(text.encode(errors="replace")))
    assert sizes.tokens == counted(*texts)


def test_long_deltas_hold_several_tokens() -> None:
    assert counted("word " * 400) == 499
    assert counted(*["word "] * 400) == 400


def test_chinese_counts_three_bytes_a_character() -> None:
    assert counted("推理" * 200) == 299


def test_a_prompt_counts_its_texts_and_a_little_per_message() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "x" * 400},
        {"role": "user", "content": [{"type": "text", "text": "y" * 40}, {"type": "image_url"}]},
        {"role": "assistant", "content": None},
    ]
    assert prompt_tokens(messages) == 110 + 3 * TOKENS_PER_MESSAGE
