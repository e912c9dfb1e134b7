"""How a question is found by those who word it differently, without a word of it being stored. Pure.

Its words are hashed with a key made for its tenant and for everything else of the request; the
smallest of the hashes under several permutations are joined to bands, and each band names a bucket (Broder 1997;
Indyk and Motwani 1998). In the buckets stands the form itself, every token a hash salted with the entry's
digest: it can be checked against words one has, and neither be read nor compared with another's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise, zip_longest
from random import Random

from .near_gate import MAX_LOOSE_TOKENS, MAX_SPARE, Form, asks_the_same, kin, loosened
from .paraphrase_rules import TWINS

BANDS = 8
ROWS = 2
"""Two questions that share half of their words meet with a probability of 1 - (1 - 1/4) ** 8 = 0.9."""

BUCKETS = BANDS + 1
MAX_SHINGLES = 32
DIGEST_BYTES = 32
SEAL_BYTES = 6

_PRIME = (1 << 61) - 1
_RANDOM = Random(61)  # noqa: S311
_STEPS = tuple(
    (_RANDOM.randrange(1, _PRIME), _RANDOM.randrange(_PRIME)) for _ in range(BANDS * ROWS)
)
"""The same in every process, as the buckets are everybody's."""

_MANY = re.compile(r"(?<=[a-z]{2})(?:ies|(?:(?<=[sxo])|(?<=[cs]h))es|(?<!s)s)$")
# fmt: off
_FRAMING = frozenset({
    "a", "the", "of", "in", "on", "at", "to", "for", "from", "by", "with", "is", "are", "was", "were", "be", "do",
    "does", "did", "i", "you", "and", "or", "what", "how", "there", ",", ":", ".",
    "<what>", "<howto>", "<work>", "<give>", "<write>",
})
# fmt: on


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to ask, as the index sees it.

    Attributes:
        form: From `canonical_form`.
        tag: What every key of its tenant begins with, up to the point.
        secret: Keys the hashes; of the tenant, and of everything but the wording.
    """

    form: Form
    tag: str
    secret: bytes

    def buckets(self) -> list[str]:
        """Return the keys of the buckets it belongs to; they share a hash tag.

        The first is that of questions equal but for their framing: however many share most of their
        words, those meet.
        """
        lowest = _minhash(self.secret, self.form)
        bands = [repr((i, lowest[i : i + ROWS])) for i in range(0, len(lowest), ROWS)]
        names = (
            _keyed(self.secret, name, b"tt-near-band", 16).hex()
            for name in (loosened(self.form), *bands)
        )
        return [f"{self.tag}.near}}:{name}" for name in names]

    def entry(self, member: bytes) -> str | None:
        """Return the entry that a bucket's member stands for if its question is the same one."""
        digest, sealed = member[:DIGEST_BYTES], member[DIGEST_BYTES:]
        seals = [sealed[i : i + SEAL_BYTES] for i in range(0, len(sealed), SEAL_BYTES)]
        if abs(len(seals) - len(self.form)) > MAX_SPARE or not self._opens(digest, seals):
            return None
        return f"{self.tag}.{digest.hex()}}}:answer"

    def _opens(self, digest: bytes, seals: Sequence[bytes]) -> bool:
        if len(self.form) > MAX_LOOSE_TOKENS:
            pairs = zip_longest(self.form, seals, fillvalue="")
            return all(word and self._seal(digest, word) == seal for word, seal in pairs)
        words = {self._seal(digest, word): word for word in kin(self.form)}
        other = tuple(words.get(seal, "") for seal in seals)
        return "" not in other and asks_the_same(self.form, other)

    def member(self, entry: str) -> bytes:
        """Return what stands for an entry in a bucket."""
        digest = bytes.fromhex(entry.partition(".")[2].partition("}")[0])
        return digest + b"".join(self._seal(digest, word) for word in self.form)

    def _seal(self, digest: bytes, word: str) -> bytes:
        return _keyed(self.secret, word, b"tt-near-word", SEAL_BYTES, digest[:16])


def _minhash(secret: bytes, form: Form) -> list[int]:
    """Return the smallest of the shingles' hashes under each of the steps; ``BANDS * ROWS`` of them."""
    hashes = sorted(
        int.from_bytes(_keyed(secret, shingle, b"tt-near-set", 7), "big")
        for shingle in _shingles(form)
    )[:MAX_SHINGLES]
    return [min((a * value + b) % _PRIME for value in hashes) for a, b in _STEPS]


def _shingles(form: Form) -> set[str]:
    """Return what a question is about: its words and pairs of them, whatever their number and framing."""
    words = [_one_of_a_kind(piece.lower()) for piece in form if piece.lower() not in _FRAMING]
    return {*words, *(" ".join(pair) for pair in pairwise(words))} or set(form)


def _one_of_a_kind(word: str) -> str:
    """Return one spelling for one and many, and for two words that may stand for each other."""
    single = _MANY.sub(lambda found: "y" if found[0] == "ies" else "", word)
    return min((single, *TWINS.get(single, frozenset())))


def _keyed(secret: bytes, text: str, person: bytes, size: int, salt: bytes = b"") -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=size, key=secret, salt=salt, person=person).digest()
