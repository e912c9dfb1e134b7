"""What reasoning states: whether it has settled, and when its final answer first stood. Pure.

Settled is the same answer stated again and again, with checks between.

The rule for servers that cannot be probed in the middle of a thought (early exit without prefill): an answer that
stood, was checked and stood again changes rarely, and what is thought after it is mostly wasted
(arXiv 2412.21187). A doubt, or another answer, begins the count anew.
"""

import re
from dataclasses import dataclass, field

from policies.answers import answer_key

STATEMENTS = 3
"""Times the same answer must have been stated."""

LONGEST_SENTENCE = 1000
"""Characters of an unfinished sentence that are kept; longer ones are no statements."""

_END = re.compile(r"[.!?](?=\s)|[。！？\n]")
_STATES = re.compile(r"\banswer\b|\\boxed|答案", re.IGNORECASE)
_CONFIRMS = re.compile(
    r"\b(?:again|still|same|confirm\w*|comes? (?:out|to)|match\w*)\b|仍|还是|同样|一致",
    re.IGNORECASE,
)
_CHECKS = re.compile(
    r"\b(?:wait|check\w*|verif\w*|confirm\w*|alternatively|another way|look|again|re-?read|double|hmm)\b"
    r"|验证|检查|检验|再算|核对|等等|换一种",
    re.IGNORECASE,
)
_DOUBTS = re.compile(
    r"\b(?:not|wrong|mistake|incorrect|error|contradict\w*|isn't|doesn't|can't|cannot)\b|错|不对|矛盾",
    re.IGNORECASE,
)
_HEDGES = re.compile(
    r"\b(?:if|maybe|perhaps|might|could|suppose|assum\w*|should|would|unless|whether)\b|[?？]|如果|也许|可能|假设",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Convergence:
    """How often the answer that the reasoning now holds was stated.

    Attributes:
        key: The answer, in canonical form.
        times: Statements of it that a check lay between.
        checked: A checking word has passed since the last of them.
        held: The beginning of a sentence that is not finished.
    """

    key: str | None = None
    times: int = 0
    checked: bool = False
    held: str = ""

    def feed(self, text: str) -> bool:
        """Take the next piece of the reasoning; return whether it has converged."""
        text = self.held + text
        begin = 0
        for found in _END.finditer(text):
            self._read(text[begin : found.end()])
            begin = found.end()
        self.held = text[begin:][-LONGEST_SENTENCE:]
        return self.times >= STATEMENTS

    def _read(self, sentence: str) -> None:
        if _DOUBTS.search(sentence):
            self.key, self.times, self.checked = None, 0, False
            return
        self.checked |= _CHECKS.search(sentence) is not None
        states = _STATES.search(sentence) is not None
        confirms = self.key is not None and _CONFIRMS.search(sentence) is not None
        if not (states or confirms) or _HEDGES.search(sentence):
            return
        key = answer_key(sentence)
        if key is None:
            return
        if key != self.key:
            if states:
                self.key, self.times, self.checked = key, 1, False
        elif self.checked:
            self.times += 1
            self.checked = False


MOST_ANSWERS = 64
"""Different answers of one reasoning that are kept."""


def _may_state(text: str) -> bool:
    """Return whether a statement may stand in the text: cheaper than to look for the statement itself."""
    return "nswer" in text or "NSWER" in text or "oxed" in text or "答案" in text


@dataclass(slots=True)
class Statements:
    """Which answers the reasoning has stated, and how far it was when it first stated each.

    Attributes:
        first: Characters of reasoning up to the first statement of an answer, by its key.
        last: The answer that was stated last.
        seen: Characters so far.
        held: The beginning of a sentence that is not finished.
    """

    first: dict[str, int] = field(default_factory=dict)
    last: str | None = None
    seen: int = 0
    held: str = ""

    def feed(self, text: str) -> None:
        """Take the next piece of the reasoning."""
        begin = self.seen - len(self.held)
        self.seen += len(text)
        text = self.held + text
        rest = max(text.rfind(". "), text.rfind("\n")) + 1
        if _may_state(text):
            rest = 0
            for found in _END.finditer(text):
                self._read(text[rest : found.end()], begin + found.end())
                rest = found.end()
        self.held = text[rest:][-LONGEST_SENTENCE:]

    def end(self) -> None:
        """Take the end of the reasoning as that of its last sentence."""
        self._read(self.held, self.seen)
        self.held = ""

    def efficiency(self, answer: str, reasoning: int, completion: int) -> float | None:
        """Return the share of tokens that was spent until the answer first stood, in (0, 1]; more is better.

        Outcome efficiency of arXiv 2412.21187 (section 3): T'/T, T tokens in all and T' until the first right
        solution. The given answer stands in for the right one, which nobody labels. T' is the reasoning up to the
        first sentence that states it, by the text's share of the reasoning tokens; T the completion, all calls of
        the answer together. An answer that no sentence of the reasoning is seen to state stands when it is
        given: 1. ``None`` where there is no reasoning to read, or an answer that cannot be compared.

        Args:
            answer: The last of the visible text.
            reasoning: Tokens of reasoning that it cost.
            completion: Tokens in all.
        """
        key = answer_key(answer) if self.first else None
        if key is None or not completion:
            return None
        if key not in self.first:
            return 1.0
        return min(1.0, self.first[key] / self.seen * reasoning / completion)

    def _read(self, sentence: str, so_far: int) -> None:
        if not (_may_state(sentence) and _STATES.search(sentence)):
            return
        if _HEDGES.search(sentence) or _DOUBTS.search(sentence):
            return
        key = answer_key(sentence)
        if key is not None and len(self.first) < MOST_ANSWERS:
            self.first.setdefault(key, so_far)
            self.last = key
