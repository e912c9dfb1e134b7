"""The simulated verifier and the simulated confidence keep their laws; a stop string can be made to have no effect."""

from math import exp, log
from typing import Any

import orjson
import pytest

from loadtest.simulator.laws import LAWS
from tests.lab.exact import assert_mean, assert_share, best_of_n
from tests.loadtest.simulated import Client

QUESTION = "What is 3 + 4 * 5 - 6 * 2 + 7?"
TRUTH = 18
N_STEPS = 5
RIGHT_LINES = ["step 1: 4 * 5 = 20", "step 2: 3 + 20 = 23", "step 3: 6 * 2 = 12"]
WRONG_LINES = ["step 1: 4 * 5 = 30", "step 2: 3 + 30 = 33"]


async def scores(client: Client, candidates: list[str], **fields: Any) -> list[dict[str, Any]]:
    body = {"prompt": QUESTION, "candidates": candidates, **fields}
    async with client.session.post("/score", json=body) as response:
        assert response.status == 200
        answer: list[dict[str, Any]] = await response.json()
    return answer


def raw(score: float) -> float:
    """Return s of a score."""
    return 1 + log(score / (1 - score))


async def test_scores_are_normal_and_two_apart(client: Client) -> None:
    for text, mean in (
        ("The answer is 18.", 2.0),
        ("The answer is 28.", 0.0),
        ("\n".join(RIGHT_LINES), 2.0),
        ("\n".join(WRONG_LINES), 0.0),
        ("Who knows.", 0.0),
        (f'{WRONG_LINES[0]}\nNo: {{"answer": "18"}}', 2.0),
    ):
        drawn = await scores(client, [f"Attempt {i}. {text}" for i in range(250)])
        assert_mean([raw(one["score"]) for one in drawn], mean)
        assert_mean([(raw(one["score"]) - mean) ** 2 for one in drawn], 1.0)
    assert (await client.stats())["scored"] == 1500


async def test_asking_twice_brings_nothing_new(client: Client) -> None:
    both = await scores(client, ["The answer is 18.", "The answer is 18."])
    assert both[0] == both[1] == (await scores(client, ["The answer is 18."]))[0]


async def test_each_step_has_the_score_of_the_text_up_to_it(client: Client) -> None:
    text = "\n\n".join(RIGHT_LINES)
    [answer] = await scores(client, [text], steps=True)
    prefixes = ["\n\n".join(RIGHT_LINES[: n + 1]) for n in range(3)]
    alone = [one["score"] for one in await scores(client, prefixes)]
    assert answer["step_scores"] == alone
    assert answer["score"] == alone[-1]
    assert (await scores(client, ["no steps"], steps=True))[0]["step_scores"] == []


async def test_the_best_of_four_is_right_as_often_as_the_integral_says(client: Client) -> None:
    texts: list[str] = []
    for seed in range(16):
        answer = await client.ask("sim-short", QUESTION, n=128, seed=seed)
        # Equal texts would have equal noise.
        texts += [
            f"{len(texts) + i}\n{c['message']['content']}" for i, c in enumerate(answer["choices"])
        ]
    given: list[float] = []
    for start in range(0, len(texts), 256):
        given += [one["score"] for one in await scores(client, texts[start : start + 256])]
    trials, hits = len(texts) // 4, 0
    for i in range(trials):
        best = max(range(4 * i, 4 * i + 4), key=given.__getitem__)
        hits += texts[best].endswith(f"The answer is {TRUTH}.")
    exact = best_of_n(LAWS["sim-short"].accuracy(written=N_STEPS), 4, 2.0)
    assert_share(hits, trials, exact)


async def test_a_fact_is_right_if_it_is_in_the_candidate(client: Client) -> None:
    drawn: dict[str, list[float]] = {"Paris": [], "Rome": []}
    for city, seen in drawn.items():
        candidates = [f"{i}: The capital of France is {city}." for i in range(250)]
        body = {"prompt": "What is the capital of France?", "candidates": candidates}
        async with client.session.post("/score", json=body) as response:
            seen += [raw(one["score"]) for one in await response.json()]
    assert_mean(drawn["Paris"], 2.0)
    assert_mean(drawn["Rome"], 0.0)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"candidates": []}, "'prompt' must be a string"),
        ({"prompt": "x", "candidates": "y"}, "'candidates' must be a list of strings"),
        ({"prompt": "x", "candidates": [1]}, "'candidates' must be a list of strings"),
        ({"prompt": "x", "candidates": ["y"] * 257}, "'candidates' must be at most 256"),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(
    client: Client, body: dict[str, Any], said: str
) -> None:
    async with client.session.post("/score", json=body) as response:
        assert response.status == 400
        assert (await response.json())["error"]["message"] == said


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_the_verifier_can_be_made_to_refuse(client: Client, status: int) -> None:
    body = {"prompt": QUESTION, "candidates": ["x"]}
    headers = {"x-sim-fault": f"http-{status}"}
    async with client.session.post("/score", json=body, headers=headers) as response:
        assert response.status == status
    assert (await client.stats())["refused"] == {str(status): 1}


def confidence(entry: dict[str, Any]) -> float:
    listed = [other["logprob"] for other in entry["top_logprobs"]]
    assert sum(map(exp, listed)) <= 1
    return -float(sum(listed)) / len(listed)


@pytest.mark.parametrize("top", [2, 5])
async def test_a_chain_that_slips_becomes_less_sure(client: Client, top: int) -> None:
    seen: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(4):
        asked = {"n": 128, "seed": seed, "logprobs": True, "top_logprobs": top}
        answer = await client.ask("sim-short", QUESTION, **asked)
        for choice in answer["choices"]:
            entries, text = choice["logprobs"]["content"], choice["message"]["content"]
            assert "".join(entry["token"] for entry in entries) == text
            seen[text.endswith(f"The answer is {TRUTH}.")].append(confidence(entries[-1]))
    assert_mean(seen[True], 10.0)
    assert_mean(seen[False], 8.0)


async def test_a_stream_carries_the_same_logprobs(client: Client) -> None:
    asked: dict[str, Any] = {"seed": 3, "logprobs": True, "top_logprobs": 3, "stop": ["step 3"]}
    whole = (await client.ask("sim-distilled", QUESTION, **asked))["choices"][0]["logprobs"]
    events = await client.stream("sim-distilled", QUESTION, **asked)
    streamed = [
        entry
        for event in events[:-1]
        for choice in orjson.loads(event)["choices"]
        for entry in (choice["logprobs"] or {"content": []})["content"]
    ]
    assert streamed == whole["content"]
    plain = await client.ask("sim-distilled", QUESTION, seed=3)
    assert plain["choices"][0]["logprobs"] is None


async def test_asking_for_logprobs_changes_no_answer(client: Client) -> None:
    plain = await client.ask("sim-distilled", QUESTION, seed=5)
    told = await client.ask("sim-distilled", QUESTION, seed=5, logprobs=True)
    assert plain["choices"][0]["message"] == told["choices"][0]["message"]
    assert all(not e["top_logprobs"] for e in told["choices"][0]["logprobs"]["content"])


async def test_too_many_alternatives_are_refused(client: Client) -> None:
    status, body = await client.post(
        client.body("sim-short", QUESTION, logprobs=True, top_logprobs=21)
    )
    assert (status, body["error"]["param"]) == (400, "top_logprobs")


async def test_a_server_may_ignore_stop(client: Client) -> None:
    asked: dict[str, Any] = {"seed": 1, "stop": ["\n\n"]}
    cut = await client.ask("sim-short", QUESTION, **asked)
    whole = await client.ask("sim-short+ignore-stop", QUESTION, **asked)
    assert "\n\n" not in cut["choices"][0]["message"]["content"]
    assert whole["choices"][0]["message"]["content"].count("\n\n") == N_STEPS
