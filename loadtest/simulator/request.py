"""A chat completion request as the simulator understands it; parsed once, here. Fields it does not know are ignored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from loadtest.simulator.tools import Toolbox, read_toolbox

MAX_CHOICES = 128
MAX_ALTERNATIVES = 20
_EFFORTS = {"minimal": 0.25, "low": 0.5, "medium": 1.0, "high": 1.5, "xhigh": 2.0}


class BadRequestError(Exception):
    """The request cannot be served; carries the status, the code and the offending parameter."""

    def __init__(
        self, message: str, *, param: str | None = None, status: int = 400, code: str = "invalid"
    ) -> None:
        super().__init__(message)
        self.param = param
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Message:
    """One message; content parts are joined, parts that are not text are left out."""

    role: str
    text: str
    continued: bool


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What was asked for.

    Attributes:
        model: The name as sent, faults included.
        messages: At least one.
        max_tokens: Bound on reasoning and content together; None for no bound.
        thinking_budget: Bound on the reasoning, tokens; None for no bound; 0 is the same as `thinking_off`.
        thinking_off: The caller switched reasoning off, in any of the dialects.
        effort: Factor on the least length of the reasoning.
        json_answer: The answer must be a JSON object.
        top_logprobs: Alternatives to list with each token; None for no logprobs.
        toolbox: The tools the model may call.
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool
    include_usage: bool
    max_tokens: int | None
    thinking_budget: int | None
    thinking_off: bool
    effort: float
    stop: tuple[str, ...]
    n: int
    seed: int | None
    json_answer: bool
    top_logprobs: int | None = None
    toolbox: Toolbox = field(default_factory=Toolbox)


def parse_request(raw: bytes) -> ChatRequest:
    """Read a request body.

    Raises:
        BadRequestError: If it is no JSON object or a field that is used here has the wrong type.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadRequestError("the body must be a JSON object")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequestError("'model' must be a non-empty string", param="model")
    budget = _thinking_budget(body)
    return ChatRequest(
        model=model,
        messages=_messages(body),
        stream=body.get("stream") is True,
        include_usage=_mapping(body.get("stream_options")).get("include_usage") is True,
        max_tokens=_max_tokens(body),
        thinking_budget=budget,
        thinking_off=budget == 0 or _is_thinking_off(body),
        effort=_EFFORTS.get(str(body.get("reasoning_effort")), 1.0),
        stop=_stops(body),
        n=min(_whole(body, "n", 1) or 1, MAX_CHOICES),
        seed=_whole(body, "seed", None, least=None),
        json_answer=_mapping(body.get("response_format")).get("type")
        in ("json_object", "json_schema"),
        top_logprobs=_top_logprobs(body),
        toolbox=read_toolbox(body),
    )


def _messages(body: Mapping[str, Any]) -> tuple[Message, ...]:
    raw = body.get("messages")
    if not isinstance(raw, list) or not raw:
        raise BadRequestError("'messages' must be a non-empty list", param="messages")
    if not all(isinstance(message, dict) for message in raw):
        raise BadRequestError("every message must be an object", param="messages")
    last = len(raw) - 1
    return tuple(
        Message(
            role=str(message.get("role", "user")),
            text=_thought(message) + _text(message.get("content")),
            # vLLM, SGLang and llama.cpp say it in the body, DeepSeek and Mistral (`prefix`), Kimi and Qwen (`partial`) here
            continued=index == last
            and message.get("role") == "assistant"
            and any(
                flag is True
                for flag in (
                    body.get("continue_final_message"),
                    *map(message.get, ("prefix", "partial")),
                )
            ),
        )
        for index, message in enumerate(raw)
    )


def _thought(message: Mapping[str, Any]) -> str:
    """Return reasoning that DeepSeek's `prefix` takes beside the content; other reasoning of a history is not read."""
    thought = message.get("reasoning_content")
    handed_over = message.get("prefix") is True and isinstance(thought, str) and thought
    return f"<think>\n{thought}\n</think>\n\n" if handed_over else ""


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        str(part["text"])
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(
    body: Mapping[str, Any], name: str, default: int | None, *, least: int | None = 1
) -> int | None:
    value = body.get(name)
    if value is None:
        return default
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or (least is not None and value < least)
    ):
        raise BadRequestError(
            f"'{name}' must be an integer{'' if least is None else f' >= {least}'}", param=name
        )
    return value


def _top_logprobs(body: Mapping[str, Any]) -> int | None:
    top = _whole(body, "top_logprobs", 0, least=0) or 0
    if top > MAX_ALTERNATIVES:
        raise BadRequestError(
            f"'top_logprobs' must be at most {MAX_ALTERNATIVES}", param="top_logprobs"
        )
    return top if body.get("logprobs") is True else None


def _max_tokens(body: Mapping[str, Any]) -> int | None:
    limits = [_whole(body, name, None) for name in ("max_tokens", "max_completion_tokens")]
    return min((limit for limit in limits if limit is not None), default=None)


def _thinking_budget(body: Mapping[str, Any]) -> int | None:
    """Return the smallest budget given in any dialect: vLLM, DashScope, llama.cpp, OpenRouter, Anthropic-like."""
    values = [
        body.get(name)
        for name in ("thinking_token_budget", "thinking_budget", "thinking_budget_tokens")
    ]
    values += [
        _mapping(body.get("reasoning")).get("max_tokens"),
        _mapping(body.get("thinking")).get("budget_tokens"),
    ]
    return min(
        (v for v in values if isinstance(v, int) and not isinstance(v, bool) and v >= 0),
        default=None,
    )


def _is_thinking_off(body: Mapping[str, Any]) -> bool:
    template = _mapping(body.get("chat_template_kwargs"))
    reasoning = _mapping(body.get("reasoning"))
    return (
        any(
            flag is False
            for flag in (
                template.get("enable_thinking"),
                template.get("thinking"),
                body.get("enable_thinking"),
            )
        )
        or "none" in (body.get("reasoning_effort"), reasoning.get("effort"))
        or reasoning.get("enabled") is False
        or _mapping(body.get("thinking")).get("type") == "disabled"
    )


def _stops(body: Mapping[str, Any]) -> tuple[str, ...]:
    stop = body.get("stop")
    stops = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(stops, list) or not all(isinstance(item, str) for item in stops):
        raise BadRequestError("'stop' must be a string or a list of strings", param="stop")
    return tuple(item for item in stops if item)
