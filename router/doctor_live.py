"""Asks every model a small question in several ways, and listens: what ``thinkthrift doctor --live`` does.

The requests are those that the router sends, over the same backends, counted by the same guard. Every probe has a
limit in tokens and one in seconds. Nothing that was asked or answered is kept, and no key is shown.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from policies.tokens import prompt_tokens
from policies.types import Budget, Thinking

from .backends.build import build_backends
from .backends.capabilities import Begun
from .backends.dialects import request_fields
from .backends.direct import Connections
from .backends.port import Backend
from .backends.unenforced import THINKING_OFF, tokens_in
from .doctor import Asked, Examined, Finding, Heard, findings
from .errors import ApiError, UpstreamError
from .guard import Guard
from .prices import PriceTable
from .settings import Settings
from .wire.openai_answer import Assembler

PROBE_S = 60.0
"""Seconds that a probe may take; ``litellm_params.timeout`` may lower it."""

CLOSE_S = 5.0
"""Seconds within which a stream that is given up must be closed."""

OUTPUT = 2048
"""Completion tokens of a probe, reasoning included."""

SMALLEST = (256, 512, 1024)
"""Thinking budgets to try: the first that the dialect can say. Few servers take less than the last."""

END = "Result:"
QUESTION = [
    {
        "role": "user",
        "content": (
            "Start with 17, multiply by 24, subtract 9, multiply by 3, add 58, multiply by 7, subtract 411. "
            f"Answer with `{END}` and the number."
        ),
    }
]
NOTES = "17 * 24 = 408. 408 - 9 = 399. 399 * 3 = 1197. 1197 + 58 = 1255. 1255 * 7 = 8785. 8785 - 411 = 8374."
BEGUN_NOTES = "17 * 24 = 408. 408 - 9 = 399."


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of one model.

    Attributes:
        model: Its ``model_name``.
        lines: What was found, or that it cannot be reached.
        cost_usd: What asking it cost, by its price.
    """

    model: str
    lines: tuple[Finding, ...]
    cost_usd: float

    @property
    def holds(self) -> bool:
        """Everything declared is so."""
        return all(line.holds for line in self.lines)


async def examine_all(
    settings: Settings,
    env: Mapping[str, str],
    show: Callable[[Report], None],
    *,
    probe_s: float = PROBE_S,
) -> bool:
    """Examine each model that a tier uses, all at once; return whether everything declared holds.

    Args:
        settings: The configuration.
        env: Where providers' usual key variables are found.
        show: Is told of each model, in the order of the configuration.
        probe_s: Seconds that one probe may take.
    """
    connections = Connections()
    backends = build_backends(settings, PriceTable.load(), connections, env)
    used = {name for tier in settings.tiers for name in tier.models}
    holds = True
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_Patient(settings, backend, probe_s).examine())
                for name, backend in backends.items()
                if name in used
            ]
            for task in tasks:
                report = await task
                holds &= report.holds
                show(report)
    finally:
        for backend in backends.values():
            await backend.close()
        await connections.close()
    return holds


class _Patient:
    """One model while it is examined."""

    def __init__(self, settings: Settings, backend: Backend, probe_s: float) -> None:
        spec = backend.spec
        self._backend = backend
        self._limit_s = min(probe_s, spec.timeout_s or probe_s)
        self._cost_usd = 0.0
        name = spec.name
        self._tiers = frozenset(tier.thinking for tier in settings.tiers if name in tier.models)
        entry = settings.model(name)
        key = entry.litellm_params.api_key if entry else None
        self._key = key.get_secret_value() if key else ""

    async def examine(self) -> Report:
        """Return what the model shows; one line if it cannot be reached."""
        default = await self._ask("provider_default", Budget(output=OUTPUT))
        failed = default.heard.failed
        if default.heard.cut == "output_budget":
            failed = (
                f"went far past its output limit of {OUTPUT} tokens; the rest would cost too much"
            )
        elif default.heard.cut:
            failed = f"had to be cut ({default.heard.cut}); the rest would tell nothing"
        if failed:
            lines = [Finding("cannot be asked", failed, holds=False)]
        else:
            lines = list(await self._rest(default))
        return Report(self._backend.spec.name, tuple(lines), self._cost_usd)

    async def _rest(self, default: Asked) -> Iterator[Finding]:
        off = await self._ask("off", Budget(output=OUTPUT))
        tokens = next((n for n in SMALLEST if self._can_say(n)), SMALLEST[-1])
        few = await self._ask("on", Budget(thinking=tokens, output=OUTPUT))
        # A model that refuses to be silenced is asked the rest as its provider likes.
        quiet: Thinking = "provider_default" if off.heard.failed else "off"
        declared = {name: await self._try(name, quiet) for name in FEATURES}
        closed_s = None
        with suppress(ApiError, TimeoutError):
            closed_s = await self._give_up()
        can = self._backend.spec.can
        return findings(Examined(can, default, off, few, declared, closed_s, self._tiers))

    async def _try(self, feature: str, quiet: Thinking) -> Heard | None:
        """Return what came of a declared feature, failed if it does not hold; ``None`` if it is not declared."""
        can, how = self._backend.spec.can, quiet
        if not getattr(can, feature):
            return None
        if feature in ("prefill", "prefill_thinking"):
            if can.prefill is None:
                return None
            ended = feature == "prefill"
            begun = Begun(NOTES, END) if ended else Begun(BEGUN_NOTES, None)
            how = quiet if ended else "on"
            changes = can.prefill(QUESTION, begun)
        elif feature == "logprobs":
            changes = {"logprobs": True, "top_logprobs": can.logprobs}
        else:
            changes = {"stop": [END]} if feature == "stop" else {"seed": 1}
        heard = (await self._ask(how, Budget(output=OUTPUT), changes)).heard
        return replace(heard, failed=heard.failed or FEATURES[feature](heard))

    def _can_say(self, tokens: int) -> bool:
        spec = self._backend.spec
        budget = Budget(thinking=tokens, output=OUTPUT)
        fields, _ = request_fields(spec.dialect, spec.model, "on", budget, None)
        return tokens_in(fields) == tokens

    async def _ask(
        self, thinking: Thinking, budget: Budget, changes: Mapping[str, Any] | None = None
    ) -> Asked:
        """Ask once and listen to the end."""
        spec = self._backend.spec
        fields, unenforced = request_fields(spec.dialect, spec.model, thinking, budget, None)
        told = self._can_say(budget.thinking) if budget.thinking else THINKING_OFF not in unenforced
        try:
            heard = await self._listen(self._body(fields, changes), budget)
        except (ApiError, TimeoutError) as error:
            said = str(error) or f"no whole answer within {self._limit_s:g} s"
            heard = Heard(failed=self._without_key(said))
        return Asked(heard, told=told, tokens=budget.thinking or 0)

    async def _listen(self, body: Mapping[str, Any], budget: Budget) -> Heard:
        limit = budget.output
        assert limit is not None
        # Twice the limit: a server that keeps it is not to be cut because our count is an estimate.
        guard = Guard(Budget(output=2 * limit), collect=Assembler())
        async with asyncio.timeout(self._limit_s):
            upstream = await self._backend.open(body, self._limit_s)
            try:
                async for batch in upstream.batches():
                    guard.feed(batch)
                    if guard.cut or guard.done:
                        break
            finally:
                self._pay(guard)
                await upstream.close()
        if not (guard.answered or guard.thought.chunks or guard.finish):
            raise UpstreamError("the stream ended without a word")
        return _heard(guard)

    async def _give_up(self) -> float:
        """Return the seconds that closing a stream takes after its first chunks."""
        spec = self._backend.spec
        fields, _ = request_fields(spec.dialect, spec.model, "on", Budget(output=OUTPUT), None)
        async with asyncio.timeout(self._limit_s):
            upstream = await self._backend.open(self._body(fields, None), self._limit_s)
            guard = Guard(Budget())
            batches = upstream.batches()
            try:
                guard.feed(await anext(batches, []))
            finally:
                self._pay(guard)
                begun = time.monotonic()
                async with asyncio.timeout(CLOSE_S):
                    await upstream.close()
        return time.monotonic() - begun

    def _pay(self, guard: Guard) -> None:
        usage = guard.usage(prompt_tokens(QUESTION))
        self._cost_usd += self._backend.spec.price.usd(usage)

    def _body(self, fields: Mapping[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
        body = {"messages": QUESTION, **fields, **(changes or {}), "stream": True}
        if self._backend.spec.can.usage_in_stream:
            body["stream_options"] = {"include_usage": True}
        return body

    def _without_key(self, said: str) -> str:
        line = " ".join(said.removeprefix(f"{self._backend.spec.name}: ").split())
        return line.replace(self._key, "***") if self._key else line


def _heard(guard: Guard) -> Heard:
    assert guard.collect is not None
    choices = guard.collect.completion()["choices"]
    first = choices[0] if choices else {"message": {}}
    return Heard(
        guard.usage(prompt_tokens(QUESTION)),
        text=first["message"].get("content") or "",
        reported=guard.reported is not None,
        logprobs=bool(first.get("logprobs")),
        cut=guard.cut or "",
    )


def _gone_on(heard: Heard) -> str:
    if not heard.text.strip():
        return "said nothing behind a turn that was handed over"
    again = heard.text.strip().removeprefix(END)  # some servers repeat what they were handed
    return "began anew behind a turn that was handed over" if END in again else ""


def _thought_on(heard: Heard) -> str:
    silent = not (heard.text.strip() or heard.usage.reasoning)
    return "said nothing behind open reasoning that was handed over" if silent else ""


FEATURES: Mapping[str, Callable[[Heard], str]] = {
    "prefill": _gone_on,
    "prefill_thinking": _thought_on,
    "stop": lambda heard: f"went on behind the stop sequence {END!r}" * (END in heard.text),
    "seed": lambda _: "",  # taking it is all that can be seen
    "logprobs": lambda heard: "" if heard.logprobs else "sent no logprobs",
}
"""What a model may be declared to do, and what is wrong with what it did."""
