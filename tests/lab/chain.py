"""Where a chain of reasoning stands, and how its text says so.

Every step begins ``step 3: <tag> ...`` and ends with a full stop. The tag seals what the chain is in (on track, wrong, trapped)
and what it believes, readable for the reasoner alone, and linked to the step before. So the state is in the text: whoever
hands a prefix over is continued exactly there, whoever garbles one is caught, and no strategy can learn from a tag whether
a step was right.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b

ON_TRACK, WRONG, TRAPPED = range(3)

_KEY = b"tests/lab"
_PRIME = 2**40 - 87
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_HEX = str.maketrans("abcdefghijklmnop", "0123456789abcdef")
_LINE = re.compile(r"\b(step|check|result) (\d{1,4}):(?: ([a-p]{14})(?!\w))?([^.\n]*)(\.?)")
_SAID = re.compile(r"(?:answer(?: is|:)|\\boxed\{|####)\W{0,4}(\d{1,12})", re.IGNORECASE)

_NUMBER = re.compile(r"\d{1,12}")


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain between two steps.

    Attributes:
        done: Steps and checks done.
        health: ``ON_TRACK``, ``WRONG`` or ``TRAPPED``.
        belief: What it would answer: 0 the truth, 1 ... M a distractor; -1 while steps are missing.
        nonce: Of its last tag; 0 at the beginning.
    """

    done: int = 0
    health: int = ON_TRACK
    belief: int = -1
    nonce: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What the text of a chain says.

    Attributes:
        chain: Where it stands, its last whole step counted.
        tag: The last tag; empty without any.
        broken_off: The step that was begun and not ended: its chain once it is done, and the words it has; ``None`` if the
            text ends behind a step.
        corrupted: A tag was no tag of ours, or did not follow on the one before.
        said: The last value that the text states as its answer; without a tag, its last number.
    """

    chain: Chain
    tag: str
    broken_off: tuple[Chain, int] | None
    corrupted: bool
    said: int | None


def seal(problem_id: int, chain: Chain, link: int) -> str:
    """Return the tag of a chain.

    The state is hidden by a one-time affine map modulo a prime: without the key it is noise, and nearly no change of
    a tag (1 in 65,000) is a tag again.

    Args:
        problem_id: Whose tags are of no use for another problem.
        chain: The state behind the step; its nonce is this tag's.
        link: Nonce of the step before.
    """
    a, b = _map(problem_id, chain.done, chain.nonce)
    state = (link << 8) | (chain.health << 6) | (chain.belief + 1)
    return f"{chain.nonce:04x}{(a * state + b) % _PRIME:010x}".translate(_LETTERS)


def unseal(problem_id: int, done: int, tag: str) -> tuple[Chain, int] | None:
    """Return the chain of a tag and the nonce before it, or ``None`` if it is no tag of ours."""
    plain = tag.translate(_HEX)
    nonce = int(plain[:4], 16)
    a, b = _map(problem_id, done, nonce)
    state = (int(plain[4:], 16) - b) * pow(a, -1, _PRIME) % _PRIME
    link, health, belief = state >> 8, (state >> 6) & 3, (state & 63) - 1
    if link >= 1 << 16 or health > TRAPPED:
        return None
    return Chain(done, health, belief, nonce), link


def _map(problem_id: int, done: int, nonce: int) -> tuple[int, int]:
    told = problem_id << 32 | done << 16 | nonce
    digest = blake2b(told.to_bytes(16, "little"), digest_size=16, key=_KEY).digest()
    return int.from_bytes(digest[:8], "little") | 1, int.from_bytes(digest[8:], "little")


def read_chain(problem_id: int, text: str) -> Written:
    """Return what a text says of its chain.

    The first step that is there need not be the first of all: a tail of reasoning is good, too. From the first
    corrupted step on the chain counts as wrong.
    """
    chain, last, corrupted = Chain(), "", False
    broken_off: tuple[Chain, int] | None = None
    for kind, index, tag, words, end in _LINE.findall(text):
        broken_off = None
        whole = bool(end)
        if not tag:
            if whole:
                corrupted = True
            continue  # cut before its tag: nothing of it has happened
        read = unseal(problem_id, int(index), tag)
        in_tail = not last and (kind, index) != ("step", "1")  # what came before is not there
        follows = read is not None and (
            in_tail or (read[1] == chain.nonce and read[0].done == chain.done + (kind != "result"))
        )
        if read is None or not follows:
            corrupted = True
            chain, last = Chain(int(index), WRONG, -1 if read is None else read[0].belief), tag
        elif whole:
            chain, last = read[0], tag
        else:
            broken_off = read[0], len(words.split())
    said = _SAID.findall(text) or ([] if last else _NUMBER.findall(text))
    if corrupted:
        chain = Chain(chain.done, WRONG, chain.belief or 1)
    return Written(chain, last, broken_off, corrupted, int(said[-1]) if said else None)
