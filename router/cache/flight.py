"""One answer in the making that several requests wait for: what its leader has said, and how it ended."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from router.errors import ApiError, UpstreamError
from router.reply import Reply
from router.wire.sse import comment

from .leases import DONE, FAILED, GONE, Lease
from .values import decode, encode

MOST_FAILURES = 1
"""Leaders that may fail by other than the caller's mistake before the failure is everybody's."""

WAITING = comment("waiting for the same question")

OURS_TO_SHARE = 500
"""A status below it is the same for everybody who asks the same."""


@dataclass(eq=False, slots=True)
class Flight:
    """What followers see of a leader, here or on another machine.

    Attributes:
        record: The key of its record.
        round: Leaders that have failed before this one.
        lease: Who leads; ``None`` before that is known, and without a server.
        parts: What the leader's client is sent, or the part of it that a leader elsewhere told us.
        outlook: The ``router`` object as it was when the stream began.
        final: Completion and ``router`` object of the whole answer.
        final_at: How many of ``parts`` came before that.
        error: Why there is none.
        state: How it ended; empty while it is open.
        seats: Followers in this process.
        wanted: There are followers elsewhere.
        reply: What the leader's client gets.
        pump: The leader's work.
    """

    record: str
    round: int = 0
    lease: Lease | None = None
    parts: list[bytes] = field(default_factory=list)
    outlook: Mapping[str, Any] | None = None
    final: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None
    final_at: int = 0
    error: BaseException | None = None
    state: str = ""
    seats: int = 0
    wanted: bool = False
    reply: Reply | None = None
    pump: "asyncio.Task[None] | None" = None
    telling: asyncio.Lock = field(default_factory=asyncio.Lock)
    _told: int = 0
    _outlook_told: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    HEAD: ClassVar[bytes] = b"h"
    DATA: ClassVar[bytes] = b"d"
    END: ClassVar[bytes] = b"e"
    ERROR: ClassVar[bytes] = b"x"

    @property
    def over(self) -> bool:
        """Followers have nothing more to wait for."""
        return self.final is not None or bool(self.state)

    @property
    def token(self) -> str:
        """The leader's token; empty if it is not known."""
        return "" if self.lease is None else self.lease.token

    @property
    def verdict(self) -> ApiError | None:
        """The error that is every follower's as well; ``None`` if one of them should try."""
        if not isinstance(self.error, ApiError):
            return None
        shared = self.error.status < OURS_TO_SHARE or self.round >= MOST_FAILURES
        return _copy(self.error) if shared else None

    def say(self) -> None:
        """Wake everybody who waits for news."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def news(self, within_s: float | None = None) -> None:
        """Wait until something has changed."""
        with suppress(TimeoutError):
            # Not `wait_for`: up to Python 3.11 it loses a cancellation that comes together with the news.
            async with asyncio.timeout(within_s):
                await self._news.wait()

    def land(self, completion: Mapping[str, Any], router: Mapping[str, Any]) -> None:
        """Hand the whole answer to the followers."""
        self.final, self.final_at = (completion, router), len(self.parts)
        self.say()

    async def live(self, every_s: float) -> AsyncGenerator[bytes, None]:
        """Yield what the leader says until the flight is over, and a comment when it is silent."""
        at = 0
        while True:
            until = self.final_at if self.final is not None else len(self.parts)
            if at < until:
                yield b"".join(self.parts[at:until])
                at = until
            elif self.over:
                return
            else:
                waited_for = self._news
                await self.news(every_s)
                if not waited_for.is_set():
                    yield WAITING

    def unsaid(self) -> list[bytes]:
        """Return, once, what followers elsewhere have not been told yet."""
        until = self.final_at if self.final is not None else len(self.parts)
        said: list[bytes] = []
        if self.outlook is not None and not self._outlook_told:
            self._outlook_told = True
            said.append(self.HEAD + orjson.dumps(self.outlook))
        if self._told < until:
            said.append(self.DATA + b"".join(self.parts[self._told : until]))
            self._told = until
        return said

    def ending(self) -> tuple[str, list[bytes]]:
        """Return the state and the last part for followers elsewhere."""
        if self.final is not None:
            whole = orjson.dumps(self.final, default=str)
            return DONE, [self.END + encode(whole)]
        if isinstance(self.error, ApiError):
            return FAILED, [self.ERROR + orjson.dumps(_as_json(self.error))]
        return FAILED, []

    def hear(self, part: bytes) -> None:
        """Take a part from a leader elsewhere; one that cannot be read loses the flight."""
        kind, rest = part[:1], part[1:]
        try:
            if kind == self.HEAD:
                self.outlook = orjson.loads(rest)
            elif kind == self.DATA:
                self.parts.append(rest)
            elif kind == self.END:
                completion, router = orjson.loads(decode(rest) or b"")
                self.land(completion, router)
            elif kind == self.ERROR:
                self.error, self.state = _from_json(orjson.loads(rest)), FAILED
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            self.state = GONE
        self.say()

    def lose(self, state: str = GONE) -> None:
        """End the flight without an answer, unless it has ended."""
        if not self.over:
            self.state = state
            self.say()


def _as_json(error: ApiError) -> dict[str, Any]:
    return {
        "code": error.code,
        "status": error.status,
        "message": str(error),
        "param": error.param,
        "retry_after_s": error.retry_after_s,
    }


def _from_json(told: Mapping[str, Any]) -> ApiError:
    """Return the error that another process had."""
    kinds = [kind for kind in _kinds(ApiError) if kind.code == told["code"]]
    # Two kinds of error share a code and differ in status: the more general one comes first.
    exact = [kind for kind in kinds if kind.status == told["status"]]
    kind = (exact or kinds or [UpstreamError])[0]
    error = kind(told["message"], param=told["param"], retry_after_s=told["retry_after_s"])
    error.status, error.final = told["status"], True
    return error


def _copy(error: ApiError) -> ApiError:
    # An exception that is raised in many tasks collects all of their tracebacks.
    return _from_json(_as_json(error))


def _kinds(kind: type[ApiError]) -> Sequence[type[ApiError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in _kinds(child))]
