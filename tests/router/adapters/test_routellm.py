"""RouteLLM's own way of calling, against the simulator."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from router.adapters.routellm import TRAINED, Controller
from router.errors import InvalidRequestError
from tests.e2e.world import PRICES, UPSTREAM_KEY, stats
from tests.loadtest.simulated import simulator

EASY, HARD = "What is 2 + 3?", "Prove that there are infinitely many primes of the form n^2 + 1."
STRONG, WEAK = "openai/sim-long", "openai/sim-short"


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with simulator("--no-delay") as url:
        yield url


@pytest.fixture(scope="module")
def controller(upstream: str) -> Iterator[Controller]:
    with Controller(
        ["mf", "utility"], STRONG, WEAK, api_base=f"{upstream}/v1", api_key=UPSTREAM_KEY
    ) as opened:
        yield opened


def asked(text: str, model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}]} | fields


@pytest.mark.parametrize(
    ("threshold", "answered"), [(0.0, "sim-long"), (1.0, "sim-short")], ids=["low", "high"]
)
async def test_the_threshold_in_the_model_name_decides(
    controller: Controller, threshold: float, answered: str
) -> None:
    request = asked(EASY, f"router-mf-{threshold}")
    answer: Any = await controller.chat.completions.acreate(**request)
    assert answer.model == answered
    named = asked(EASY, "") | {"router": "mf", "threshold": threshold}
    again: Any = await controller.acompletion(**named)
    assert again.model == answered


def test_it_works_without_an_event_loop(controller: Controller) -> None:
    answer = controller.chat.completions.create(**asked(EASY, "router-mf-1.0"))
    assert answer.model == "sim-short"
    stream = controller.chat.completions.create(**asked(EASY, "router-mf-1.0", stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in stream if c.choices)


async def test_it_streams_in_an_event_loop(controller: Controller) -> None:
    stream = await controller.chat.completions.acreate(**asked(EASY, "router-mf-0.0", stream=True))
    assert {chunk.model async for chunk in stream} == {"sim-long"}
    await stream.aclose()


def test_a_threshold_for_a_share_gives_the_strong_model_that_share(controller: Controller) -> None:
    prompts = [
        EASY, HARD, "Hello!", "Thanks a lot.", "Find all primes p such that p^2 + 2 is prime.",
        "Start with 5, add 7, multiply by 3, subtract 9, multiply by 4, subtract 1, multiply by 7.",
    ]  # fmt: skip
    rates = controller.batch_calculate_win_rate(prompts, "mf")
    assert all(0 <= rate <= 1 for rate in rates)
    assert rates[1] > rates[0], "more to win where the weak model fails"
    for share in (0.0, 0.5, 1.0):
        threshold = controller.threshold_for(prompts, share)
        strong = [controller.route(prompt, "mf", threshold) == STRONG for prompt in prompts]
        assert sum(strong) == share * len(prompts)


def test_our_own_policies_are_routers_too(controller: Controller) -> None:
    assert controller.route(HARD, "utility", 0.0) == WEAK
    assert controller.route(HARD, "utility", 1.0) == STRONG


@pytest.mark.parametrize("model", ["router-bert-0.5", "router-mf-x", "router-mf-0.1.2", "router-"])
def test_a_model_name_that_is_none_is_refused(controller: Controller, model: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        controller.completion(**asked(EASY, model))
    assert caught.value.param == "model"


def test_a_stream_that_is_closed_stops_the_upstream(upstream: str) -> None:
    forever = "openai/sim-long+forever"
    before = stats(upstream)["cancelled_streams"]
    with Controller(
        ["mf"], forever, WEAK, api_base=f"{upstream}/v1", api_key=UPSTREAM_KEY
    ) as opened:
        stream: Any = opened.completion(**asked(EASY, "router-mf-0", stream=True))
        next(stream)
        stream.close()
    assert stats(upstream)["cancelled_streams"] == before + 1


def test_what_was_configured_for_routellm_is_passed_over_and_the_rest_counts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = {"mf": {"checkpoint_path": "routellm/mf"}, "routing": {"dial": 1.0}}
    Controller(list(TRAINED), STRONG, WEAK, config, api_key="k")
    assert "config of mf is RouteLLM's own" in caplog.text
    for wrong, named in ((["random"], None), (["mf"], {"tiers": []})):
        with pytest.raises(ValueError, match=r"no router 'random'|config has tiers"):
            Controller(wrong, STRONG, WEAK, named)


def test_a_script_that_never_closes_it_ends_by_itself(upstream: str) -> None:
    script = (
        "from router.adapters.routellm import Controller\n"
        f"c = Controller(['mf'], '{STRONG}', '{WEAK}', api_base='{upstream}/v1', api_key='k')\n"
        f"print(c.route('{EASY}', 'mf', 1.0))\n"
    )
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == (WEAK, "")
    assert "sim-short" in PRICES
