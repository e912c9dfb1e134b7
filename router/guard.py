"""The guard on a stream: counts reasoning as it passes, brings it into one form, says when to cut.

Pure: chunks in, chunks out, in order, constant memory. It opens no connection and forces no answer
itself; whoever drives it closes the upstream when ``cut`` is set.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from policies.tokens import TokenCount
from policies.types import Budget, Usage
from router.chunks import begin, chunk_of, decode, shape_of
from router.convergence import Convergence
from router.following import Following
from router.lengthening import TOO_SHORT
from router.repetition import repeats_itself
from router.wire.openai_answer import Assembler, read_usage, unify
from router.wire.sse import DONE
from router.wire.think_tags import ThinkTags, untag

GRACE = 1.05
"""Reasoning may run to this share of its budget to end on a sentence."""

SLACK_TOKENS = 16
"""... and this much further: counts of ours are estimates, and an upstream sends several tokens at once.
Together they stay inside the promised 10 % + 32 tokens."""

TRUSTED_GRACE = 1.1
TRUSTED_SLACK_TOKENS = 32
"""For a model that has shown that it keeps its budget: our count errs more often than it does."""

TAIL_CHARS = 6000
"""Reasoning kept for the model that must answer from it: about 1,500 tokens."""

CHECK_EVERY_CHARS = 1000
"""Reasoning is looked at for repetition and convergence this often; a look costs as much as some chunks."""

LOOK_EVERY_CHUNKS = 8
"""How often plain chunks are held against the output limit: it may be passed by that many."""

_HEAD = ("id", "created", "model")
_SENTENCE_ENDS = (".", "\n", "!", "?", "。", "！", "？")


@dataclass(slots=True)
class Guard:
    """Watches one upstream stream.

    Attributes:
        budget: What the stream may spend.
        ratio: Real tokens per estimated token, learned from this model's settled calls.
        collect: Also assemble the whole answer (for a plain reply, or for the cache).
        cut: Why the upstream must be closed now: ``thinking_budget``, ``output_budget``, ``loop`` (the
            reasoning repeats itself), ``converged`` (it only confirms its answer), ``thought_too_little``
            (it is to be continued elsewhere) or ``None``.
        done: The upstream ended properly.
        answered: Some visible content or a tool call has passed.
        finish: Chunks that carry a finish reason, held back for the router's closing words.
        reported: Usage the upstream reported.
        head: What identifies the stream: ``id``, ``created``, ``model`` of its first chunk, or of the
            stream that it continues.
        tail: The last of the reasoning.
        unchecked: Characters of reasoning since it was last looked at.
        convergence: Notices reasoning that has settled; ``None`` where that is no reason to cut.
        follows: What must be known of the answer as a whole, over all its streams.
        tags: By choice, where think tags in its content have got it to.
        shape: What stands before and after the text of this stream's plain chunks.
        mute_thinking: Count reasoning, but do not pass it on.
        trusted: The model has kept its budgets by itself so far.
    """

    budget: Budget
    ratio: float = 1.0
    collect: Assembler | None = None
    cut: str | None = None
    done: bool = False
    answered: bool = False
    finish: list[dict[str, Any]] = field(default_factory=list)
    reported: Usage | None = None
    thought: TokenCount = field(default_factory=TokenCount)
    spoken: TokenCount = field(default_factory=TokenCount)
    head: dict[str, Any] = field(default_factory=dict)
    mute_thinking: bool = False
    trusted: bool = False
    tail: str = ""
    unchecked: int = 0
    convergence: Convergence | None = None
    follows: Following | None = None
    shape: tuple[bytes, bytes] | None = None
    tags: dict[int, ThinkTags] = field(default_factory=dict)

    def feed(self, payloads: Sequence[bytes]) -> list[bytes]:
        """Take the payloads of some events; return those to pass on.

        Raises:
            UpstreamError: If the upstream reports an error or sends what is not a chunk.
        """
        passed: list[bytes] = []
        for payload in payloads:
            if self.answered and self._repeats(payload):
                passed.append(payload)
                # By the count of chunks, so that how many of them a read brought makes no difference.
                if self.spoken.chunks % LOOK_EVERY_CHUNKS == 0:
                    self._limit_output()
                    if self.cut:
                        break
                continue
            if payload == DONE:
                self.done = True
                break
            if (out := self._take(decode(payload), payload)) is not None:
                passed.append(out)
            self._limit_output()
            if self.cut:
                break
        return passed

    @property
    def starved(self) -> bool:
        """The stream ended, or must end, before it said anything."""
        # To reason and then stop without a word is no answer either.
        mute = self._ended("stop") and self.thought.chunks > 0
        return not self.answered and (self.cut is not None or self.ran_out or mute)

    @property
    def ran_out(self) -> bool:
        """The upstream ended because of a limit on its output."""
        return self._ended("length")

    def _ended(self, reason: str) -> bool:
        choices = (choice for chunk in self.finish for choice in chunk["choices"])
        return any(choice.get("finish_reason") == reason for choice in choices)

    def closing(self, finish_reason: str) -> dict[str, Any]:
        """Return a finish chunk of our own, for a stream that was cut."""
        return chunk_of(self.head, {}, finish_reason)

    def waiting(self, words: str) -> bytes:
        """Return a chunk that adds ``words`` of ours to the reasoning, which another stream continues."""
        words = words if self.tail.endswith("\n") else f"\n\n{words}"
        chunk = chunk_of(self.head, {"reasoning_content": words})
        self.tail += words
        if self.follows is not None:
            self.follows.thinks(words)
        if self.collect is not None:
            self.collect.add(chunk)
        return orjson.dumps(chunk)

    def handed_on(self) -> dict[str, Any]:
        """Return what the guard must know of a stream that continues the reasoning of this one."""
        tagged = any(tags.tagged for tags in self.tags.values())
        return {
            "collect": self.collect,
            "follows": self.follows,
            "head": self.head,
            "tail": self.tail,
            "tags": {0: ThinkTags(thinking=True)} if tagged else {},
        }

    def usage(self, prompt_tokens: int) -> Usage:
        """Return what the stream spent: the upstream's count, or ours where it gave none."""
        thought = round(self.thought.tokens * self.ratio)
        if self.reported is None:
            spoken = round(self.spoken.tokens * self.ratio)
            return Usage(prompt_tokens, 0, thought + spoken, thought, estimated=True)
        told = self.reported
        if told.reasoning or not thought:
            return told
        reasoning = min(thought, told.completion)
        return Usage(told.prompt, told.cached, told.completion, reasoning, estimated=True)

    def _repeats(self, payload: bytes) -> bool:
        """Count a chunk that is like the last one but for its text, and say whether it was.

        Most chunks of a stream are, and need not be parsed to be counted and passed on. A quote in the text is
        escaped, so text without quotes cannot hide another field.
        """
        shape = self.shape
        if shape is None or self.mute_thinking:
            return False
        before, after = shape
        if not (payload.startswith(before) and payload.endswith(after)):
            return False
        text = payload[len(before) : len(payload) - len(after)]
        if b'"' in text or b"\\u" in text:
            return False  # six bytes for a character would count as six characters
        if b"\\" in text and (self.collect is not None or self.follows is not None):
            return False  # its text must be decoded
        if self.collect is not None:
            self.collect.add_text(text.decode(errors="replace"))
        if self.follows is not None:
            self.follows.says(text)
        self.spoken.add_bytes(len(text))
        return True

    def _take(self, chunk: dict[str, Any], payload: bytes) -> bytes | None:
        usage = chunk.get("usage")
        if usage:
            self.reported = read_usage(usage)
        choices = chunk.get("choices")
        if not choices:
            return None  # a usage chunk: the router sends its own, for all calls together
        changed = "usage" in chunk and chunk.pop("usage") is not None
        for choice in choices:
            changed |= self._read(choice)
        if not self.head:
            self.head = {name: chunk.get(name) for name in _HEAD}
            changed |= begin(choices)
        elif chunk.get("id") != self.head["id"]:
            chunk |= self.head  # this stream goes on where another one stopped
            changed = True
        if self.collect is not None:
            self.collect.add(chunk)
        if any(choice.get("finish_reason") for choice in choices):
            self.finish.append(chunk)
            return None
        if changed:
            return orjson.dumps(chunk)
        if self.shape is None and self.answered:
            self.shape = shape_of(chunk, payload)
        return payload

    def _read(self, choice: dict[str, Any]) -> bool:
        """Count one choice's delta; return whether it had to be brought into our form."""
        delta, index = choice.setdefault("delta", {}), choice.get("index", 0)
        changed = unify(delta)
        if not self.answered or index in self.tags:
            tags = self.tags.setdefault(index, ThinkTags())
            changed |= untag(tags, delta, ended=bool(choice.get("finish_reason")))
        if thought := delta.get("reasoning_content"):
            self._think(thought)
            if self.mute_thinking:
                del delta["reasoning_content"]
                changed = True
        if text := delta.get("content"):
            if not self.answered and self._ends_too_early():
                delta["content"], choice["finish_reason"] = "", None
                return True
            self.answered = True
            self.spoken.add(text)
            if self.follows is not None:
                self.follows.says(text.encode(errors="replace"))
        elif delta.get("tool_calls") or delta.get("refusal"):
            self.answered = True
        return changed

    def _think(self, text: str) -> None:
        self.thought.add(text)
        self.tail = (self.tail + text)[-TAIL_CHARS:]
        self.unchecked += len(text)
        if self.follows is not None:
            self.follows.thinks(text)
        if self.unchecked >= CHECK_EVERY_CHARS:
            self._look()
            if self.cut:
                return
        limit = self.budget.thinking
        if limit is None or self.answered:
            return
        spent = self.thought.tokens * self.ratio
        at_sentence_end = limit and not self.trusted and text.endswith(_SENTENCE_ENDS)
        if spent > limit and (at_sentence_end or self._far_past(limit, spent)):
            self.cut = "thinking_budget"

    def _look(self) -> None:
        """Look at the reasoning since the last look: it may loop, or have settled."""
        news, self.unchecked = self.tail[-self.unchecked :], 0
        if repeats_itself(self.tail):
            self.cut = "loop"
        elif self.convergence is not None and self.convergence.feed(news) and not self.answered:
            self.cut = "converged"
        if self.follows is not None:
            self.follows.stated.feed(news)

    def _ends_too_early(self) -> bool:
        """Take the end of the reasoning; return whether it is to go on, and is cut here for that."""
        if self.follows is None or not self.thought.chunks:
            return False
        news = self.tail[-self.unchecked :] if self.unchecked else ""
        self.unchecked = 0
        if self.follows.ends(news, round(self.thought.tokens * self.ratio)):
            self.cut = TOO_SHORT
        return self.cut == TOO_SHORT

    def _limit_output(self) -> None:
        limit = self.budget.output
        if limit is None or self.cut:
            return
        spent = (self.thought.tokens + self.spoken.tokens) * self.ratio
        if self._far_past(limit, spent):
            self.cut = "output_budget"

    def _far_past(self, limit: int, spent: float) -> bool:
        if self.trusted:
            return spent > limit * TRUSTED_GRACE + TRUSTED_SLACK_TOKENS
        return spent > limit * GRACE + SLACK_TOKENS
