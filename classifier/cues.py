"""Counts what a text's words speak for: intents and languages, by hash over whole arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from classifier.language import LANGUAGES, MARKED_LETTERS
from classifier.lexica import INTENTS, pair_cues, stem_cues, stopword_languages, word_cues
from classifier.reading import Reading, word_hash
from classifier.symbols import TABLE_SIZE

N_INTENTS = len(INTENTS)
_N_VOTES = N_INTENTS + len(LANGUAGES)
_STEM_LENGTHS = np.array([[5], [4], [3], [2]])
_PAIR_SHIFT = np.uint64(32)
_N_OPENINGS = 1 << 16


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """Votes by key.

    Attributes:
        keys: Sorted, uint64; the last one is a sentinel that no key exceeds.
        votes: Shape ``(keys, intents + languages)``.
    """

    keys: NDArray[np.uint64]
    votes: NDArray[np.float32]

    def found(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the row of every key and whether the key is known."""
        rows = self.keys.searchsorted(keys)
        return rows, self.keys.take(rows) == keys

    def total(self, keys: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Return the sum of the votes of the known keys."""
        rows, known = self.found(keys)
        return np.asarray(np.add.reduce(self.votes.take(rows.compress(known), axis=0), axis=0))


def count_votes(
    reading: Reading, east_asian: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the number of cues per intent and of hints per language.

    Args:
        reading: The text; its numbers are no cue, for no lexicon holds one.
        east_asian: Number of Chinese, Japanese and Korean letters; without any no pairs are sought.
    """
    votes = _words().total(reading.ordered)  # in order, a search begins where the last one ended
    if not reading.is_wide:
        return votes[:N_INTENTS], votes[N_INTENTS:]
    points = reading.points
    starts = reading.starts
    opens = _stem_openings().take(_opening(points.take(starts), points.take(starts + 1)))
    if opens.any():
        votes = votes + _stem_votes(reading, opens)
    if east_asian:
        at = _pair_openings().take(points).nonzero()[0]
        pairs = (points.take(at).astype(np.uint64) << _PAIR_SHIFT) | points.take(at + 1)
        votes = votes + _pairs().total(pairs)
    marked = np.zeros(len(_marked_votes()), np.bool_)
    marked[_marked_places().take(points)] = True
    votes = votes + np.add.reduce(_marked_votes()[marked], axis=0)
    return votes[:N_INTENTS], votes[N_INTENTS:]


def _stem_votes(reading: Reading, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the votes of word beginnings; of several known ones the longest counts."""
    stems, starts = _stems(), reading.starts[chosen]
    ends = np.minimum(starts + _STEM_LENGTHS, starts + reading.lengths[chosen])
    rows, known = stems.found(reading.span_hashes(np.broadcast_to(starts, ends.shape), ends))
    first = known & (np.add.accumulate(known, axis=0, dtype=np.int8) == 1)
    return np.asarray(np.add.reduce(stems.votes.take(rows[first], axis=0), axis=0))


def _lexicon(votes: Mapping[int, NDArray[np.float32]]) -> _Lexicon:
    keys = sorted(votes)
    rows = [votes[key] for key in keys] + [np.zeros(_N_VOTES, np.float32)]
    return _Lexicon(np.array([*keys, 2**64 - 1], np.uint64), np.stack(rows))


def _one(column: int) -> NDArray[np.float32]:
    vote = np.zeros(_N_VOTES, np.float32)
    vote[column] = 1.0
    return vote


@cache
def _words() -> _Lexicon:
    votes = {word_hash(word): _one(intent) for word, intent in word_cues().items()}
    for word, languages in stopword_languages().items():
        row = votes.setdefault(word_hash(word), np.zeros(_N_VOTES, np.float32))
        for language in languages:
            row[N_INTENTS + LANGUAGES.index(language)] = 1.0
    return _lexicon(votes)


@cache
def _stems() -> _Lexicon:
    return _lexicon({word_hash(stem): _one(intent) for stem, intent in stem_cues().items()})


@cache
def _pairs() -> _Lexicon:
    shift = int(_PAIR_SHIFT)
    return _lexicon(
        {ord(pair[0]) << shift | ord(pair[1]): _one(row) for pair, row in pair_cues().items()}
    )


@cache
def _pair_openings() -> NDArray[np.bool_]:
    """Return code point -> whether a pair begins with it."""
    opens = np.zeros(TABLE_SIZE, np.bool_)
    opens[[ord(pair[0]) for pair in pair_cues()]] = True
    return opens


@cache
def _stem_openings() -> NDArray[np.bool_]:
    """Return ``_opening`` of two letters -> whether a stem may begin with them."""
    letters = np.array([[ord(stem[0]), ord(stem[1])] for stem in stem_cues()], np.uint32)
    opens = np.zeros(_N_OPENINGS, np.bool_)
    opens[_opening(letters[:, 0], letters[:, 1])] = True
    return opens


def _opening(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return a number for two letters; few others share it."""
    return (first * np.uint32(_N_OPENINGS // 64) + second) % np.uint32(_N_OPENINGS)


@cache
def _marked_places() -> NDArray[np.uint8]:
    """Return code point -> row of ``_marked_votes``; row 0 is no vote."""
    places = np.zeros(TABLE_SIZE, np.uint8)
    for row, letter in enumerate(_marked_letters(), 1):
        places[ord(letter)] = row
    return places


@cache
def _marked_votes() -> NDArray[np.float32]:
    """Return the votes of every marked letter; one that is there counts as one frequent word."""
    letters = _marked_letters()
    votes = np.zeros((len(letters) + 1, _N_VOTES), np.float32)
    for row, letter in enumerate(letters, 1):
        for language, marked in MARKED_LETTERS.items():
            votes[row, N_INTENTS + LANGUAGES.index(language)] = float(letter in marked)
    return votes


def _marked_letters() -> list[str]:
    return sorted(set("".join(MARKED_LETTERS.values())))
