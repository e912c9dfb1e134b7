"""Reasoning that a server left inside the content, between ``<think>`` tags: told apart as it streams. Pure.

Only a tag at the very beginning counts: further on it is the answer's own text. Servers whose chat template
writes the opening tag into the prompt send the closing one alone; a whole text shows that, a stream does not.
"""

from dataclasses import dataclass
from typing import Any

OPEN, CLOSE = "<think>", "</think>"


@dataclass(slots=True)
class ThinkTags:
    """Splits one message's content, delta by delta.

    Attributes:
        held: Text that may still turn out to be a part of a tag.
        thinking: Inside the tags.
        settled: Everything from here on is the answer.
        trims: Just behind a tag, where line breaks belong to the tag.
        tagged: There was an opening tag.
    """

    held: str = ""
    thinking: bool = False
    settled: bool = False
    trims: bool = False
    tagged: bool = False

    def feed(self, text: str) -> tuple[str, str]:
        """Return (reasoning, answer) that ``text`` makes certain."""
        if self.settled:
            return "", self._trimmed(text)
        text = self.held + text
        self.held = ""
        if not self.thinking:
            start = text.lstrip()
            if len(start) < len(OPEN) and OPEN.startswith(start):
                self.held = text
                return "", ""
            if not start.startswith(OPEN):
                self.settled = True
                return "", text
            self.thinking = self.trims = self.tagged = True
            text = start[len(OPEN) :]
        thought, closed, answer = text.partition(CLOSE)
        if not closed:
            keep = _started(thought, CLOSE)
            self.held = thought[len(thought) - keep :]
            return self._trimmed(thought[: len(thought) - keep]), ""
        thought = self._trimmed(thought)
        self.thinking, self.settled, self.trims = False, True, True
        return thought, self._trimmed(answer)

    def rest(self) -> tuple[str, str]:
        """Return (reasoning, answer) still held when the message ends."""
        held, self.held = self.held, ""
        return (held, "") if self.thinking else ("", held)

    def _trimmed(self, text: str) -> str:
        if self.trims:
            text = text.lstrip("\n")
            self.trims = not text
        return text


def untag(tags: ThinkTags, delta: dict[str, Any], *, ended: bool) -> bool:
    """Move what stands between think tags to where reasoning belongs, in place; return whether something did.

    Args:
        tags: Where the tags of this message have got it to.
        delta: The next piece of it.
        ended: It is the last one.
    """
    text = delta.get("content") or ""
    if (tags.settled and not tags.trims) or not (text or tags.held):
        return False
    thought, answer = tags.feed(text)
    if ended:
        more_thought, more_answer = tags.rest()
        thought, answer = thought + more_thought, answer + more_answer
    if not thought and answer == text:
        return False
    delta["content"] = answer
    if thought:
        delta["reasoning_content"] = (delta.get("reasoning_content") or "") + thought
    return True


def split_whole(text: str) -> tuple[str, str]:
    """Return (reasoning, answer) of a whole message, also when its opening tag is missing."""
    tags = ThinkTags()
    thought, answer = tags.feed(text)
    more_thought, more_answer = tags.rest()
    thought, answer = thought + more_thought, answer + more_answer
    if not thought and CLOSE in answer and OPEN not in answer:
        thought, _, answer = answer.partition(CLOSE)
        answer = answer.lstrip("\n")
    return thought, answer


def _started(text: str, tag: str) -> int:
    """Return how many characters at the end of ``text`` may be the start of ``tag``."""
    longest = min(len(text), len(tag) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(tag[:n])), 0)
