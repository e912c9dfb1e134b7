"""The simulator as an ASGI application: models, health, statistics and chat completions."""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from random import Random

import orjson
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from loadtest.records import Record
from loadtest.simulator.confidence import with_logprobs
from loadtest.simulator.delivery import Delivery, Pace, Script
from loadtest.simulator.embeddings import MODEL as EMBEDDING_MODEL
from loadtest.simulator.embeddings import embed, parse_embedding_request
from loadtest.simulator.faults import FAULT_HEADER, REFUSALS, Fault, read_faults
from loadtest.simulator.laws import LAWS, OFFSETS
from loadtest.simulator.questions import Question, read_question, recover
from loadtest.simulator.reasoner import Token, limit, speak
from loadtest.simulator.replay import MODELS as REPLAY_MODELS
from loadtest.simulator.replay import Replayer
from loadtest.simulator.request import BadRequestError, ChatRequest, parse_request
from loadtest.simulator.scoring import parse_score_request, score_all
from loadtest.simulator.stats import Stats
from loadtest.simulator.tokens import count_tokens
from loadtest.simulator.wire import CREATED, Bill, Head, error_body

_TOKENS_PER_MESSAGE = 4  # what chat templates add around a message, roughly
_HTML = b"<!doctype html><html><body><h1>Bad gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line decides.

    Attributes:
        seed: Changes every sample.
        records: The replay set; empty for no replay models.
        spread: Samples of a replay model come from all recorded models of its tier in turn.
    """

    seed: int
    pace: Pace
    records: tuple[Record, ...] = ()
    spread: bool = False


class Simulator:
    """One simulated provider; its randomness is a function of what is asked, not of when."""

    def __init__(self, settings: Settings) -> None:
        self.stats = Stats()
        self._settings = settings
        records = list(settings.records)
        self._replayer = Replayer(records, spread=settings.spread) if records else None
        self._nonces = count()
        self._answers = count(1)
        self._failed_once: set[str] = set()

    @property
    def models(self) -> tuple[str, ...]:
        """The served models, without faults."""
        return (*LAWS, *(REPLAY_MODELS if self._replayer else ()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one chat completion; an ASGI application."""
        headers = Headers(scope=scope)
        raw = await Request(scope, receive).body()
        gone = asyncio.Event()
        watcher = asyncio.create_task(_watch(receive, gone))
        try:
            request = parse_request(raw)
            model, faults = read_faults(request.model, headers.get(FAULT_HEADER, ""))
            self._check_model(model)
            self.stats.requests[model] += 1
            if await self._refuse(request, faults, headers, send, gone):
                return
            script = self._script(request, model, faults)
            head = Head(
                f"chatcmpl-{_digest(raw)[:16]}{next(self._answers):08x}",
                request.model,
                request.include_usage,
            )
            delivery = Delivery(script, head, self._settings.pace, self.stats, send, gone)
            await delivery.run(stream=request.stream)
        except BadRequestError as error:
            await self._error(send, error.status, str(error), param=error.param, code=error.code)
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher

    async def score(self, request: Request) -> Response:
        """Answer `POST /score`."""
        try:
            _, faults = read_faults("", request.headers.get(FAULT_HEADER, ""))
            for fault, status in REFUSALS.items():
                if fault in faults:
                    return self._refusal(status, f"simulated {status}", code="simulated")
            asked = parse_score_request(await request.body())
        except BadRequestError as error:
            return self._refusal(error.status, str(error), param=error.param, code=error.code)
        self.stats.scored += len(asked.candidates)
        return _json(score_all(asked, self._settings.seed))

    async def embed(self, request: Request) -> Response:
        """Answer `POST /v1/embeddings`."""
        try:
            asked = parse_embedding_request(await request.body())
            model, faults = read_faults(asked.model, request.headers.get(FAULT_HEADER, ""))
            self._check_model(model, (EMBEDDING_MODEL,))
            self.stats.requests[model] += 1
            for fault, status in REFUSALS.items():
                if fault in faults:
                    return self._refusal(status, f"simulated {status}", code="simulated")
        except BadRequestError as error:
            return self._refusal(error.status, str(error), param=error.param, code=error.code)
        return _json(embed(asked))

    def _check_model(self, model: str, served: Sequence[str] = ()) -> None:
        served = served or self.models
        if model not in served:
            raise BadRequestError(
                f"no model {model!r} here; served are {', '.join(served)}",
                param="model",
                status=404,
                code="model_not_found",
            )

    def _script(self, request: ChatRequest, model: str, faults: frozenset[Fault]) -> Script:
        prompt_tokens = sum(count_tokens(m.text) + _TOKENS_PER_MESSAGE for m in request.messages)
        if model in REPLAY_MODELS and self._replayer:
            return self._replayer.script(request, model, prompt_tokens, faults)
        question = read_question(request)
        if (
            question.problem
            and question.given
            and recover(question.problem, question.given).offset not in (0, *OFFSETS)
        ):
            self.stats.corrupted += 1
        nonce = f"seed {request.seed}" if request.seed is not None else f"draw {next(self._nonces)}"
        choices = tuple(
            self._sample(question, request, model, faults, f"{nonce} {i}") for i in range(request.n)
        )
        bill = Bill(prompt_tokens, details=not faults & {Fault.TAGS, Fault.TAGS_UNOPENED})
        return Script(model, choices, bill, is_bill_fixed=False, faults=faults)

    def _sample(
        self,
        question: Question,
        request: ChatRequest,
        model: str,
        faults: frozenset[Fault],
        nonce: str,
    ) -> Iterator[Token | str]:
        """Yield the tokens of one sample and its finish reason; seeded by content, so that order does not matter."""
        said = orjson.dumps([[message.role, message.text] for message in request.messages])
        rng = Random(_digest(f"{self._settings.seed} {model} {nonce} ".encode() + said))
        tokens = speak(question, request, LAWS[model], rng, faults)
        if request.top_logprobs is not None:
            doubt = Random(_digest(f"{self._settings.seed} {model} {nonce} doubt".encode() + said))
            tokens = with_logprobs(tokens, question, request.top_logprobs, doubt)
        is_boundless = Fault.FOREVER in faults
        max_tokens = None if is_boundless else request.max_tokens
        stops = () if is_boundless or Fault.IGNORE_STOP in faults else request.stop
        yield from limit(tokens, max_tokens, stops)

    async def _refuse(
        self,
        request: ChatRequest,
        faults: frozenset[Fault],
        headers: Headers,
        send: Send,
        gone: asyncio.Event,
    ) -> bool:
        """Carry out the faults that need no answer; returns whether there was one."""
        for fault, status in REFUSALS.items():
            if fault in faults:
                await self._error(send, status, f"simulated {status}", code="simulated")
                return True
        if Fault.FLAKY in faults:
            said = orjson.dumps([[message.role, message.text] for message in request.messages])
            key = headers.get("x-sim-key") or _digest(said)
            if key not in self._failed_once:
                self._failed_once.add(key)
                await self._error(send, 500, "simulated 500, once per key", code="simulated")
                return True
        if faults & {Fault.HTML, Fault.HTML_502}:
            page = Response(_HTML, 502 if Fault.HTML_502 in faults else 200, media_type="text/html")
            await _respond(send, page)
            return True
        if Fault.TIMEOUT in faults:
            self.stats.open += 1
            try:
                await gone.wait()
                self.stats.cancelled[request.model.split("+")[0]] += 1
            finally:
                self.stats.open -= 1
            return True
        return False

    async def _error(
        self, send: Send, status: int, message: str, *, param: str | None = None, code: str
    ) -> None:
        await _respond(send, self._refusal(status, message, param=param, code=code))

    def _refusal(
        self, status: int, message: str, *, param: str | None = None, code: str
    ) -> Response:
        self.stats.refused[str(status)] += 1
        headers = {"retry-after": "1"} if status == 429 else None
        body = error_body(status, message, param=param, code=code)
        return Response(body, status, headers, "application/json")


def create_app(settings: Settings) -> Starlette:
    """Return the application; it owns no file and no socket."""
    simulator = Simulator(settings)

    async def list_models(_: Request) -> Response:
        return _json({"object": "list", "data": [_model_card(name) for name in simulator.models]})

    async def show_model(request: Request) -> Response:
        name = request.path_params["name"]
        if name.split("+")[0] not in simulator.models:
            return Response(
                error_body(404, f"no model {name!r} here", code="model_not_found"),
                404,
                None,
                "application/json",
            )
        return _json(_model_card(name))

    async def health(_: Request) -> Response:
        return _json({"status": "ok"})

    async def stats(_: Request) -> Response:
        return _json(simulator.stats.as_json())

    async def reset(_: Request) -> Response:
        simulator.stats.reset()
        return _json(simulator.stats.as_json())

    return Starlette(
        routes=[
            Route("/v1/chat/completions", simulator, methods=["POST"]),
            Route("/v1/embeddings", simulator.embed, methods=["POST"]),
            Route("/score", simulator.score, methods=["POST"]),
            Route("/v1/models", list_models),
            Route("/v1/models/{name}", show_model),
            Route("/health", health),
            Route("/stats", stats),
            Route("/stats/reset", reset, methods=["POST"]),
        ]
    )


def _model_card(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "thinkthrift-simulator"}


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


async def _respond(send: Send, response: Response) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers,
        }
    )
    await send({"type": "http.response.body", "body": response.body})


async def _watch(receive: Receive, gone: asyncio.Event) -> None:
    """Set `gone` when the client disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()
