"""The hot route as plain ASGI: a body in, a reply out, and every error in the contract's envelope.

It takes no decision. A client that disconnects cancels its request, and with it every upstream call
it caused; what those calls cost is charged to its key all the same.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from .bootstrap import Runtime
from .errors import (
    ApiError,
    BodyTooLargeError,
    InternalError,
    OverloadedError,
)
from .identity import ANYBODY, Identity
from .journey import Journey
from .pulse import Pulse
from .reply import Reply, error_reply
from .request_ids import request_ids
from .settings import LimitsSettings
from .surface import CHAT, Surface
from .wire.body import read_json

log = logging.getLogger("thinkthrift")

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_OVERRIDE = b"x-router-"

WATCH_AFTER_S = 0.05
"""When to begin to look whether the client is still there: most requests that end sooner need no look."""


SILENCE_S = 15.0
"""How long a stream may be silent before it gets a sign of life; a slow model may think unseen."""


@dataclass(slots=True)
class Load:
    """Requests being answered now, over all the routes that share it."""

    inflight: int = 0


class Endpoint:
    """A ``POST`` route of one API; with ``dry`` it only decides.

    Attributes:
        surface: How the API speaks.
        runtime: Set when the application has started.
        load: Requests being answered now.
    """

    runtime: Runtime

    def __init__(
        self,
        limits: LimitsSettings,
        surface: Surface = CHAT,
        *,
        dry: bool = False,
        load: Load | None = None,
    ) -> None:
        self.load = load or Load()
        self.surface = surface
        self.limits = limits
        self.dry = dry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.load.inflight += 1
        try:
            await Exchange(self, scope, receive, send).run()
        finally:
            self.load.inflight -= 1


class Exchange:
    """One request and its reply."""

    def __init__(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        self._endpoint = endpoint
        self._runtime = endpoint.runtime
        self._scope = scope
        self._receive = receive
        self._send = send
        self._identity: Identity = ANYBODY
        self._journey: Journey | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._gone = False
        self._started = False
        self._surface = endpoint.surface

    async def run(self) -> None:
        """Read, answer, send; whatever happens, charge what was spent."""
        handler = asyncio.current_task()
        assert handler is not None, "ASGI servers run requests in tasks"
        try:
            await self._exchange(handler)
        except asyncio.CancelledError:
            if not self._gone:
                raise
            handler.uncancel()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            if self._watcher is not None:
                self._watcher.cancel()
            if self._journey is not None:
                await self._runtime.allowances.charge(self._identity, self._journey.cost_usd)
                pipeline = self._runtime.pipeline
                await self._journey.settle(pipeline.pacing, pipeline.sessions)

    async def _exchange(self, handler: "asyncio.Task[Any]") -> None:
        try:
            raw = await self._read()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(WATCH_AFTER_S, self._begin_watch, handler)
            await self._deliver(await self._answer(raw))
        except ApiError as error:
            await self._fail(error)
        except Exception:  # the edge of the process: one request fails, the server lives
            log.exception("a defect while answering %s", self._scope["path"])
            await self._fail(InternalError("a defect of ours; the log has it"))

    async def _answer(self, raw: bytes) -> Reply:
        endpoint = self._endpoint
        if endpoint.load.inflight > endpoint.limits.max_inflight:
            raise OverloadedError(
                f"{endpoint.load.inflight} requests are in flight; limits.max_inflight is "
                f"{endpoint.limits.max_inflight}",
                retry_after_s=1.0,
            )
        authorization, api_key, overrides = read_headers(self._scope["headers"])
        self._identity = identity = self._runtime.keyring.identify(authorization, api_key)
        body = read_json(raw)
        tenants = self._runtime.pipeline.recall.tenants
        tenant = tenants.of(identity.tenant, self._scope["headers"])
        if self._surface.begin is not None:
            self._surface = await self._surface.begin(body, tenant)
        query = self._surface.parse(body, overrides, tenant=tenant, tiers=identity.tiers)
        if endpoint.dry:
            query = replace(query, dry_run=True)
        if not query.dry_run:
            await self._runtime.allowances.admit(identity)
        decision_id = self._runtime.ids.new(identity.owner)
        self._journey = self._runtime.pipeline.begin(query, decision_id)
        reply = await self._runtime.pipeline.answer(self._journey)
        return await self._surface.kept(self._surface.translate(reply, query))

    async def _read(self) -> bytes:
        """Return the body; one over the limit is read to its end and not kept."""
        limit = self._endpoint.limits.max_body_bytes
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._gone = True
                raise asyncio.CancelledError
            part = message.get("body", b"")
            size += len(part)
            if size <= limit:
                parts.append(part)
            more = message.get("more_body", False)
        if size > limit:
            raise BodyTooLargeError(f"the body has {size} bytes; limits.max_body_bytes is {limit}")
        return b"".join(parts)

    def _begin_watch(self, handler: "asyncio.Task[Any]") -> None:
        self._watcher = asyncio.create_task(self._watch(handler))

    async def _watch(self, handler: "asyncio.Task[Any]") -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        handler.cancel()

    async def _deliver(self, reply: Reply) -> None:
        if reply.stream is None:
            length = (b"content-length", b"%d" % len(reply.body))
            await self._begin(reply, length)
            await self._send({"type": "http.response.body", "body": reply.body})
            return
        async with aclosing(reply.stream) as stream:
            # The status waits for the first part: until then a failure still has one of its own.
            part = await anext(stream, None)
            await self._begin(reply)
            pulse = Pulse(self._live, SILENCE_S)
            try:
                while part is not None:
                    await self._send_part(part)
                    pulse.beat()
                    part = await anext(stream, None)
            finally:
                pulse.stop()
        await self._send({"type": "http.response.body", "body": b""})

    async def _send_part(self, part: bytes) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def _live(self) -> None:
        assert self._journey is not None, "what streams is under way"
        await self._send_part(self._endpoint.surface.sign_of_life(self._journey.query))

    async def _begin(self, reply: Reply, *more: tuple[bytes, bytes]) -> None:
        self._started = True
        headers = [*reply.headers, *more, *request_ids(self._scope["headers"], self._own_id)]
        await self._send(
            {"type": "http.response.start", "status": reply.status, "headers": headers}
        )

    def _own_id(self) -> str:
        journey = self._journey
        return self._runtime.pipeline.new_id() if journey is None else journey.decision_id

    async def _fail(self, error: ApiError) -> None:
        """Send an error: as a reply, or as an event once the status is out."""
        surface = self._surface
        if not self._started:
            journey = self._journey
            known = [] if journey is None else self._runtime.pipeline.headers(journey, failed=error)
            await self._deliver(error_reply(error, known, surface.error(error)))
            return
        query = None if self._journey is None else self._journey.query
        event = surface.error_event(error, query)
        await self._send({"type": "http.response.body", "body": event})


def read_headers(headers: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes, dict[str, str]]:
    """Return the ``authorization`` and ``x-api-key`` headers and the ``x-router-*`` overrides, ``x-session-id`` among them.

    Overrides keep their name behind the prefix, with underscores; what is no override of the contract
    is ignored later.
    """
    authorization = api_key = b""
    overrides: dict[str, str] = {}
    for name, value in headers:
        if name == b"authorization":
            authorization = value
        elif name == b"x-api-key":
            api_key = value
        elif name == b"x-session-id":
            overrides["session_id"] = value.decode("latin-1")
        elif name.startswith(_OVERRIDE):
            key = name[len(_OVERRIDE) :].decode("latin-1").replace("-", "_")
            overrides[key] = value.decode("latin-1")
    return authorization, api_key, overrides
