"""``/v1/responses``: what a response needs beyond its translation: an id, the conversation before it, and a place in the store."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any

import orjson
from fastapi import APIRouter, Request

from policies.types import Query

from .bootstrap import Runtime
from .cache.keys import PREFIX, tenant_tag
from .cache.store import NullStore, Store
from .callers import tenant_of
from .errors import InvalidRequestError, OverloadedError, ResponseNotFoundError
from .surface import Renderer, Surface
from .wire.responses_answer import ResponseHead
from .wire.responses_items import messages_of
from .wire.responses_request import parse_responses
from .wire.responses_stream import ResponsesRenderer

_wall = time.time  # noqa: TID251 - the edge: clients are told when a response was made

SHELF_BYTES = 64 * 1024 * 1024
"""What a process keeps by itself where there is no cache to keep it in; the oldest goes first."""

Conversation = dict[str, Any]
"""A kept response: ``response`` as the client got it, ``messages`` of the chat up to and with its answer."""


class History:
    """Responses that a later request may go on from, each under a keyed hash of its tenant and its id.

    Args:
        store: The cache; where that is off, this process keeps them by itself.
        secret: Keys the hashes.
        ttl_s: Seconds a response is kept.
        now: Monotonic seconds.
    """

    def __init__(
        self, store: Store, secret: bytes, ttl_s: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._secret = secret
        self._ttl_s = ttl_s
        self._now = now
        self._own = isinstance(store, NullStore)
        self._shelf: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._shelved_bytes = 0

    async def find(self, tenant: str, response_id: str) -> Conversation:
        """Return a kept response.

        Raises:
            ResponseNotFoundError: If there is none for this tenant.
            OverloadedError: If the store does not answer, so that nobody can say.
        """
        key = self._key(tenant, response_id)
        raw = self._taken(key) if self._own else await self._store.get(key)
        if raw is None:
            await self._must_answer()
            raise _missing(response_id)
        found: Conversation = orjson.loads(raw)
        return found

    async def keep(self, tenant: str, conversation: Conversation) -> None:
        """Keep a response, if it is not too large and the store takes it."""
        key = self._key(tenant, conversation["response"]["id"])
        raw = orjson.dumps(conversation)
        if not self._own:
            await self._store.put(key, raw, self._ttl_s)
            return
        self._shelf[key] = (self._now() + self._ttl_s, raw)
        self._shelved_bytes += len(raw)
        while self._shelved_bytes > SHELF_BYTES:
            _, (_, oldest) = self._shelf.popitem(last=False)
            self._shelved_bytes -= len(oldest)

    async def forget(self, tenant: str, response_id: str) -> None:
        """Remove a kept response.

        Raises:
            ResponseNotFoundError: If there is none for this tenant.
            OverloadedError: If the store does not answer.
        """
        key = self._key(tenant, response_id)
        if self._own:
            gone = self._taken(key) is not None
            self._drop(key)
        else:
            gone = bool(await self._store.run(lambda client: client.delete(key)))
        if not gone:
            await self._must_answer()
            raise _missing(response_id)

    async def _must_answer(self) -> None:
        if not self._own and not await self._store.ready():
            raise OverloadedError(
                "the store of responses does not answer; try again later", retry_after_s=1.0
            )

    def _taken(self, key: str) -> bytes | None:
        until, raw = self._shelf.get(key, (0.0, None))
        if raw is not None and self._now() >= until:
            self._drop(key)
            return None
        return raw

    def _drop(self, key: str) -> None:
        _, raw = self._shelf.pop(key, (0.0, b""))
        self._shelved_bytes -= len(raw)

    def _key(self, tenant: str, response_id: str) -> str:
        name = response_id.encode("utf-8", "surrogatepass")
        digest = blake2b(name, digest_size=32, key=self._secret[:64], person=b"tt-response")
        return f"{PREFIX}:{{{tenant_tag(self._secret, tenant)}.{digest.hexdigest()}}}:response"


def _missing(response_id: str) -> ResponseNotFoundError:
    return ResponseNotFoundError(
        f"no response {response_id!r} is kept here: it has expired, was sent with store: false, was too large to "
        "keep, or belongs to another key"
    )


@dataclass(slots=True)
class Turn:
    """One request on its way in and out.

    Attributes:
        head: What all stages of its response share.
        history: Where it is kept.
        tenant: Whose it is.
        earlier: The conversation before it.
        final: The response at its end; ``None`` before.
    """

    head: ResponseHead
    history: History
    tenant: str
    earlier: Sequence[Mapping[str, Any]] = ()
    final: dict[str, Any] | None = None
    _stream: ResponsesRenderer | None = None
    _kept: bool = field(default=False)

    def surface(self) -> Surface:
        """Return how this very request is read and answered."""
        return Surface(
            parse=partial(parse_responses, earlier=self.earlier),
            render=self._render,
            renderer=self._renderer,
            keep=self._keep,
        )

    def _render(self, completion: dict[str, Any], _: Query) -> dict[str, Any]:
        self.final = self.head.render(completion)
        return self.final

    def _renderer(self, query: Query) -> Renderer:
        if self._stream is None:  # an error in the middle of a stream goes on with its numbers
            self._stream = ResponsesRenderer(self.head, query.model)
        return self._stream

    async def _keep(self) -> None:
        """Keep the response once it is whole."""
        final = self.final or (None if self._stream is None else self._stream.final)
        asked = self.head.asked
        if final is None or self._kept or asked.get("store") is False:
            return
        self._kept = True
        said = [*messages_of(asked.get("input", "")), *messages_of(final["output"])]
        messages = [*self.earlier, *said]
        await self.history.keep(self.tenant, {"response": final, "messages": messages})


def open_history(runtime: Runtime) -> History:
    """Return where this server keeps responses."""
    ttl_s = runtime.settings.cache.responses_ttl_s
    return History(runtime.store, runtime.pipeline.recall.secret, ttl_s)


def responses_surface(history: History) -> Surface:
    """Return the Responses API; ``history`` is where its responses are kept."""

    async def begin(body: Any, tenant: str) -> Surface:
        asked = body if isinstance(body, dict) else {}
        previous = asked.get("previous_response_id")
        earlier: Sequence[Mapping[str, Any]] = ()
        if isinstance(previous, str):
            earlier = (await history.find(tenant, previous))["messages"]
        elif previous is not None:
            raise InvalidRequestError(
                "previous_response_id must be a string", param="previous_response_id"
            )
        head = ResponseHead(secrets.token_hex(12), int(_wall()), asked)
        return Turn(head, history, tenant, earlier).surface()

    return Surface(begin=begin)


response_routes = APIRouter(prefix="/v1/responses")
"""What may be asked of a kept response."""


@response_routes.get("/{name}")
async def show(name: str, request: Request) -> dict[str, Any]:
    """Return a kept response."""
    history: History = request.app.state.history
    found: dict[str, Any] = (await history.find(tenant_of(request), name))["response"]
    return found


@response_routes.delete("/{name}")
async def forget(name: str, request: Request) -> dict[str, Any]:
    """Keep a response no longer."""
    history: History = request.app.state.history
    await history.forget(tenant_of(request), name)
    return {"id": name, "object": "response", "deleted": True}
