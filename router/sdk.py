"""The in-process SDK: the proxy's pipeline as an object, in the shape of the official client.

    async with Router.from_config("thinkthrift.yaml") as router:
        answer = await router.chat.completions.create(model="auto", messages=[...])

Nothing is opened before the ``async with``, and everything is closed at its end, answers that still stream included. It is one client
of its own: the configuration's ``keys`` and ``limits`` are the server's and mean nothing here.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, overload
from weakref import WeakSet

import orjson

from classifier.types import Difficulty
from policies.types import Decision, Query

from .admission import AUTO
from .bootstrap import Runtime, open_runtime
from .errors import InvalidRequestError, RouterError
from .identity import ANYBODY
from .journey import Journey
from .reply import Reply
from .sdk_values import Messages, RouteDecision, Stream, chunks_of, query_of
from .settings import Settings, environment, load_settings, settings_from
from .settings_discovery import discover_settings
from .settings_probe import answers, served_models

if TYPE_CHECKING:
    from .sdk_types import Completion


class Router:
    """Routes queries to models, in this process.

    Args:
        settings: The configuration; ``None`` makes one from the provider keys in the environment, as ``thinkthrift serve`` does.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.chat = Chat(Completions(self))
        self._settings = settings
        self._runtime: Runtime | None = None
        self._opened = AsyncExitStack()
        self._streams: WeakSet[Stream] = WeakSet()

    @classmethod
    def from_config(cls, config: str | Path | Mapping[str, Any]) -> Self:
        """Return a router for a configuration: a YAML file's path, or what would be in it.

        Raises:
            ConfigError: With every problem found, one line each.
        """
        if isinstance(config, Mapping):
            return cls(settings_from(config, environment()))
        return cls(load_settings(Path(config)))

    async def __aenter__(self) -> Self:
        """Open connections and cache.

        Raises:
            ConfigError: If the settings cannot be run, or there are none and no provider was found.
        """
        if self._runtime is not None:
            raise RouterError("this router is open already")
        settings = self._settings
        if settings is None:
            settings = await asyncio.to_thread(_discovered)
        await asyncio.to_thread(import_module, f"{__package__}.sdk_types")
        runtime = open_runtime(settings, environment())
        self._runtime = await self._opened.enter_async_context(runtime)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close what was opened."""
        for stream in list(self._streams):
            await stream.close()
        self._runtime = None
        await self._opened.aclose()

    @property
    def runtime(self) -> Runtime:
        """What is open.

        Raises:
            RouterError: If nothing is.
        """
        if self._runtime is None:
            raise RouterError("this router is not open: use it inside `async with router:`")
        return self._runtime

    async def route(
        self,
        messages: Messages,
        *,
        model: str = AUTO,
        router: Mapping[str, Any] | None = None,
        **body: Any,
    ) -> RouteDecision:
        """Return where a query would go, with the reasons; nobody is called and nothing is kept.

        Args:
            messages: One question, or messages.
            model: ``auto``, ``auto:<tier>``, ``router-<policy>-<dial>`` or a ``model_list`` name.
            router: Wishes; the keys of the body's ``router`` object.
            body: More fields of the request.

        Raises:
            ApiError: If the request is wrong.
        """
        wishes = {**(router or {}), "dry_run": True}
        query = query_of({"model": model, "messages": messages, "router": wishes, **body})
        _, reply = await self.answer(query)
        shown = orjson.loads(reply.body)
        return RouteDecision(**{field.name: shown[field.name] for field in fields(RouteDecision)})

    def decide(self, messages: Messages, *, model: str = AUTO, **body: Any) -> Decision:
        """Return the bare decision, without the time that reasons take; raises ApiError."""
        pipeline = self.runtime.pipeline
        query = query_of({"model": model, "messages": messages, **body})
        return pipeline.decide(pipeline.admit(query))

    def score(self, messages: Messages) -> Difficulty:
        """Return how hard a question is: the classifier's word, before any policy."""
        return self.runtime.scorer.score(query_of({"model": AUTO, "messages": messages}).ask)

    async def feedback(
        self, decision_id: str, *, correct: bool | None = None, rating: float | None = None
    ) -> None:
        """Say whether an answer was right, or how good it was from 0 to 1; the last word counts.

        Raises:
            InvalidRequestError: If neither or both are given, or the rating is out of range.
            DecisionNotFoundError: If no such decision was taken with this configuration.
        """
        said = {"decision_id": decision_id, "correct": correct, "rating": rating}
        await self.runtime.feedback.take(said, ANYBODY.owner)

    async def answer(self, query: Query) -> tuple[Journey, Reply]:
        """Take a query through the pipeline; raises ApiError."""
        runtime = self.runtime
        journey = runtime.pipeline.begin(query, runtime.ids.new(ANYBODY.owner))
        reply = None
        try:
            reply = await runtime.pipeline.answer(journey)
        finally:
            if reply is None or reply.stream is None:
                await journey.settle(runtime.pipeline.pacing, runtime.pipeline.sessions)
        return journey, reply

    async def stream(self, query: Query) -> Stream:
        """Return the stream of an answer that has begun; raises ApiError."""
        journey, reply = await self.answer(query)
        chunks = chunks_of(self.runtime, journey, reply)
        # The first chunk is waited for: until then a failure is raised here, and a stream that has begun can be closed.
        stream = Stream(journey.decision_id, await anext(chunks), chunks)
        self._streams.add(stream)
        return stream


class Completions:
    """``router.chat.completions``."""

    def __init__(self, router: Router) -> None:
        self._router = router

    @overload
    async def create(
        self,
        *,
        messages: Messages,
        model: str = AUTO,
        stream: Literal[False] | None = False,
        router: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **body: Any,
    ) -> "Completion": ...

    @overload
    async def create(
        self,
        *,
        messages: Messages,
        model: str = AUTO,
        stream: Literal[True],
        router: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **body: Any,
    ) -> Stream: ...

    async def create(
        self,
        *,
        messages: Messages,
        model: str = AUTO,
        stream: bool | None = False,
        router: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **body: Any,
    ) -> "Completion | Stream":
        """Return an answer, or with ``stream`` the chunks of one.

        Args:
            messages: As the official client takes them, or one question.
            model: ``auto``, ``auto:<tier>``, ``router-<policy>-<dial>`` or a ``model_list`` name.
            stream: Return the chunks as they come.
            router: Wishes; the keys of the body's ``router`` object.
            extra_body: More fields, as the official client takes them.
            body: Every other field of a chat completion request.

        Raises:
            ApiError: If the request is wrong or cannot be answered; from a stream also between chunks.
        """
        given = {"model": model, "messages": messages, "stream": bool(stream), "router": router}
        query = query_of({**given, **body, **(extra_body or {})})
        if query.dry_run:
            raise InvalidRequestError("a dry run has no answer: use route", param="router.dry_run")
        if query.stream:
            return await self._router.stream(query)
        journey, reply = await self._router.answer(query)
        from .sdk_types import completion_of  # noqa: PLC0415 - loaded when the router was opened

        return completion_of(orjson.loads(reply.body), journey.decision_id)


@dataclass(frozen=True, slots=True)
class Chat:
    """``router.chat``."""

    completions: Completions


def _discovered() -> Settings:
    """Return settings made from the provider keys in the environment; raises ConfigError."""
    found = discover_settings(environment(), probe=answers, served_models=served_models)
    return found.settings
