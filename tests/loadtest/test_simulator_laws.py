"""The simulator's chances are what its closed forms say; each check allows 4 standard errors, with fixed seeds."""

import math
import re
from collections import Counter

import pytest

from loadtest.simulator.laws import LAWS
from tests.loadtest.simulated import Client

QUESTION = "What is 3 + 4 * 5 - 6 * 2 + 7?"  # five steps
TRUTH = 18
N_STEPS = 5
N_SAMPLES = 1280


async def answers(client: Client, model: str, **fields: object) -> Counter[int]:
    """Return how often each final answer came, over N_SAMPLES samples."""
    counts: Counter[int] = Counter()
    for seed in range(N_SAMPLES // 128):
        answer = await client.ask(model, QUESTION, n=128, seed=seed, **fields)
        for choice in answer["choices"]:
            found = re.search(r"The answer is (-?\d+)\.", choice["message"]["content"])
            assert found is not None
            counts[int(found.group(1))] += 1
    return counts


def assert_close(hits: int, exact: float) -> None:
    error = math.sqrt(exact * (1 - exact) / N_SAMPLES)
    assert abs(hits / N_SAMPLES - exact) <= 4 * error


@pytest.mark.parametrize(
    ("model", "step"), [("sim-short", 0.90), ("sim-distilled", 0.97), ("sim-long", 0.995)]
)
async def test_accuracy_is_the_chance_of_a_step_to_the_power_of_the_steps(
    client: Client, model: str, step: float
) -> None:
    counts = await answers(client, model, reasoning_effort="minimal")
    assert_close(counts[TRUTH], step**N_STEPS)
    assert LAWS[model].accuracy(thought=N_STEPS) == pytest.approx(step**N_STEPS)


async def test_wrong_answers_cluster_as_their_law_says(client: Client) -> None:
    counts = await answers(client, "sim-short")
    exact = LAWS["sim-short"].answer_law(TRUTH, written=N_STEPS)
    assert set(counts) <= set(exact)
    for value, chance in exact.items():
        assert_close(counts[value], chance)


async def test_without_thinking_a_reasoner_is_as_good_as_what_it_writes(client: Client) -> None:
    counts = await answers(client, "sim-distilled", chat_template_kwargs={"enable_thinking": False})
    assert_close(counts[TRUTH], LAWS["sim-distilled"].accuracy(written=N_STEPS))


async def test_a_budget_of_one_token_leaves_every_step_to_be_guessed(client: Client) -> None:
    counts = await answers(client, "sim-long", thinking_token_budget=1)
    assert_close(counts[TRUTH], LAWS["sim-long"].accuracy(leapt=N_STEPS))


@pytest.mark.parametrize("n_done", [1, 4])
async def test_reasoning_handed_over_saves_the_steps_it_has_done(
    client: Client, n_done: int
) -> None:
    lines = [
        "step 1: 4 * 5 = 20",
        "step 2: 3 + 20 = 23",
        "step 3: 6 * 2 = 12",
        "step 4: 23 - 12 = 11",
    ]
    handover = (
        "Reasoning so far (may be incomplete): "
        + "\n\n".join(lines[:n_done])
        + "\n\nGive the final answer now."
    )
    right = 0
    for seed in range(N_SAMPLES // 128):
        messages = [{"role": "user", "content": QUESTION}, {"role": "user", "content": handover}]
        body = {"model": "sim-long", "messages": messages, "n": 128, "seed": seed}
        _, answer = await client.post(body)
        right += sum(
            c["message"]["content"] == f"The answer is {TRUTH}." for c in answer["choices"]
        )
    assert_close(right, LAWS["sim-long"].accuracy(leapt=N_STEPS - n_done))


async def test_a_derailed_hand_over_stays_derailed(client: Client) -> None:
    prefix = {"role": "assistant", "content": "step 1: 4 * 5 = 30\n\n"}
    messages = [{"role": "user", "content": QUESTION}, prefix]
    body = {"model": "sim-long", "messages": messages, "continue_final_message": True, "seed": 1}
    _, answer = await client.post(body)
    assert answer["choices"][0]["message"]["content"].endswith(f"The answer is {TRUTH + 10}.")
    assert answer["choices"][0]["message"]["content"].startswith("step 2: 3 + 30 = 33")


async def test_the_length_of_the_thinking_follows_its_law(client: Client) -> None:
    """A step is 7 tokens of line and geometric musing, so K steps without checking are K (7 + mean) tokens on average."""
    law = LAWS["sim-distilled"]
    lengths = []
    for seed in range(N_SAMPLES // 128):
        answer = await client.ask("sim-distilled", QUESTION, n=128, seed=seed)
        lengths += [
            len(choice["message"]["reasoning_content"].split("step 5:")[0].split()) + 6
            for choice in answer["choices"]
        ]
    deviation = math.sqrt(N_STEPS * (1 - 1 / law.filler_tokens)) * law.filler_tokens
    exact = N_STEPS * (law.filler_tokens + 7)
    assert abs(sum(lengths) / N_SAMPLES - exact) <= 4 * deviation / math.sqrt(N_SAMPLES)


def chances_of_steps_done(n_tokens: int, mean: int) -> list[float]:
    """Return P(exactly j of N_STEPS steps are done within n_tokens), by adding up one geometric musing at a time."""
    at = [1.0] + [0.0] * n_tokens  # the law of the number of tokens after which step j is done
    done = [1.0]
    for _ in range(N_STEPS):
        later = [0.0] * (n_tokens + 1)
        running = 0.0  # sum over earlier tokens, each musing token keeps going with 1 - 1/mean
        for tokens in range(8, n_tokens + 1):
            running = running * (1 - 1 / mean) + at[tokens - 8] / mean
            later[tokens] = running
        at = later
        done.append(sum(at))
    return [a - b for a, b in zip(done, [*done[1:], 0.0], strict=True)]


@pytest.mark.parametrize("budget", [120, 250, 400])
async def test_accuracy_under_a_thinking_budget_is_its_closed_form(
    client: Client, budget: int
) -> None:
    law = LAWS["sim-long"]
    counts = await answers(client, "sim-long", thinking_token_budget=budget)
    exact = sum(
        chance * law.accuracy(thought=done, leapt=N_STEPS - done)
        for done, chance in enumerate(chances_of_steps_done(budget, law.filler_tokens))
    )
    assert_close(counts[TRUTH], exact)
