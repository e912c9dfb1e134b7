"""The simulated reasoner: an ask and a source of chance in, a speech out. It knows no clock and no wire.

A solution is ``steps`` steps, then ``rounds`` checks, then ``The answer is N.``. With thinking, steps and checks are reasoning
and the visible answer is a ``result`` line and the answer. A budget cuts the reasoning, and the answer is then guessed from where
it got; ``max_tokens`` and stop strings cut what is said without changing it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain as joined
from json import dumps
from random import Random
from statistics import NormalDist

from tests.lab.chain import ON_TRACK, TRAPPED, WRONG, Chain, Written, read_chain, seal
from tests.lab.problem import Problem
from tests.lab.prompts import Ask, Intent
from tests.lab.speech import CONFIDENCE, Limits, Piece, Speech, fill, first_tokens
from tests.lab.verifier import chance, score

_NORMAL = NormalDist()
_VOCABULARY = (
    "so", "we", "get", "on", "to", "use", "it", "as", "is", "and", "one", "of", "the", "two", "for", "a", "bit", "let", "us",
    "see", "how", "far", "goes", "now", "then", "put", "this", "in", "that", "by", "its", "own", "sum", "or", "term",
)  # fmt: skip
_POOL = Random(0).choices(_VOCABULARY, k=1 << 12)
_OUTLINE = "Outline:\n- find what is given\n- work through it in order\n- say the value"
MUTE = "I could not settle on a value."


def speak(ask: Ask, problem: Problem, rng: Random, limits: Limits, name: str = "") -> Speech:
    """Return what a reasoner of this ``name`` says; ``problem`` has its own laws in it."""
    speech = Speech()
    fill(speech, _Turn(ask, problem, rng, limits.thinking, name, speech).pieces(), limits)
    return speech


@dataclass(slots=True)
class _Turn:
    """One turn of the reasoner, being made."""

    ask: Ask
    problem: Problem
    rng: Random
    budget: int | None
    name: str
    speech: Speech

    def pieces(self) -> Iterator[Piece]:
        ask, problem = self.ask, self.problem
        if ask.planned:
            problem = self.problem = _planned(problem)
        if ask.intent is Intent.SOLVE:
            thinks = bool(problem.think) and self.budget != 0
            return self._solve(Chain(), thinks=thinks)
        if ask.candidates:
            return iter(self._judge(ask.candidates))
        if ask.intent is Intent.OUTLINE:
            return iter((_plain(_OUTLINE),))
        if ask.intent is Intent.REPHRASE:
            return iter((_plain(f"Put differently: find x. {problem.mark}"),))
        written = read_chain(problem.id, ask.given)
        self.speech.corrupted = written.corrupted
        if ask.intent is Intent.STEP:
            return self._one_step(written.chain)
        if ask.intent is Intent.ANSWER:
            return self._answer_now(written.chain)
        return self._go_on(written)

    def _solve(self, chain: Chain, *, thinks: bool) -> Iterator[Piece]:
        """Yield the steps from a chain on, then the answer."""
        problem = self.problem
        last = problem.steps
        if thinks or not problem.think:
            last += problem.rounds
        chance_of_step = problem.p
        if problem.think and not thinks and problem.write >= 0:
            chance_of_step = problem.write
        left = self.budget if thinks else None
        while chain.done < last:
            text, after, tokens = self._step(chain, chance_of_step)
            piece = Piece(thinks, text, tokens, _confidence(problem, after))
            if left is not None:
                if tokens > left:
                    if left > 0:
                        yield first_tokens(piece, left)
                    break
                left -= tokens
            chain = after
            yield piece
        yield from self._conclude(chain, shown=not thinks)

    def _conclude(self, chain: Chain, *, shown: bool) -> Iterator[Piece]:
        """Yield the visible answer; a chain that is not shown is sealed into it."""
        confidence = _confidence(self.problem, chain)
        if not shown:
            sealed = Chain(chain.done, chain.health, chain.belief, self.rng.getrandbits(16))
            tag = seal(self.problem.id, sealed, chain.nonce)
            yield Piece(False, f"result {chain.done}: {tag}.\n\n", 3, confidence)
        belief = self._belief(chain)
        if self.problem.mute and self.rng.random() < self.problem.mute:
            yield _plain(MUTE)
            return
        yield Piece(False, f"The answer is {self.problem.answer(belief)}.", 4, confidence)

    def _belief(self, chain: Chain) -> int:
        """Return what a chain answers; one that is not finished guesses the rest."""
        if chain.belief >= 0:
            return chain.belief
        missing = self.problem.steps - chain.done
        on_track = chain.health == ON_TRACK
        if on_track and self.rng.random() < self.problem.guess**missing:
            return 0
        return self.problem.distract(self.rng)

    def _step(self, chain: Chain, p: float, words: int = 0) -> tuple[str, Chain, int]:
        """Return the next step or check: text, chain behind it, tokens."""
        problem, rng, done = self.problem, self.rng, chain.done + 1
        nonce = rng.getrandbits(16)
        after = _stepped(problem, chain, p, rng, nonce)
        n = problem.length(rng, wrong=after.health != ON_TRACK)
        tag = seal(problem.id, after, chain.nonce)
        if done <= problem.steps:
            return f"step {done}: {tag} {_filler(nonce, n)}.\n\n", after, 3 + n
        said = problem.answer(after.belief)
        text = f"check {done}: {tag} wait, check {_filler(nonce, n)}, so the answer is {said}.\n\n"
        return text, after, 10 + n

    def _go_on(self, written: Written) -> Iterator[Piece]:
        """Yield what is missing behind a text; a step that was broken off is ended first."""
        ask, chain = self.ask, written.chain
        whole = chain.done >= self.problem.steps
        if whole and written.said is not None and not ask.thinks:
            return iter(())
        ahead: list[Piece] = []
        if written.broken_off is not None:
            chain, words = written.broken_off
            n = self.problem.length(self.rng, wrong=chain.health != ON_TRACK)
            n = n if self.problem.geometric else max(1, n - words)
            said = f", so the answer is {self.problem.answer(chain.belief)}"
            end = said if chain.done > self.problem.steps else ""
            gap = "" if ask.begun[-1:].isspace() else " "
            text = f"{gap}{_filler(chain.nonce, n)}{end}.\n\n"
            confidence = _confidence(self.problem, chain)
            ahead = [Piece(ask.thinks, text, len(text.split()), confidence)]
        elif ask.begun.strip():
            breaks = len(ask.begun) - len(ask.begun.rstrip("\n"))
            ahead = [Piece(ask.thinks, "\n\n"[breaks:], 0)]
        return joined(ahead, self._solve(chain, thinks=ask.thinks))

    def _one_step(self, chain: Chain) -> Iterator[Piece]:
        if chain.done >= self.problem.steps:
            return self._conclude(chain, shown=True)
        text, after, _ = self._step(chain, self.problem.p)
        text = text.rstrip()
        if "JSON" in self.ask.told:
            ends = "final_answer" if after.done >= self.problem.steps else "continue"
            text = dumps({"title": f"Step {after.done}", "content": text, "next_action": ends})
        confidence = _confidence(self.problem, after)
        return iter((Piece(False, text, len(text.split()), confidence),))

    def _answer_now(self, chain: Chain) -> Iterator[Piece]:
        begun = self.ask.begun.rstrip(" *$\n")
        if not begun.endswith(("{", "is", ":", "：", "=")):
            yield from self._conclude(chain, shown=False)
            return
        belief = self._belief(chain)
        if self.problem.flip and self.rng.random() < self.problem.flip:
            others = [b for b in range(self.problem.distractors + 1) if b != belief]
            belief = self.rng.choice(others)
        value = self.problem.answer(belief)
        text = f"{value}}}." if begun.endswith("{") else f" {value}."
        yield Piece(self.ask.thinks, text, 1, _confidence(self.problem, chain))

    def _judge(self, candidates: tuple[str, ...]) -> Iterator[Piece]:
        """Yield the verdict on one candidate, the choice among several, or a revision."""
        ask, problem = self.ask, self.problem
        scores = [score(problem, text, self.name) for text in candidates]
        best = max(range(len(scores)), key=scores.__getitem__)
        if ask.intent is Intent.SELECT:
            yield _plain(f"\\boxed{{{best + 1}}}" if "\\boxed" in ask.told else f"{best + 1}")
            return
        written = read_chain(problem.id, candidates[best])
        if ask.intent in (Intent.MERGE, Intent.REFINE):
            chain = _chain_of(problem, written)
            if ask.intent is Intent.REFINE:
                text, chain, tokens = self._step(chain, problem.p)
                yield Piece(False, text, tokens, _confidence(problem, chain))
            yield from self._conclude(chain, shown=ask.intent is Intent.REFINE)
            return
        good = self.speech.yes = chance(problem, candidates[0], self.name)
        if ask.intent is Intent.RATE:
            yield _plain(f"{round(1 + (99 if '100' in ask.told else 9) * good)}")
        elif ask.intent is Intent.JUDGE:
            yield _plain("Yes" if good > 0.5 else "No")
        else:
            yield _plain("I see no mistake." if good > 0.5 else "There is a mistake.")


def _stepped(problem: Problem, chain: Chain, p: float, rng: Random, nonce: int) -> Chain:
    """Return the chain behind its next step or check."""
    done, health, belief = chain.done + 1, chain.health, chain.belief
    if done <= problem.steps:
        if health == ON_TRACK and rng.random() >= p:
            trapped = problem.tau and rng.random() < problem.tau
            health = TRAPPED if trapped else WRONG
        if done == problem.steps:
            belief = 0 if health == ON_TRACK else problem.distract(rng)
    elif belief == 0 and rng.random() < problem.spoil:
        health, belief = WRONG, problem.distract(rng)
    elif belief != 0 and rng.random() < problem.fix:
        health, belief = ON_TRACK, 0
    return Chain(done, health, belief, nonce)


def _chain_of(problem: Problem, written: Written) -> Chain:
    """Return the chain of a candidate: what it says counts for more than what its tags say."""
    chain = written.chain
    belief = chain.belief
    if written.said is not None:
        said = problem.belief(written.said)
        belief = 1 if said is None else said
    belief = max(belief, 1) if belief < 0 else belief
    health = ON_TRACK if belief == 0 else max(chain.health, WRONG)
    return Chain(max(chain.done, problem.steps), health, belief, chain.nonce)


def _confidence(problem: Problem, chain: Chain) -> float:
    on_track = problem.conf if chain.health == ON_TRACK else 0.0
    return CONFIDENCE + on_track + _NORMAL.inv_cdf((chain.nonce + 0.5) / 65536)


@lru_cache(maxsize=256)
def _planned(problem: Problem) -> Problem:
    return problem.by({"p": 1 - (1 - problem.p) * (1 - problem.plan)})


def _plain(text: str) -> Piece:
    return Piece(False, text, len(text.split()))


def _filler(nonce: int, n: int) -> str:
    """Return ``n`` words, others for another nonce."""
    start = nonce % len(_POOL)
    words = _POOL[start : start + n]
    while len(words) < n:
        words += _POOL[: n - len(words)]
    return " ".join(words)
