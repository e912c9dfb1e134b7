"""Names the language of a short text by its script and its most frequent words."""

from collections import Counter
from collections.abc import Mapping, Sequence

from classifier.lexica import stopword_languages

UNKNOWN = "und"
"""ISO 639 code for a language that could not be named."""

_MARKED_LETTERS: dict[str, str] = {
    "uk": "іїєґ",
    "fa": "پچژگی",
    "ur": "ٹڈڑےہ",
    "de": "ß",
    "pl": "łąęśżź",
    "tr": "ğış",
    "ro": "țșă",
    "es": "ñ¿¡",
    "pt": "ãõ",
    "vi": "ơưđạảấầẩậắặẹẻẽếềểệỉịọỏốồổộớờởợụủứừửựỳỵỷỹ",
    "cs": "řěů",
    "hu": "őű",
    "sv": "å",
    "et": "õ",
}
"""Letters that few other languages of the same script use; one hit counts as one frequent word."""

_SCRIPT_DEFAULT: dict[str, str] = {"cyrillic": "ru", "arabic": "ar", "devanagari": "hi"}
_ONE_LANGUAGE: dict[str, str] = {
    "hangul": "ko",
    "thai": "th",
    "bengali": "bn",
    "tamil": "ta",
    "telugu": "te",
    "greek": "el",
    "hebrew": "he",
}
_SHARE_OF_KANA = 0.08


def detect(text: str, words: Sequence[str], letters: Mapping[str, int]) -> str:
    """Return the ISO 639-1 code of a text, ``und`` when nothing speaks for any language.

    Args:
        text: The text in lower case.
        words: Its words in lower case.
        letters: Number of letters per script; the names are those of ``classifier.symbols``.
    """
    east_asian = letters["han"] + letters["kana"]
    script = max(letters, key=lambda name: letters[name])
    if letters[script] == 0:
        return UNKNOWN
    if script in ("han", "kana"):
        return "ja" if letters["kana"] > _SHARE_OF_KANA * east_asian else "zh"
    # Formulas put a few Latin letters into every text, so a few Han letters among them still decide.
    if script == "latin" and east_asian >= max(2, letters["latin"] // 4):
        return "ja" if letters["kana"] > _SHARE_OF_KANA * east_asian else "zh"
    if script in _ONE_LANGUAGE:
        return _ONE_LANGUAGE[script]
    return _by_words(text, words, _SCRIPT_DEFAULT.get(script, UNKNOWN))


def _by_words(text: str, words: Sequence[str], default: str) -> str:
    """Return the language with most stop-words and marked letters, or the default of the script."""
    frequent = stopword_languages()
    votes: Counter[str] = Counter()
    for word in words:
        for language in frequent.get(word, ()):
            votes[language] += 1
    if not text.isascii():
        present = set(text)
        for language, marked in _MARKED_LETTERS.items():
            votes[language] += len(present.intersection(marked))
    if not votes:
        return default
    best, count = votes.most_common(1)[0]
    return best if count else default
