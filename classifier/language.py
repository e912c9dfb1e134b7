"""Names the language of a short text by its script and its most frequent words."""

from collections.abc import Sequence

from classifier.lexica import STOPWORDS
from classifier.symbols import SCRIPTS

LANGUAGES: tuple[str, ...] = tuple(STOPWORDS)
"""Languages that are told apart by their words."""

UNKNOWN = "und"
"""ISO 639 code for a language that could not be named."""

MARKED_LETTERS: dict[str, str] = {
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
_LATIN, _HAN, _KANA = (SCRIPTS.index(name) for name in ("latin", "han", "kana"))


def detect(votes: Sequence[float], letters: Sequence[int]) -> str:
    """Return the ISO 639-1 code of a text, ``und`` when nothing speaks for any language.

    Args:
        votes: Frequent words and marked letters per language, in the order of ``LANGUAGES``.
        letters: Number of letters per script, in the order of ``classifier.symbols.SCRIPTS``.
    """
    most = max(letters)
    if most == 0:
        return UNKNOWN
    script = SCRIPTS[letters.index(most)]
    east_asian = letters[_HAN] + letters[_KANA]
    # Formulas put a few Latin letters into every text, so a few Han letters among them still decide.
    if script in ("han", "kana") or (
        script == "latin" and east_asian >= max(2, letters[_LATIN] // 4)
    ):
        return "ja" if letters[_KANA] > _SHARE_OF_KANA * east_asian else "zh"
    if script in _ONE_LANGUAGE:
        return _ONE_LANGUAGE[script]
    best = max(votes)
    return LANGUAGES[votes.index(best)] if best else _SCRIPT_DEFAULT.get(script, UNKNOWN)
