"""A controller in the shape of RouteLLM's (arXiv 2406.18665), so that its users switch by changing the import.

A model name ``router-<name>-<threshold>`` sends a question to the strong model if its win rate reaches the threshold, and to the weak one
otherwise. All of RouteLLM's trained routers stand for the one classifier here. Its win rate is the probability
that the strong model is right where the weak one is wrong, so thresholds of RouteLLM's do not carry over: take a new
one from your own questions with `Controller.threshold_for`.
"""

import asyncio
import logging
import re
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, Self

from policies.routing import ROUTING_POLICIES
from policies.routing.expectation import TYPICAL_PROMPT, prospects
from policies.routing.threshold import boundaries_from_shares
from router.errors import InvalidRequestError
from router.sdk import Router
from router.sdk_values import Messages, Stream

from .in_background import Background

if TYPE_CHECKING:
    from router.sdk_types import Chunk, Completion

log = logging.getLogger("thinkthrift")

TRAINED = ("mf", "sw_ranking", "bert", "causal_llm", "thinkthrift")
"""RouteLLM's trained routers, and the name of the one that answers for them here."""

_NAMED = re.compile(r"router-(?P<name>[a-z_]+)-(?P<threshold>[0-9.]+)")


class Controller:
    """Chooses between a strong and a weak model.

    Its connections are opened by the first call and live in a thread of their own: it works with an event loop and without one.

    Args:
        routers: Names that requests may use: RouteLLM's trained routers, or this product's routing policies.
        strong_model: As LiteLLM names it, for example ``openai/gpt-5.4``.
        weak_model: Likewise.
        config: Sections of this product's configuration, all but ``tiers``; they win over what follows from the other
            arguments. What is under a router's name is RouteLLM's own and is passed over.
        api_base: Address of an OpenAI-compatible server for both models.
        api_key: Its key.
        progress_bar: RouteLLM's; nothing here takes long enough for one.

    Raises:
        ValueError: If a router is not known, or ``config`` has tiers.
        ConfigError: If the configuration cannot be used.
    """

    def __init__(
        self,
        routers: Sequence[str],
        strong_model: str,
        weak_model: str,
        config: Mapping[str, Any] | None = None,
        api_base: str | None = None,
        api_key: str | None = None,
        *,
        progress_bar: bool = False,
    ) -> None:
        known = (*TRAINED, *ROUTING_POLICIES)
        if unknown := [name for name in routers if name not in known]:
            raise ValueError(f"no router {unknown[0]!r} here; there are: {', '.join(known)}")
        self.routers = tuple(routers)
        self.model_pair = SimpleNamespace(strong=strong_model, weak=weak_model)
        params = {"api_base": api_base, "api_key": api_key}
        self._router = Router.from_config(
            _configuration(strong_model, weak_model, params) | _sections(config or {}, routers)
        )
        self._background = Background()
        self._opening = threading.Lock()
        self._open = False
        self.chat = SimpleNamespace(
            completions=SimpleNamespace(create=self.completion, acreate=self.acompletion)
        )

    def completion(self, **request: Any) -> "Completion | BackgroundStream":
        """Return an answer, or with ``stream=True`` its chunks; the arguments are OpenAI's.

        Besides a ``model`` of ``router-<name>-<threshold>``, RouteLLM's ``router`` and ``threshold`` are understood.

        Raises:
            ApiError: If the request is wrong or cannot be answered.
        """
        self._ensure_open()
        return self._background.wait(self._complete(request))

    async def acompletion(self, **request: Any) -> "Completion | BackgroundStream":
        """Return the same as ``completion``, to be awaited."""
        await asyncio.to_thread(self._ensure_open)
        return await self._background.run(self._complete(request))

    def route(self, prompt: str, router: str, threshold: float) -> str:
        """Return the model that a prompt would go to."""
        model = f"router-{router}-{threshold}"
        self._ensure_open()
        if (named := self._named(model)) is None:
            tier = self._router.decide(prompt, model=model).tier.name
        else:
            tier = self._chosen(prompt, named)
        return str(getattr(self.model_pair, tier))

    def batch_calculate_win_rate(
        self, prompts: Sequence[str], router: str = "thinkthrift"
    ) -> list[float]:
        """Return the strong model's win rate for each prompt, in [0, 1]; the same for every trained router."""
        self._ensure_open()
        return [self._win_rate(prompt) for prompt in prompts]

    def threshold_for(self, prompts: Sequence[str], strong_share: float) -> float:
        """Return the threshold that sends this share of the prompts to the strong model."""
        rates = self.batch_calculate_win_rate(prompts)
        return boundaries_from_shares([strong_share], rates)[0]

    def close(self) -> None:
        """Let go of every connection; a process that ends without it loses nothing."""
        with self._opening:
            if self._open:
                self._background.wait(self._router.__aexit__(None, None, None))
                self._open = False
            self._background.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _ensure_open(self) -> None:
        with self._opening:
            if not self._open:
                self._background.wait(self._router.__aenter__())
                self._open = True

    async def _complete(self, request: dict[str, Any]) -> "Completion | BackgroundStream":
        router, threshold = request.pop("router", None), request.pop("threshold", None)
        if router is not None:
            request["model"] = f"router-{router}-{threshold}"
        name, messages = str(request.pop("model", "")), request.pop("messages", None)
        wanted: Any = {"model": name, "messages": messages, **request}
        if name.startswith("router-"):
            named = self._named(name)
            if named is not None:
                wanted["model"] = f"auto:{self._chosen(messages, named)}"
        answer: Completion | Stream = await self._router.chat.completions.create(**wanted)
        if isinstance(answer, Stream):
            return BackgroundStream(answer, self._background)
        return answer

    def _named(self, model: str) -> float | None:
        """Return the threshold in a model name; ``None`` if a policy of ours has a dial there."""
        found = _NAMED.fullmatch(model)
        if found is None or found["name"] not in self.routers:
            raise InvalidRequestError(
                f"{model!r}: write router-<name>-<threshold> with a name of "
                f"{', '.join(self.routers)}",
                param="model",
            )
        if found["name"] in ROUTING_POLICIES:
            return None
        try:
            return float(found["threshold"])
        except ValueError as error:
            raise InvalidRequestError(
                f"{model!r}: {found['threshold']} is no number", param="model"
            ) from error

    def _chosen(self, messages: Messages, threshold: float) -> str:
        return "strong" if self._win_rate(messages) >= threshold else "weak"

    def _win_rate(self, messages: Messages) -> float:
        """Return the probability that the strong model is right where the weak one is wrong."""
        tiers = self._router.runtime.pipeline.routing.tiers
        weak, strong = prospects(tiers, self._router.score(messages), TYPICAL_PROMPT)
        return strong.p_solve * (1.0 - weak.p_solve)


class BackgroundStream:
    """The chunks of an answer, for callers with an event loop and without one."""

    def __init__(self, stream: Stream, background: Background) -> None:
        self._stream = stream
        self._background = background

    def __iter__(self) -> Iterator["Chunk"]:
        return self

    def __next__(self) -> "Chunk":
        chunk = self._background.wait(_next(self._stream))
        if chunk is None:
            raise StopIteration
        return chunk

    def __aiter__(self) -> AsyncIterator["Chunk"]:
        return self

    async def __anext__(self) -> "Chunk":
        chunk = await self._background.run(_next(self._stream))
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def close(self) -> None:
        """Stop; what was not sent yet is not asked for."""
        self._background.wait(self._stream.close())

    async def aclose(self) -> None:
        """Do the same, to be awaited."""
        await self._background.run(self._stream.close())


async def _next(stream: Stream) -> "Chunk | None":
    # A StopAsyncIteration cannot cross a future.
    return await anext(stream, None)


def _configuration(strong: str, weak: str, params: Mapping[str, str | None]) -> dict[str, Any]:
    """Return two tiers of one model each; nothing is cached, as with RouteLLM."""
    given = {name: value for name, value in params.items() if value is not None}
    return {
        "model_list": [
            {"model_name": name, "litellm_params": {"model": name, **given}}
            for name in (weak, strong)
        ],
        "tiers": [
            {"name": "weak", "rung": "short", "models": [weak]},
            {"name": "strong", "rung": "long", "models": [strong]},
        ],
        "cache": {"url": "off"},
    }


def _sections(config: Mapping[str, Any], routers: Sequence[str]) -> dict[str, Any]:
    if "tiers" in config:
        raise ValueError("config has tiers: they follow from strong_model and weak_model")
    if foreign := [name for name in config if name in routers]:
        log.warning("config of %s is RouteLLM's own and is passed over", ", ".join(foreign))
    return {name: section for name, section in config.items() if name not in routers}
