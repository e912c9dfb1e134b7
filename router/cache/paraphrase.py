"""Which two wordings ask the same: one canonical form for both, or none. Pure.

Similarity cannot tell a paraphrase from a trap: "at least 5" and "at most 5" are closer to each other than
most paraphrases are. So nothing is compared by distance. A wording is brought to a canonical form by rules that do
not touch what carries the answer (numbers, units, negation, names, code, quotations, options, the order
of words), and two wordings are the same only if their forms are equal, token by token. The form's keyed hash is the
index: every pair that passes the gate shares it, and no other pair does.

English framing only; a question in another language is the same as itself.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

MAX_CHARS = 2000
MIN_TOKENS = 3

_TOKEN = re.compile(
    r"`[^`]*`"                                  # code
    r"|\"[^\"]*\"|\u201c[^\u201d]*\u201d"       # quotations
    r"|\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"  # numbers
    r"|[^\W\d_]+(?:['\u2019][^\W\d_]+)*(?=[^\w]|$)"  # words
    r"|\w+"                                     # identifiers
    r"|[^\w\s]"
)  # fmt: skip
_SENTENCE_END = frozenset(".!?")
_BRACKETS = frozenset("([{")

_CONTRACTED = re.compile(
    r"\b(what|who|where|when|how|which|that|there|it|here)['\u2019]s\b", re.IGNORECASE
)
_NOT = re.compile(r"\b(ca|wo|sha)?(\w*?)n['\u2019]t\b", re.IGNORECASE)
_SHORT = (
    (re.compile(r"\b(i)['\u2019]d\b", re.IGNORECASE), r"\1 would"),
    (re.compile(r"\b(i)['\u2019]m\b", re.IGNORECASE), r"\1 am"),
    (re.compile(r"(\w)['\u2019]re\b", re.IGNORECASE), r"\1 are"),
    (re.compile(r"(\w)['\u2019]ve\b", re.IGNORECASE), r"\1 have"),
)
_POSSESSIVE = re.compile(r"\b(?:the )?(\w+)['\u2019]s (\w+)(?=\s*(?:$|[?.!,]|\b(?:in|on|at|as)\b))")
_FRONTED = re.compile(
    r"^\s*((?:in|using|with|for)\s+[^,?.!:;]{1,40}),\s+(?=\S)(.*?)([?.!\s]*)$",
    re.IGNORECASE | re.DOTALL,
)

_OPENINGS = tuple(
    tuple(phrase.split())
    for phrase in (
        "hi", "hello", "hey", "hi there", "hello there", "good morning", "quick question :", "question :",
        "thanks", "thank you", "ok", "okay", "so", "please", ",", "can you tell me", "could you tell me",
        "would you tell me", "can you explain to me", "could you explain to me", "can you help me",
        "could you help me", "i want to know", "i need to know", "i would like to know", "i am curious",
        "i was wondering", "i am wondering", "i wonder", "do you know", "tell me", "let me know",
        "may i ask", "can i ask", "i have a question :", "help me to", "help me",
    )
)  # fmt: skip
_CLOSINGS = tuple(
    tuple(phrase.split())
    for phrase in ("thanks", "thank you", "thanks in advance", "thank you very much", "please", ",")
)
_ASKING = frozenset({"can", "could", "would", "will"})
_ASKED_FOR = frozenset(
    [
        "calculate",
        "compute",
        "give",
        "show",
        "write",
        "name",
        "list",
        "explain",
        "describe",
        "find",
        "work",
    ]
)
"""What "can you" asks for rather than asks about: "can you name ...", but not "can you eat ..."."""

_STEMS: tuple[tuple[tuple[str, ...], str], ...] = tuple(
    (tuple(phrase.split()), stem)
    for phrase, stem in (
        ("what is way to", "HOWTO"), ("what is number of", "NUMBER"), ("give me number of", "NUMBER"),
        ("show me how to", "HOWTO"), ("explain how to", "HOWTO"), ("teach me how to", "HOWTO"),
        ("how does one", "HOWTO"), ("how do i", "HOWTO"), ("how can i", "HOWTO"), ("how can one", "HOWTO"),
        ("how would i", "HOWTO"), ("how could i", "HOWTO"), ("how to", "HOWTO"), ("how many", "NUMBER"),
        ("what is", "WHAT"), ("what are", "WHAT"), ("what does", "WHATDOES"), ("what do", "WHATDOES"),
        ("give me", "GIVE"), ("give", "GIVE"), ("show me", "GIVE"), ("write me", "WRITE"), ("write", "WRITE"),
    )
)  # fmt: skip
_RECKON = (("compute",), ("calculate",), ("work", "out"))
"""Mean "what is" before something with a number in it."""

_DEFINITE = tuple((*opening.split(), "the") for opening in ("name", "give me", "state", "find"))
"""Mean "what is" with "the": "name the capital", but not "name a capital"."""

_SAME: Mapping[str, str] = {
    **{word: str(i) for i, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )},
    "an": "a", "plus": "+", "minus": "-", "times": "*", "\u00d7": "*", "\u00f7": "/", "percent": "%",
    "km": "kilometers", "kilometres": "kilometers", "kilometre": "kilometers", "kilometer": "kilometers",
    "metres": "meters", "metre": "meters", "meter": "meters", "kg": "kilograms", "kilogram": "kilograms",
    "litres": "liters", "litre": "liters", "liter": "liters", "colour": "color", "colours": "colors",
    "biggest": "largest", "film": "movie", "films": "movies",
}  # fmt: skip


def canonical_form(text: str) -> tuple[str, ...] | None:
    """Return the form that all wordings of one question share, ``None`` for a text that is only itself."""
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > MAX_CHARS or "\n" in text:
        return None
    tokens = _without(_tokens(_unfolded(text)), _OPENINGS)
    if tokens[:1] and tokens[0] in _ASKING and tokens[1:2] == ["you"]:
        rest = _without(tokens[2:], _OPENINGS)
        tokens = rest if rest and rest[0] in _ASKED_FOR else tokens
    tokens = _without(tokens[::-1], [closing[::-1] for closing in _CLOSINGS])[::-1]
    form = tuple(_SAME.get(piece, piece) for piece in _stemmed(tokens))
    return form if len(form) >= MIN_TOKENS else None


def _unfolded(text: str) -> str:
    """Return the text with its short forms spelled out and a fronted phrase in its usual place."""
    text = _CONTRACTED.sub(r"\1 is", text)
    text = _NOT.sub(_negated, text)
    for short, long in _SHORT:
        text = short.sub(long, text)
    text = _POSSESSIVE.sub(r"the \2 of \1", text)
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
    tokens: list[str] = []
    begins = True
    for found in _TOKEN.finditer(text):
        piece, ends = found[0], text[found.end() : found.end() + 1].strip() == ""
        is_end = piece in _SENTENCE_END and ends
        if is_end and (piece in ".?" or (tokens and len(tokens[-1]) > 1 and tokens[-1].isalpha())):
            # A factorial's mark stays, and a point before a digit.
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


def _without(tokens: list[str], phrases: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the tokens without what of ``phrases`` they begin with, as often as that happens."""
    longest_first = sorted(phrases, key=len, reverse=True)
    while True:
        for phrase in longest_first:
            if len(tokens) > len(phrase) and _begins(tokens, phrase):
                tokens = tokens[len(phrase) :]
                break
        else:
            return tokens


def _begins(tokens: Sequence[str], phrase: tuple[str, ...]) -> bool:
    return tuple(piece.lower() for piece in tokens[: len(phrase)]) == phrase


def _stemmed(tokens: Sequence[str]) -> list[str]:
    """Return the tokens with the way the question is put replaced by its kind, and without articles "the"."""
    bare = [piece for piece in tokens if piece != "the"]
    for words in _DEFINITE:
        if _begins(tokens, words):
            return ["WHAT", *bare[len(words) - 1 :]]
    if _begins(tokens, ("what", "the")) and tokens[-1] in ("is", "are"):
        return ["WHAT", *bare[1:-1]]  # "... what the capital is"
    if tokens[:1] == ["the"]:
        return ["WHAT", *bare]
    for words in _RECKON:
        rest = bare[len(words) :]
        if _begins(bare, words) and rest[:1] not in (["a"], ["an"]):
            return ["WHAT", *rest] if any(piece[0].isdigit() for piece in rest) else bare
    for words, stem in _STEMS:
        if _begins(bare, words):
            return [stem, *bare[len(words) :]]
    return bare
