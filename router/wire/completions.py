"""OpenAI's legacy completions: a prompt to a chat of one message, and the chat's answer back. Pure.

A chat model answers the prompt; it does not go on writing it. What only a continuation could honour (``suffix``, ``echo``,
prompts of token numbers) is refused.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from policies.types import Query
from router.errors import ApiError, InvalidRequestError

from .openai_request import parse_chat
from .sse import END, frame

_REFUSED = {
    "echo": "the answer of a chat model does not begin with the prompt",
    "messages": "send them to /v1/chat/completions",
    "suffix": "a chat model cannot write up to a given end",
    "tools": "use /v1/chat/completions",
}
"""What is an error where it asks for something, and why."""

_OURS = frozenset({"prompt", "logprobs", "best_of", *_REFUSED})

MOST_LOGPROBS = 20


def parse_completions(
    body: Any,
    overrides: Mapping[str, str],
    *,
    tenant: str = "",
    tiers: tuple[str, ...] | None = None,
) -> Query:
    """Return the Query of a legacy completion request.

    Args:
        body: The decoded JSON.
        overrides: As for ``parse_chat``.
        tenant: From the client's key.
        tiers: Tier names that key may use.

    Raises:
        InvalidRequestError: Naming the field and what it must be.
    """
    if not isinstance(body, dict):
        raise InvalidRequestError("the body must be a JSON object")
    for name, why in _REFUSED.items():
        if body.get(name):
            raise InvalidRequestError(f"{name} is not served here: {why}", param=name)
    if body.get("best_of") not in (None, 1):
        raise InvalidRequestError(
            "best_of must be 1 here; a tier's search takes the best of several", param="best_of"
        )
    chat = {name: value for name, value in body.items() if name not in _OURS}
    chat["messages"] = [{"role": "user", "content": _prompt(body.get("prompt"))}]
    top = body.get("logprobs")
    if top is not None:
        if not isinstance(top, int) or isinstance(top, bool) or not 0 <= top <= MOST_LOGPROBS:
            raise InvalidRequestError(
                f"logprobs must be an integer between 0 and {MOST_LOGPROBS}", param="logprobs"
            )
        chat |= {"logprobs": True, "top_logprobs": top}
    return parse_chat(chat, overrides, tenant=tenant, tiers=tiers)


def _prompt(prompt: Any) -> str:
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        prompt = prompt[0]
    if not isinstance(prompt, str) or not prompt:
        raise InvalidRequestError(
            "prompt must be a text, or a list of one text; token numbers and several prompts are not served here",
            param="prompt",
        )
    return prompt


def render_completion(completion: dict[str, Any], _: Query) -> dict[str, Any]:
    """Return the legacy reply that a whole chat completion makes; reasoning stays beside the text."""
    choices = [_choice(choice, choice["message"], {}) for choice in completion["choices"]]
    return {**completion, "object": "text_completion", "choices": choices}


class CompletionsRenderer:
    """Turns the chunks of one chat stream into those of a legacy one."""

    def __init__(self, _: Query) -> None:
        self._offsets: dict[int, int] = {}

    def feed(self, chunk: dict[str, Any]) -> bytes:
        """Return the event for one chat chunk, framed; empty if it says nothing new."""
        heard = chunk.get("choices") or ()
        choices = [_choice(choice, choice.get("delta") or {}, self._offsets) for choice in heard]
        told = [choice for choice in choices if _says_something(choice)]
        if heard and not told:
            return b""
        return frame([orjson.dumps({**chunk, "object": "text_completion", "choices": told})])

    def end(self) -> bytes:
        """Return the last event, framed."""
        return END

    def comment(self, text: bytes) -> bytes:
        """Return the comment as it is."""
        return text

    def fail(self, error: ApiError) -> bytes:
        """Return the event that tells of an error in the middle of the stream."""
        return frame([orjson.dumps(error.body())])


_BESIDE = ("reasoning_content", "refusal")
"""What legacy completions have no field for: told under the names that chats have."""


def _choice(
    choice: Mapping[str, Any], said: Mapping[str, Any], offsets: dict[int, int]
) -> dict[str, Any]:
    """Return a choice, or what is new of one.

    Args:
        choice: As a chat has it.
        said: Its message or delta.
        offsets: Where the log probabilities of each choice have got to, in characters; moved on.
    """
    index = choice.get("index", 0)
    tokens = (choice.get("logprobs") or {}).get("content") or []
    return {
        "index": index,
        "text": said.get("content") or "",
        "logprobs": _logprobs(tokens, offsets, index) if tokens else None,
        "finish_reason": choice.get("finish_reason"),
        **{name: said[name] for name in _BESIDE if said.get(name)},
    }


def _says_something(choice: Mapping[str, Any]) -> bool:
    return any(choice.get(name) for name in ("text", "finish_reason", "logprobs", *_BESIDE))


def _logprobs(tokens: list[dict[str, Any]], offsets: dict[int, int], index: int) -> dict[str, Any]:
    """Return log probabilities in four lists, as they were told before chats."""
    starts = []
    for token in tokens:
        starts.append(offsets.get(index, 0))
        offsets[index] = starts[-1] + len(token["token"])
    return {
        "tokens": [token["token"] for token in tokens],
        "token_logprobs": [token["logprob"] for token in tokens],
        "top_logprobs": [
            {top["token"]: top["logprob"] for top in token.get("top_logprobs") or ()}
            for token in tokens
        ],
        "text_offset": starts,
    }
