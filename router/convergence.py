"""Whether reasoning has settled: the same answer stated again and again, with checks between. Pure.

The rule for servers that cannot be probed in the middle of a thought (early exit without prefill): an answer that
stood, was checked and stood again changes rarely, and what is thought after it is mostly wasted
(arXiv 2412.21187). A doubt, or another answer, begins the count anew.
"""

import re
from dataclasses import dataclass

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
