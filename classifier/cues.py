"""Counts what a text's words speak for: intents and languages, by hash over whole arrays."""

from dataclasses import dataclass
from functools import cache
from itertools import count

import numpy as np
from numpy.typing import NDArray

from classifier.language import LANGUAGES, MARKED_LETTERS
from classifier.lexica import INTENTS, pair_cues, stem_cues, stopword_languages, word_cues
from classifier.reading import Reading, word_hash
from classifier.symbols import TABLE_SIZE

N_INTENTS = len(INTENTS)
_STEM_LENGTHS = np.array([[5], [4], [3], [2]])
_N_OPENINGS, _N_PLACES = 1 << 16, 1 << 18

FIRST_MULTIPLIER = 0x84F34168EFBC81D5
"""Parts all keys of the present lexica; for other ones a search starts here, which takes seconds."""

# Constants are arrays without a dimension: NumPy takes twice as long over a scalar.
_PLACE_SHIFT = np.array(64 - 18, np.uint64)
_PAIR_SHIFT = np.array(32)
_SPREAD, _LAST_OPENING = np.array(_N_OPENINGS // 64), np.array(_N_OPENINGS - 1)
_STEM = np.array(0x94D049BB133111EB, np.uint64)  # any number: tells a beginning from a word


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What every key stands for; words, word beginnings and pairs of characters share one search.

    A key is found by one multiplication: no two keys share a place. A binary search would take a
    branch predictor by surprise at every step.

    Attributes:
        multiplier: Of the hash, uint64 without a dimension.
        rows: Place -> row of the key that may be there, uint16; row 0 is no key.
        keys: Shape ``(rows,)``, uint64.
        ballots: The ballot of every key, int64; of row 0 the empty ballot 0.
    """

    multiplier: NDArray[np.uint64]
    rows: NDArray[np.uint16]
    keys: NDArray[np.uint64]
    ballots: NDArray[np.int64]

    def cast(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the ballots of the keys that are known."""
        rows = self.rows.take(((keys * self.multiplier) >> _PLACE_SHIFT).view(np.int64))
        known = rows.compress(self.keys.take(rows) == keys)
        return np.asarray(self.ballots.take(known))


def count_votes(
    reading: Reading, east_asian: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the number of cues per intent and of hints per language.

    Args:
        reading: The text; its numbers are no cue, for no lexicon holds one.
        east_asian: Number of Chinese, Japanese and Korean letters; without any no pairs are sought.
    """
    is_wide, points = reading.is_wide, reading.points
    keys = _wide_keys(reading, east_asian) if is_wide else reading.hashes
    counted = np.bincount(lexicon().cast(keys), minlength=len(_ballots()))
    if is_wide:
        for letter in set(points.compress(_is_marked().take(points)).tolist()):
            counted[_marked_ballots()[letter]] += 1
    votes = counted.astype(np.float32) @ _ballots()
    return votes[:N_INTENTS], votes[N_INTENTS:]


def _wide_keys(reading: Reading, east_asian: int) -> NDArray[np.uint64]:
    """Return the keys of words, their beginnings and pairs of characters."""
    points, starts = reading.points, reading.starts
    opens = _stem_openings().take(_opening(points.take(starts), points[1:].take(starts)))
    starts = starts.compress(opens)
    # What goes on past its word holds a mark and is no word's beginning.
    stems = reading.span_hashes(starts, starts + _STEM_LENGTHS) ^ _STEM
    keys = [stems.ravel(), reading.hashes]
    if east_asian:
        first = _pair_openings().take(points).nonzero()[0]
        pairs = (points.take(first) << _PAIR_SHIFT) | points[1:].take(first)
        keys.append(pairs.view(np.uint64))
    return np.concatenate(keys)


@cache
def lexicon() -> Lexicon:
    """Return the keys of all cues and frequent words."""
    cast = {word: _ballot_numbers()[tuple(columns)] for word, columns in _word_votes().items()}
    stems = stem_cues()
    for stem, intent in stems.items():
        # A word has one vote: of stems within one another only the shortest is a key.
        if not any(stem[:end] in stems for end in range(1, len(stem))):
            cast[word_hash(stem) ^ int(_STEM)] = _ballot_numbers()[intent,]
    for pair, intent in pair_cues().items():
        cast[ord(pair[0]) << int(_PAIR_SHIFT) | ord(pair[1])] = _ballot_numbers()[intent,]
    keys = np.array([0, *cast], np.uint64)
    multiplier, places = _parted(keys[1:])
    rows = np.zeros(_N_PLACES, np.uint16)
    rows[places] = np.arange(1, keys.size)
    return Lexicon(multiplier, rows, keys, np.array([0, *cast.values()]))


def _parted(keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return a multiplier under which no two keys share a place, and the places."""
    for odd in count(1, 2):
        multiplier = np.array(odd * FIRST_MULTIPLIER % 2**64, np.uint64)
        places = (keys * multiplier) >> _PLACE_SHIFT
        if np.unique(places).size == keys.size:
            break
    return multiplier, places


@cache
def _word_votes() -> dict[int, list[int]]:
    """Return hash of a word -> columns it votes for."""
    votes = {word_hash(word): [intent] for word, intent in word_cues().items()}
    for word, languages in stopword_languages().items():
        columns = [N_INTENTS + LANGUAGES.index(language) for language in languages]
        votes.setdefault(word_hash(word), []).extend(columns)
    return votes


@cache
def _ballot_numbers() -> dict[tuple[int, ...], int]:
    """Return columns voted for -> number of the ballot; few ballots name more than one."""
    cast = {*map(tuple, _word_votes().values()), *_marked_votes().values()}
    cast.update((column,) for column in range(N_INTENTS))
    return {columns: number for number, columns in enumerate([(), *sorted(cast)])}


@cache
def _ballots() -> NDArray[np.float32]:
    """Return the votes of every ballot, shape ``(ballots, intents + languages)``."""
    votes = np.zeros((len(_ballot_numbers()), N_INTENTS + len(LANGUAGES)), np.float32)
    for columns, number in _ballot_numbers().items():
        votes[number, list(columns)] = 1.0
    return votes


@cache
def _pair_openings() -> NDArray[np.bool_]:
    """Return code point -> whether a pair of characters begins with it."""
    opens = np.zeros(TABLE_SIZE, np.bool_)
    opens[[ord(pair[0]) for pair in pair_cues()]] = True
    return opens


@cache
def _stem_openings() -> NDArray[np.bool_]:
    """Return ``_opening`` of two letters -> whether a stem may begin with them."""
    letters = np.array([[ord(stem[0]), ord(stem[1])] for stem in stem_cues()])
    opens = np.zeros(_N_OPENINGS, np.bool_)
    opens[_opening(letters[:, 0], letters[:, 1])] = True
    return opens


def _opening(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number for two letters; few others share it."""
    return np.asarray((first * _SPREAD + second) & _LAST_OPENING)


@cache
def _marked_votes() -> dict[int, tuple[int, ...]]:
    """Return marked letter -> languages; one that is there counts as one frequent word."""
    votes: dict[int, tuple[int, ...]] = {}
    for language, marked in MARKED_LETTERS.items():
        column = N_INTENTS + LANGUAGES.index(language)
        for letter in marked:
            votes[ord(letter)] = (*votes.get(ord(letter), ()), column)
    return votes


@cache
def _is_marked() -> NDArray[np.bool_]:
    """Return code point -> whether it is a marked letter."""
    marked = np.zeros(TABLE_SIZE, np.bool_)
    marked[list(_marked_votes())] = True
    return marked


@cache
def _marked_ballots() -> dict[int, int]:
    return {letter: _ballot_numbers()[columns] for letter, columns in _marked_votes().items()}
