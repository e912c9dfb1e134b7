"""What the doctor says of servers that a simulator does not play: a scripted one over real HTTP."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from policies.types import Usage
from router.backends.capabilities import CAPABILITIES
from router.doctor import Asked, Examined, Finding, Heard, findings
from router.doctor_live import Report, examine_all
from router.settings_schema import Settings
from tests.fakes import chunk, usage_chunk

KEY = "sk-doctor-91c2"
Body = dict[str, Any]
Script = Callable[[Body], tuple[str, str]]


class Scripted:
    """A server whose script turns a body into (reasoning, answer); a script may raise to refuse."""

    def __init__(self) -> None:
        self.url = ""
        self.script: Script = lambda _: ("", "ok")
        self.silent = False

    async def answer(self, request: web.Request) -> web.Response:
        body: Body = await request.json()
        try:
            thought, said = self.script(body)
        except ValueError as error:
            return web.json_response({"error": {"message": str(error)}}, status=400)
        payloads = [
            chunk({"reasoning_content": thought}),
            chunk({"content": said}),
            chunk({}, "stop"),
        ]
        payloads += [usage_chunk(500, len(thought.split())), b"[DONE]"]
        payloads = [] if self.silent else payloads
        sse = b"".join(b"data: " + payload + b"\n\n" for payload in payloads)
        return web.Response(body=sse, content_type="text/event-stream")


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    scripted, app = Scripted(), web.Application()
    app.router.add_post("/v1/chat/completions", scripted.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield scripted
    await runner.cleanup()


async def examined(server: Scripted, **entry: Any) -> dict[str, Finding]:
    """Return what the doctor says of the server's only model, by probe."""
    params = {"model": "openai/m", "api_base": server.url, "api_key": KEY}
    model = {"model_name": "m", "litellm_params": params, "dialect": "vllm"} | entry
    tiers = [{"name": name, "models": ["m"], "thinking": "on"} for name in ("a", "b")]
    reports: list[Report] = []
    holds = await examine_all(
        Settings.model_validate({"model_list": [model], "tiers": tiers}), {}, reports.append
    )
    [report] = reports
    assert holds is report.holds
    return {line.what: line for line in report.lines}


def obeys(body: Body) -> tuple[str, str]:
    """Think within the budget, unless switched off."""
    on = body.get("chat_template_kwargs", {}).get("enable_thinking", True)
    words = min(500, body.get("thinking_token_budget", 500)) if on else 0
    return "hm " * words, "8374"


async def test_a_server_that_only_seems_to_continue_is_found_out(server: Scripted) -> None:
    def anew(body: Body) -> tuple[str, str]:
        thought, _ = obeys(body)
        return thought, "17 * 24 = 408, and so on. Result: 8374"

    server.script = anew
    found = await examined(server)
    assert "began anew" in found["prefill"].seen
    assert found["prefill"].write == "capabilities: {prefill: false}"
    assert "went on behind the stop sequence" in found["stop"].seen
    assert found["logprobs"].write == "capabilities: {logprobs: 0}"
    assert [name for name, line in found.items() if not line.holds] == [
        "prefill",
        "stop",
        "logprobs",
    ]


async def test_what_an_entry_says_is_what_is_held_against_it(server: Scripted) -> None:
    server.script = obeys
    said = {"prefill": False, "stop": False, "logprobs": 0, "seed": False}
    found = await examined(server, capabilities=said)
    assert all(line.holds for line in found.values())
    for name in said:
        assert found[name].seen == "not declared, not tried"


async def test_a_field_that_is_refused_is_named(server: Scripted) -> None:
    def picky(body: Body) -> tuple[str, str]:
        if "seed" in body:
            raise ValueError("seed is not allowed")
        return obeys(body)

    server.script = picky
    found = await examined(server, capabilities={"logprobs": 0})
    assert not found["seed"].holds
    assert "seed is not allowed" in found["seed"].seen
    assert found["seed"].write == "capabilities: {seed: false}"


async def test_a_key_in_a_refusal_is_not_shown(server: Scripted) -> None:
    def locked(_: Body) -> tuple[str, str]:
        raise ValueError(f"the key {KEY}\nis wrong")

    server.script = locked
    [line] = (await examined(server)).values()
    assert line.what == "cannot be asked"
    assert line.seen.endswith("the key *** is wrong")


async def test_an_empty_stream_is_no_answer(server: Scripted) -> None:
    server.silent = True
    [line] = (await examined(server)).values()
    assert "without a word" in line.seen


async def test_a_model_that_never_thinks_does_not_belong_in_a_thinking_tier(
    server: Scripted,
) -> None:
    found = await examined(server)
    assert not found["provider_default"].holds
    assert found["provider_default"].write == "thinking: off"


def test_what_cannot_be_told_is_no_fault_of_the_entry() -> None:
    thinks = Heard(Usage(10, 0, 900, 800), "8374", reported=True)
    seen = Examined(
        CAPABILITIES["gpt_oss"], Asked(thinks), Asked(thinks, told=False), Asked(thinks, told=False, tokens=1024),
        {}, 0.001, frozenset({"on"}),
    )  # fmt: skip
    found = {line.what: line for line in findings(seen)}
    assert all(line.holds for line in found.values())
    assert "cannot be told" in found["off"].seen
    assert "no native one" in found["budget"].seen


@pytest.mark.parametrize(
    ("reasoning", "estimated", "holds"),
    [(256, False, True), (313, False, True), (314, False, False), (400, True, True), (417, True, False)],
)  # fmt: skip
def test_a_budget_is_kept_to_ten_per_cent_and_32_tokens(
    reasoning: int, estimated: bool, holds: bool
) -> None:
    heard = Heard(Usage(10, 0, 900, reasoning, estimated=estimated), "8374", reported=True)
    quiet = Asked(Heard(Usage(10, 0, 5, 0), "8374", reported=True))
    can = CAPABILITIES["vllm"]
    seen = Examined(can, Asked(heard), quiet, Asked(heard, tokens=256), {}, None, frozenset())
    found = {line.what: line for line in findings(seen)}
    assert found["budget"].holds is holds
    assert not found["cancel"].holds, "it never closed"
