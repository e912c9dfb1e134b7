"""OpenAI Responses, streamed: the chunks of a chat completion to named events. Pure.

``response.created`` and ``response.in_progress`` come first, then items one after the other, each from ``output_item.added`` to
``output_item.done``, and one of ``response.completed``, ``response.incomplete`` or ``response.failed`` last. Function calls are the
exception: servers may send several at once, so all of them end when the answer does.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from router.errors import ApiError

from .responses_answer import ResponseHead
from .responses_items import CUT_SHORT, call_item, message_item, reasoning_item, text_part

_ERROR_CODES = {400: "invalid_prompt", 429: "rate_limit_exceeded"}
"""What the API calls an error of that status inside a response; every other one is a ``server_error``."""


class ResponsesRenderer:
    """Turns the chunks of one chat stream into the events of one response.

    Args:
        head: Of the response.
        model: What the client asked for, until the first chunk says who answers.

    Attributes:
        final: The response as its last event tells it; ``None`` before.
    """

    def __init__(self, head: ResponseHead, model: str) -> None:
        self.final: dict[str, Any] | None = None
        self._head = head
        self._model = model
        self._number = 0
        self._out: list[bytes] = []
        self._items: list[dict[str, Any]] = []
        self._open: int | None = None
        self._calls: dict[int, int] = {}
        self._finish: str | None = None
        self._usage: Mapping[str, Any] | None = None
        self._router: Mapping[str, Any] | None = None

    def feed(self, chunk: dict[str, Any]) -> bytes:
        """Return the events for one chat chunk, framed; empty if it says nothing new."""
        self._model = chunk.get("model") or self._model
        self._begin()
        self._usage = chunk.get("usage") or self._usage
        self._router = chunk.get("router") or self._router
        for choice in chunk.get("choices") or ():
            self._hear(choice)
        return self._said()

    def end(self) -> bytes:
        """Return the last events, framed."""
        self._begin()
        self._close_all()
        final = self._head.ended(self._finish, self._model, self._items, self._usage, self._router)
        self.final = final
        self._event(f"response.{final['status']}", response=final)
        return self._said()

    def comment(self, text: bytes) -> bytes:
        """Return a sign of life: the comment itself, once the response has begun."""
        self._begin()
        return self._said() + text

    def fail(self, error: ApiError) -> bytes:
        """Return the event that tells of an error in the middle of the stream."""
        self._begin()
        code = _ERROR_CODES.get(error.status, "server_error")
        trouble = {"code": code, "message": str(error)}
        failed = self._head.response("failed", self._model, self._items, error=trouble)
        self._event("response.failed", response=failed)
        return self._said()

    def _begin(self) -> None:
        if self._number == 0:
            begun = self._head.response("in_progress", self._model)
            self._event("response.created", response=begun)
            self._event("response.in_progress", response=begun)

    def _hear(self, choice: Mapping[str, Any]) -> None:
        delta = choice.get("delta") or {}
        logprobs = (choice.get("logprobs") or {}).get("content") or []
        self._finish = choice.get("finish_reason") or self._finish
        if thought := delta.get("reasoning_content"):
            self._think(thought)
        if (text := delta.get("content")) or (logprobs and self._text_is_open):
            self._say("output_text", "text", text or "", logprobs)
        if refusal := delta.get("refusal"):
            self._say("refusal", "refusal", refusal, [])
        for call in delta.get("tool_calls") or ():
            self._call(call)

    @property
    def _text_is_open(self) -> bool:
        item = None if self._open is None else self._items[self._open]
        return item is not None and item["type"] == "message"

    def _think(self, thought: str) -> None:
        item = self._ensure("reasoning")
        if not item["summary"]:
            item["summary"].append({"type": "summary_text", "text": ""})
            self._of_item("reasoning_summary_part.added", summary_index=0, part=item["summary"][0])
        item["summary"][0]["text"] += thought
        self._of_item("reasoning_summary_text.delta", summary_index=0, delta=thought)

    def _say(self, kind: str, field: str, text: str, logprobs: list[Any]) -> None:
        content = self._ensure("message")["content"]
        if not content or content[-1]["type"] != kind:
            self._close_part()
            content.append(text_part("") if kind == "output_text" else {"type": kind, field: ""})
            self._of_item("content_part.added", content_index=len(content) - 1, part=content[-1])
        content[-1][field] += text
        told: dict[str, Any] = {"logprobs": logprobs} if kind == "output_text" else {}
        if logprobs:
            content[-1]["logprobs"] += logprobs
        self._of_item(f"{kind}.delta", content_index=len(content) - 1, delta=text, **told)

    def _call(self, delta: Mapping[str, Any]) -> None:
        self._close()
        index, function = delta.get("index", 0), delta.get("function") or {}
        if index not in self._calls:
            self._calls[index] = place = len(self._items)
            named = {"id": delta.get("id"), "function": {"name": function.get("name")}}
            self._items.append(call_item(f"fc_{self._head.hexes}_{place}", named, "in_progress"))
            self._event("response.output_item.added", output_index=place, item=self._items[place])
        place = self._calls[index]
        if fragment := function.get("arguments"):
            self._items[place]["arguments"] += fragment
            self._of_item("function_call_arguments.delta", place, delta=fragment)

    def _ensure(self, kind: str) -> dict[str, Any]:
        """Return the open item, opening one of that kind where there is none."""
        if self._open is not None and self._items[self._open]["type"] == kind:
            return self._items[self._open]
        self._close()
        self._open = place = len(self._items)
        if kind == "reasoning":
            item = reasoning_item(f"rs_{self._head.hexes}_{place}", "")
        else:
            item = message_item(f"msg_{self._head.hexes}_{place}", [], "in_progress")
        self._items.append(item)
        self._event("response.output_item.added", output_index=place, item=item)
        return item

    def _close_part(self) -> None:
        """End the open part of the open message, if it has one."""
        assert self._open is not None, "a message is open"
        content = self._items[self._open]["content"]
        if not content:
            return
        part, index = content[-1], len(content) - 1
        if part["type"] == "output_text":
            told = {"text": part["text"], "logprobs": part["logprobs"]}
            self._of_item("output_text.done", content_index=index, **told)
        else:
            self._of_item("refusal.done", content_index=index, refusal=part["refusal"])
        self._of_item("content_part.done", content_index=index, part=part)

    def _close(self) -> None:
        """End the open item, if there is one."""
        if self._open is None:
            return
        item = self._items[self._open]
        if item["type"] == "reasoning":
            part = item["summary"][0]
            self._of_item("reasoning_summary_text.done", summary_index=0, text=part["text"])
            self._of_item("reasoning_summary_part.done", summary_index=0, part=part)
        else:
            self._close_part()
            item["status"] = self._status
        self._event("response.output_item.done", output_index=self._open, item=item)
        self._open = None

    def _close_all(self) -> None:
        self._close()
        for place in self._calls.values():
            item = self._items[place]
            item["status"] = self._status
            told = {"name": item["name"], "arguments": item["arguments"]}
            self._of_item("function_call_arguments.done", place, **told)
            self._event("response.output_item.done", output_index=place, item=item)

    @property
    def _status(self) -> str:
        return "incomplete" if self._finish in CUT_SHORT else "completed"

    def _of_item(self, kind: str, place: int | None = None, **fields: Any) -> None:
        """Tell something of an item: the open one, or the one at ``place``."""
        place = self._open if place is None else place
        assert place is not None, "something is told of an item"
        item_id = self._items[place]["id"]
        self._event(f"response.{kind}", item_id=item_id, output_index=place, **fields)

    def _event(self, kind: str, **fields: Any) -> None:
        told = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        self._out.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps(told)))

    def _said(self) -> bytes:
        out, self._out = self._out, []
        return b"".join(out)
