"""Answers that are chosen: an option of a multiple-choice question, yes or no."""

import re
from collections.abc import Mapping

from .latex import half_width

OPTION = re.compile(r"(?:(?i:option|choice|选项)\s*)?(?:\(([A-J])\)|([A-J])(?:[.:)、]|$))")
_LOOSE = re.compile(
    r"\W*(?:(?:option|choice|answer|选项|选)\s*[:：]?\s*)?[(\[]?([A-J])(?:[)\]\s.:、,，*].*|$)",
    re.IGNORECASE | re.DOTALL,
)
_LONE_LINE = re.compile(r"[\s*_(\[]*(?:option\s+)?([A-J])[\s*_)\].:]*", re.IGNORECASE)
_SAYS = re.compile(
    r"\b(?:option|choice|answer)\s*(?:is\s*)?[\s*:(]*\b([A-J])\b[)*]*\s*(?:is\b|\.|$)"
    r"|\b(?:correct|right|best)\s+(?:option|choice|one)\s+is\s*[\s*:(]*\b([A-J])\b"
    r"|(?:故选|应选|选择|选)\s*[:：]?\s*([A-J])(?![A-Za-z])",
)
_SECOND = re.compile(r"^[\s*)\]]*(?:and|or|,|&|/|和|或|、)\s*\(?[A-J]\b", re.IGNORECASE)
_LISTED = re.compile(
    r"(?:^|\n|(?<=\s))[(\[]?([A-J])[).\]:、][ \t]*(\S.*?)(?=\s*(?:\n|$)|\s+[(\[]?[A-J][).\]:、]\s)"
)

BOOLEANS = {
    "yes": "true", "true": "true", "是": "true", "对": "true", "是的": "true",
    "no": "false", "false": "false", "否": "false", "不": "false", "不是": "false",
}  # fmt: skip
"""Words that mean yes or no in any answer."""

_TRUE = (
    "correct right 正确 成立 可以 能 sí si sì oui vrai ja wahr richtig sim verdadero verdadeiro vero да верно "
    "はい 예 네"
)
_FALSE = (
    "incorrect wrong 错误 错 不对 不成立 不可以 不能 non faux nein falsch não falso нет неверно "
    "いいえ 아니요 아니오"
)
_IN_A_YES_NO_QUESTION = (
    BOOLEANS | dict.fromkeys(_TRUE.split(), "true") | dict.fromkeys(_FALSE.split(), "false")
)
_STATES = re.compile(
    r"\b(?:statement|claim|it|this|that|answer)\s+(?:is|are)\s+(not\s+)?(true|false|correct|incorrect)\b",
    re.IGNORECASE,
)


def options_of(question: str) -> dict[str, str]:
    """Return the options that a question lists, letter to text; empty unless they run A, B, ... without a gap."""
    found = {letter: text.strip() for letter, text in _LISTED.findall(half_width(question))}
    letters = "".join(sorted(found))
    return found if len(letters) > 1 and "ABCDEFGHIJ".startswith(letters) else {}


def choice(raw: str, options: Mapping[str, str], *, lone: bool = False) -> str | None:
    """Return the letter that a marked answer names, by itself or by its option's text.

    Args:
        raw: The answer, without typesetting.
        options: Letter to text; may be empty.
        lone: The letter must stand alone, as in a text without a mark.
    """
    text = half_width(raw).strip()
    by_text = [letter for letter, option in options.items() if _folded(option) == _folded(text)]
    if len(by_text) == 1:
        return by_text[0]
    found = (_LONE_LINE if lone else _LOOSE).fullmatch(text)
    if found is None:
        return None
    letter, rest = found[1].upper(), text[found.end(1) :]
    is_article = re.match(r"\s+\w", rest) and "(" not in text[: found.start(1)]  # A dog; I think
    if is_article or _SECOND.match(rest) or (options and letter not in options):
        return None
    named = [key for key, option in options.items() if _folded(option) == _folded(rest)]
    return None if named and letter not in named else letter


def chosen_in_prose(text: str, options: Mapping[str, str]) -> str | None:
    """Return the letter that an unmarked text settles on in its last lines, or ``None``."""
    lines = [line for line in half_width(text).splitlines() if line.strip()]
    if not lines:
        return None
    if letter := choice(lines[-1], options, lone=True) or (
        choice(lines[0], options) if len(lines) == 1 else None
    ):
        return letter
    said = {
        letter for groups in _SAYS.findall("\n".join(lines[-2:])) for letter in groups if letter
    }
    said = {letter for letter in said if not options or letter in options}
    return said.pop() if len(said) == 1 else None


def truth(raw: str) -> str | None:
    """Return ``true`` or ``false`` for a clause that begins with a word for it, in a yes-no question."""
    clause = (
        re.split(r"[,，.。;；:!！\n—–]|\s-\s", raw.strip(" *_`\"'“”"))[0].strip(" *_`\"'“”").lower()
    )
    return _IN_A_YES_NO_QUESTION.get(clause)


def truth_in_prose(text: str) -> str | None:
    """Return what an unmarked text answers to a yes-no question; ``None`` when it says both or neither."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    ends = [re.split(r"(?<=[.。!！?？])\s*", lines[-1].strip(" *"))]
    last = [sentence for sentence in ends[0] if sentence][-1:]
    said = {truth(lines[0]), *(truth(sentence) for sentence in last)}
    for negated, word in _STATES.findall(lines[-1]):
        said.add(None if negated else truth(word))
        if negated:
            return None
    said.discard(None)
    return said.pop() if len(said) == 1 else None


def _folded(text: str) -> str:
    return " ".join(re.sub(r"[\s.。,，;；:)\]*$`\"']+", " ", text.casefold()).split())
