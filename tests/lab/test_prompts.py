"""Prompts that ask for less or more than a solution: who is understood how, and the laws of what is said."""

import re

import pytest

from policies.answers import answer_key
from router.backends.capabilities import Begun
from tests.lab import exact, exact_steps
from tests.lab.asking import ask_each, assistant, begun, is_right, key_of, samples, user
from tests.lab.backend import LabBackend
from tests.lab.chain import ON_TRACK, TRAPPED, read_chain
from tests.lab.clock import run
from tests.lab.exact import assert_share
from tests.lab.problem import Problem
from tests.lab.prompts import Intent, read_ask
from tests.lab.verifier import chance, score, step_chances

TRIALS = 800
Q = Problem(id=1).question()
ONE = f"{Q}\n\nCandidate 1:\nThe answer is 2000.\n\n"
TWO = f"{ONE}Candidate 2:\nThe answer is 2007.\n\n"
STEPS = samples(Problem(id=1), 1)[0]["content"].split("step 4")[0]


@pytest.mark.parametrize(
    ("told", "intent"),
    [
        (Q, Intent.SOLVE),
        (f"Solve this. Think step by step.\n{Q}\nAnswer:", Intent.SOLVE),
        (TWO + "Which candidate is most likely correct? Reply with its number.", Intent.SELECT),
        (TWO + "Combine these into one final answer.", Intent.MERGE),
        (TWO.replace("Candidate", "Agent") + "Other agents said this.", Intent.MERGE),
        (TWO.replace("Candidate 1:", "**Solution A:**"), Intent.SELECT),
        (TWO.replace("Candidate", "### Response"), Intent.SELECT),
        (f"{Q} <candidate id='1'>5</candidate><candidate id='2'>6</candidate>", Intent.SELECT),
        (ONE + "Is it correct? Answer Yes or No.", Intent.JUDGE),
        (ONE + "Rate it on a scale from 1 to 10.", Intent.RATE),
        (ONE + "Point out its mistakes, then write an improved solution.", Intent.REFINE),
        (ONE + "Give feedback: is there an error?", Intent.CRITIQUE),
        (f"{Q}\n\n{STEPS}Write only the next step.", Intent.STEP),
        (f"{Q}\n\n{STEPS}Continue.", Intent.CONTINUE),
        (f"{Q}\n\nReasoning so far:\n{STEPS}Give the final answer now.", Intent.ANSWER),
        (f"Write an outline of how to solve this; do not solve it. {Q}", Intent.OUTLINE),
        (f"Decompose into sub-questions: {Q}", Intent.OUTLINE),
        (f"{Q}\n\nOutline:\n- first\n- then\n\nFollow it.", Intent.SOLVE),
        (f"Rephrase the question: {Q}", Intent.REPHRASE),
        (Problem(id=1, plan=0.5).question(), Intent.SOLVE),
    ],
)
def test_a_turn_is_understood(told: str, intent: Intent) -> None:
    ask = read_ask([user(told)], continues=False)
    assert ask.intent is intent
    assert ask.problem is not None
    assert ask.problem.id == 1


@pytest.mark.parametrize(
    ("told", "intent"),
    [
        ("Is that right? Yes or no?", Intent.JUDGE),
        ("Try again.", Intent.REFINE),
        ("Give the next step.", Intent.REFINE),
    ],
)
def test_the_turn_before_is_a_candidate(told: str, intent: Intent) -> None:
    messages = [user(Q), assistant("The answer is 2007."), user(told)]
    ask = read_ask(messages, continues=False)
    if "next step" in told:
        assert ask.intent is Intent.STEP
    else:
        assert (ask.intent, ask.candidates) == (intent, ("The answer is 2007.",))


def test_in_a_debate_ones_own_answer_counts() -> None:
    own, other = "The answer is 2007.", "The answer is 2000."
    told = f"Other agents say:\n\nAgent 2: {other}\n\nGive an updated answer."
    ask = read_ask([user(Q), assistant(own), user(told)], continues=False)
    assert ask.intent is Intent.MERGE
    assert [text.split("\n")[0] for text in ask.candidates] == [own, other]


@pytest.mark.parametrize(
    ("turn", "intent"),
    [
        (Begun("", STEPS), Intent.CONTINUE),
        (Begun("", STEPS + "\n\nstep 4:"), Intent.CONTINUE),
        (Begun(STEPS, None), Intent.CONTINUE),
        (Begun(STEPS + "\n\n**Final Answer** \\[ \\boxed{", None), Intent.ANSWER),
        (Begun(STEPS, ""), Intent.ANSWER),
        (Begun(STEPS, "The answer is"), Intent.ANSWER),
        (Begun("I have thought about it.", ""), Intent.CONTINUE),
    ],
)
def test_a_turn_that_was_begun_is_understood(turn: Begun, intent: Intent) -> None:
    messages = [user(Q), assistant(turn.text)]
    ask = read_ask(messages, continues=True)
    assert (ask.intent, ask.thinks) == (intent, turn.answer is None)
    assert read_ask(messages, continues=False).intent is Intent.SOLVE


def several(problem: Problem, n: int, task: str, trials: int) -> list[dict[str, str]]:
    """Ask ``task`` about ``n`` fresh candidates, ``trials`` times."""
    texts = [answer["content"] for answer in samples(problem, n * trials)]
    bodies = []
    for i in range(trials):
        shown = "\n\n".join(f"Candidate {j + 1}:\n{texts[i * n + j]}" for j in range(n))
        bodies.append({"messages": [user(f"{problem.question()}\n\n{shown}\n\n{task}")]})
    return ask_each(LabBackend(), bodies)


@pytest.mark.parametrize("think", [0, 1])
def test_merging_is_best_of_n_with_a_noisy_verifier(think: int) -> None:
    problem = Problem(id=2, steps=1, p=0.3, mu=1.0, think=think)
    merged = several(problem, 4, "Synthesise one answer from these.", TRIALS)
    right = sum(is_right(problem, answer) for answer in merged)
    assert_share(right, TRIALS, exact.best_of_n(0.3, 4, 1.0))


def test_selecting_gives_the_number_of_the_best() -> None:
    problem = Problem(id=3, p=0.9)
    texts = [answer["content"] for answer in samples(problem, 3)]
    shown = "\n\n".join(f"Candidate {i}:\n{text}" for i, text in enumerate(texts, 1))
    best = 1 + max(range(3), key=lambda i: score(problem, texts[i], "lab"))
    plain, boxed = (
        f"{problem.question()}\n\n{shown}\n\nWhich is best? {form}" for form in ("", "\\boxed{}")
    )
    said = ask_each(LabBackend(), [{"messages": [user(told)]} for told in (plain, boxed)])
    assert [answer["content"] for answer in said] == [f"{best}", f"\\boxed{{{best}}}"]


@pytest.mark.parametrize("task", ["Is it correct? Yes or no?", "Rate it from 1 to 10."])
def test_a_judge_likes_what_its_score_law_likes(task: str) -> None:
    problem = Problem(id=4, steps=1, p=0.5, tau=0.5, mu=1.0, delta=0.5)
    said = several(problem, 1, task, TRIALS)
    texts = [answer["content"] for answer in samples(problem, TRIALS)]
    for text, verdict in zip(texts, said, strict=True):
        likes = chance(problem, text, "lab")
        expected = "Yes" if likes > 0.5 else "No"
        assert verdict["content"] == (expected if "Yes" in task else f"{round(1 + 9 * likes)}")


def test_scores_are_normal_around_what_the_candidate_is() -> None:
    problem = Problem(id=5, steps=2, p=0.6, tau=0.5, mu=1.5, delta=0.5)
    scores: dict[str, list[float]] = {"right": [], "trap": [], "wrong": []}
    for answer in samples(problem, 2 * TRIALS):
        health = read_chain(problem.id, answer["content"]).chain.health
        name = "right" if health == ON_TRACK else "trap" if health == TRAPPED else "wrong"
        scores[name].append(score(problem, answer["content"]))
    for name, mean in (("right", 1.5), ("trap", 2.0), ("wrong", 0.0)):
        exact.assert_mean(scores[name], mean)
        exact.assert_mean([(s - mean) ** 2 for s in scores[name]], 1.0)
    assert_share(len(scores["trap"]), 2 * TRIALS, (1 - 0.36) * 0.5)


def test_judges_differ_and_repeat_themselves() -> None:
    problem = Problem(id=6)
    text = samples(problem, 1)[0]["content"]
    assert chance(problem, text, "a") == chance(problem, f"I say:\n{text}\nSo!", "a")
    assert chance(problem, text, "a") != chance(problem, text, "b")
    steps = step_chances(problem, text)
    assert len(steps) == 6
    assert len(set(steps)) == 6


@pytest.mark.parametrize("task", ["Revise it.", "Try again, and improve it."])
def test_a_revision_mends_and_breaks(task: str) -> None:
    problem = Problem(id=7, steps=1, p=0.5, fix=0.2, spoil=0.1)
    revised = several(problem, 1, task, TRIALS)
    right = sum(is_right(problem, answer) for answer in revised)
    assert_share(right, TRIALS, exact.refined(0.5, 0.2, 0.1, 1))


def test_an_outline_helps() -> None:
    problem = Problem(id=8, steps=4, p=0.6, plan=0.5)
    asked = {"messages": [user(f"Write an outline, do not solve it. {problem.question()}")]}
    outline = ask_each(LabBackend(), [asked])[0]["content"]
    assert answer_key(outline) is None
    messages = [user(f"{outline}\n\nFollow it. {problem.question()}")]
    answers = ask_each(LabBackend(), [{"messages": messages, "seed": s} for s in range(TRIALS)])
    assert_share(sum(is_right(problem, answer) for answer in answers), TRIALS, 0.8**4)


def test_one_step_at_a_time_without_prefill() -> None:
    problem, trials = Problem(id=9, steps=3, p=0.8), 500
    backend = LabBackend.without_prefill()
    texts = [""] * trials
    for _ in range(4):
        bodies = [
            {
                "messages": [user(f"{problem.question()}\n\n{text}\n\nGive the next step.")],
                "seed": i,
            }
            for i, text in enumerate(texts)
        ]
        said = ask_each(backend, bodies)
        texts = [f"{t}{step['content']}\n\n" for t, step in zip(texts, said, strict=True)]
    assert_share(sum(is_right(problem, {"content": text}) for text in texts), trials, 0.8**3)
    assert all(re.findall(r"step (\d)", text) == ["1", "2", "3"] for text in texts)
    assert backend.counts.corrupted == 0


@pytest.mark.parametrize("think", [0, 1])
def test_a_greedy_subtree_over_prefixes_is_best_of_m_at_every_step(think: int) -> None:
    problem, trials, width = Problem(id=10, steps=3, p=0.7, mu=1.5, think=think), 300, 4
    backend = LabBackend()
    name = "reasoning_content" if think else "content"
    paths = [""] * trials
    for _ in range(problem.steps):
        turns = [Begun(path, None) if think else Begun("", path) for path in paths]
        bodies = [
            begun(backend, problem, turn) | {"stop": ["\n\n"], "seed": i * width + j}
            for i, turn in enumerate(turns)
            for j in range(width)
        ]
        steps = [answer[name] for answer in ask_each(backend, bodies)]
        children = [
            [f"{p}{s}\n\n" for s in steps[i * width :][:width]] for i, p in enumerate(paths)
        ]
        paths = [max(some, key=lambda text: score(problem, text)) for some in children]
    right = sum(read_chain(problem.id, path).chain.health == ON_TRACK for path in paths)
    assert_share(right, trials, exact_steps.subtree(0.7, 3, width, 1.5))
    assert backend.counts.corrupted == 0


def test_a_question_of_no_problem_is_answered_too() -> None:
    said = ask_each(LabBackend(), [{"messages": [user("What is the capital of France?")]}])
    assert answer_key(said[0]["content"]) is None


def test_a_value_of_nobodys_is_wrong() -> None:
    problem = Problem(id=11, fix=0.0, spoil=0.0)
    told = f"{problem.question()}\n\nCandidate:\nThe answer is 5.\n\nRevise it."

    async def main() -> str:
        answer = await LabBackend().complete({"messages": [user(told)]}, 60)
        return str(answer["choices"][0]["message"]["content"])

    assert answer_key(run(main())) == key_of(problem.answer(1))
