from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import InvalidRequestError
from router.wire.completions import CompletionsRenderer, parse_completions, render_completion
from router.wire.openai_stream import replayed
from router.wire.sse import DONE, Splitter
from tests.fakes import query

texts = st.text(st.characters(codec="utf-8"), max_size=200)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=3))
def test_a_stream_says_what_a_plain_reply_does(said: list[tuple[str, str]]) -> None:
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text, "reasoning_content": thought},
            "logprobs": None,
            "finish_reason": "stop",
        }
        for index, (text, thought) in enumerate(said)
    ]
    completion: dict[str, Any] = {"id": "c", "created": 1, "model": "m", "choices": choices}
    renderer = CompletionsRenderer(query())
    heard = [("", "") for _ in said]
    finished = 0
    for part in replayed(completion, {"tier": "short"}, None):
        for payload in Splitter().feed(part):
            out = renderer.end() if payload == DONE else renderer.feed(orjson.loads(payload))
            for event in Splitter().feed(out):
                if event == DONE:
                    continue
                for choice in orjson.loads(event)["choices"]:
                    text, thought = heard[choice["index"]]
                    more = choice.get("reasoning_content", "")
                    heard[choice["index"]] = text + choice["text"], thought + more
                    finished += choice["finish_reason"] == "stop"
    assert heard == said
    assert finished == len(said)
    whole = render_completion(completion, query())
    told = [(c["text"], c.get("reasoning_content", "")) for c in whole["choices"]]
    assert told == said


def test_a_prompt_is_one_human_turn() -> None:
    asked = {"model": "auto", "prompt": "Once upon", "max_tokens": 5, "logprobs": 2, "seed": 1}
    parsed = parse_completions(asked, {})
    assert parsed.body == {
        "messages": [{"role": "user", "content": "Once upon"}],
        "max_tokens": 5,
        "logprobs": True,
        "top_logprobs": 2,
        "seed": 1,
    }
    assert parsed.ceilings.max_output_tokens == 5
    assert parsed.ask.text == "Once upon"


@pytest.mark.parametrize("name", ["echo", "suffix", "best_of", "messages", "tools"])
def test_what_only_a_continuation_could_honour_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_completions({"model": "auto", "prompt": "x", name: 2}, {})
    assert caught.value.param == name


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["model", "prompt", "echo", "best_of", "logprobs", "max_tokens", "stream", "router"]
        ),
        anything,
    )
)
def test_any_json_is_understood_or_refused(body: dict[str, Any]) -> None:
    try:
        parsed = parse_completions({"model": "auto", "prompt": "x"} | body, {})
    except InvalidRequestError:
        return
    assert len(parsed.body["messages"]) == 1
