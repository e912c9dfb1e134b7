"""The canonical form of a question: what is left of it without its framing. Pure.

Similarity cannot tell a paraphrase from a trap: "at least 5" and "at most 5" are closer to each other than
most paraphrases are. So no answer is shared because of a distance. A wording is brought to a form by rules that do
not touch what carries the answer (numbers, units, negation, names, code, quotations, options, the order
of words); `near_gate` then says of two forms whether they ask the same.

English framing only; a question in another language is the same as itself.
"""

import re
import unicodedata
from collections.abc import Sequence

from .paraphrase_rules import OPENINGS, QUOTING, REWRITES, SAME, STARTERS

MAX_CHARS = 600
MIN_TOKENS = 3
MAX_TOKENS = 64
"""What is longer has hardly ever another wording, and would cost more to look for than it saves."""

_TOKEN = re.compile(
    r"`[^`]*`"                                  # code
    r"|\"[^\"]*\"|\u201c[^\u201d]*\u201d"       # quotations
    r"|\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"  # numbers
    r"|[^\W\d_]+(?:['\u2019][^\W\d_]+)*(?=[^\w]|$)"  # words
    r"|\w+"                                     # identifiers
    r"|[^\w\s]"
)  # fmt: skip
_GLUE = "\x1f"
"""Stands for a space inside a quotation while a form is one text."""

_SENTENCE_END = frozenset(".!?")
_BRACKETS = frozenset("([{")
_PATTERNS = re.compile(r"\b(?:regex|regexp|glob|wildcard|pattern)", re.IGNORECASE)
"""Where these are spoken of, no mark can be told from the end of a sentence."""

_CONTRACTED = re.compile(
    r"\b(what|who|where|when|how|which|that|there|it|here)['\u2019]s\b", re.IGNORECASE
)
_NOT = re.compile(r"\b(ca|wo|sha)?(\w*?)n['\u2019]t\b", re.IGNORECASE)
_SHORT = (
    (re.compile(r"\b(i)['\u2019]d\b", re.IGNORECASE), r"\1 would"),
    (re.compile(r"\b(i)['\u2019]m\b", re.IGNORECASE), r"\1 am"),
    (re.compile(r"(\w)['\u2019]re\b", re.IGNORECASE), r"\1 are"),
    (re.compile(r"(\w)['\u2019]ve\b", re.IGNORECASE), r"\1 have"),
    (re.compile(r"\bthe (\w+)['\u2019]s (\w+est) (\w+)"), r"the \2 \3 in the \1"),
    (
        re.compile(r"\b(the |an? )?(\w+)['\u2019]s (\w+)(?=\s*(?:$|[?.!,]|\b(?:in|on|at|as)\b))"),
        r"the \3 of \1\2",
    ),
)
_FRONTED = re.compile(
    r"^\s*((?:in|using|with|for)\s+[^,?.!:;]{1,40}|(?:if|when)\s+[^,?.!:;]{1,80}),\s+(?=\S)(.*?)([?.!\s]*)$",
    re.IGNORECASE | re.DOTALL,
)
_CLOSING = re.compile(
    r"(?:,|;|(?<=[.!?]))\s*(?:(?:many )?thanks(?: in advance| a lot)?|thank you(?: very much)?|please)[\s.!?]*$",
    re.IGNORECASE,
)
"""Only behind a mark: "how do I sign thank you" asks for the words themselves."""


def canonical_form(text: str) -> tuple[str, ...] | None:
    """Return the question without its framing, token by token; ``None`` for a text that is only itself."""
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > MAX_CHARS or not text.isprintable():
        return None
    quoting = QUOTING.search(text) is not None
    text = text if quoting else _CLOSING.sub("", text)
    tokens = _without_openings(_tokens(_unfolded(text)), quoting=quoting)
    told = " ".join(SAME.get(piece, piece).replace(" ", _GLUE) for piece in tokens)
    for rule, replacement in REWRITES:
        told = rule.sub(replacement, told)
    form = tuple(piece.replace(_GLUE, " ") for piece in told.split(" "))
    least = MIN_TOKENS - form[0].startswith("<w")
    return form if least <= len(form) <= MAX_TOKENS else None


def _unfolded(text: str) -> str:
    """Return the text with its short forms spelled out and a fronted phrase in its usual place."""
    text = _CONTRACTED.sub(r"\1 is", text)
    text = _NOT.sub(_negated, text)
    for short, long in _SHORT:
        text = short.sub(long, text)
    fronted = _FRONTED.match(text)
    if fronted is not None:
        text = f"{fronted[2]} {fronted[1][0].lower()}{fronted[1][1:]}"
    return text


def _negated(found: "re.Match[str]") -> str:
    stem = {"ca": "can", "wo": "will", "sha": "shall"}.get((found[1] or "").lower(), found[2])
    return f"{stem} not"


def _tokens(text: str) -> list[str]:
    """Return what counts of a text, in order; words that begin a sentence lose their capital."""
    bracketed = not _BRACKETS.isdisjoint(text)
    literal = _PATTERNS.search(text) is not None
    tokens: list[str] = []
    begins = True
    for found in _TOKEN.finditer(text):
        piece = found[0]
        if piece in _SENTENCE_END and not literal and _ends_sentence(text, found.start(), tokens):
            begins = True
            continue
        if piece[0].isdigit() and "," in piece:
            # In brackets a comma may part two numbers.
            tokens += [piece] if bracketed else [piece.replace(",", "")]
        elif piece == "I" or (begins and (len(piece) == 1 or piece[1:].islower())):
            tokens.append(piece.lower())
        else:
            tokens.append(piece)
        begins = begins and not piece[0].isalnum()
    return tokens


def _ends_sentence(text: str, at: int, tokens: Sequence[str]) -> bool:
    """Return whether a mark is one of prose: behind a word, and before a capital or nothing."""
    rest = text[at + 1 :]
    follows = rest.lstrip()
    if at == 0 or text[at - 1].isspace() or (rest and rest == follows) or follows[:1].islower():
        return False
    # A factorial's mark stays.
    return text[at] != "!" or bool(tokens and len(tokens[-1]) > 1 and tokens[-1].isalpha())


def _without_openings(tokens: list[str], *, quoting: bool) -> list[str]:
    """Return the tokens without the phrases that lead to a question, as long as a question follows.

    Args:
        tokens: Of a text.
        quoting: It may speak of words, so greetings stay.
    """
    while True:
        for phrase, needs_starter in OPENINGS:
            n = len(phrase)
            if len(tokens) <= n or tuple(piece.lower() for piece in tokens[:n]) != phrase:
                continue
            if needs_starter and (quoting or tokens[n].lower() not in STARTERS):
                continue
            tokens = tokens[n:]
            break
        else:
            return tokens
