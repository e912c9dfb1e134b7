"""``/v1/embeddings``: passed through to the model that the request names, and booked. Nothing is routed or cached."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from policies.tokens import BYTES_PER_TOKEN
from policies.types import Tier, Usage

from .admission import AUTO, may_pass_through
from .backends.port import Backend, Embedder
from .bootstrap import Runtime
from .callers import body_of, caller
from .errors import InvalidRequestError, ModelNotFoundError
from .records import OK, on_failure
from .reply import JSON, Told, decision_headers
from .wire.body import read_object
from .wire.openai_answer import read_usage
from .wire.openai_request import REFUSED

CAUSE = "pass_through"

embedding_routes = APIRouter()
"""The one route."""


@embedding_routes.post("/v1/embeddings")
async def embeddings(request: Request) -> Response:
    """Return embeddings as their model gave them."""
    runtime, identity = caller(request)
    pipeline = runtime.pipeline
    begun = pipeline.world.now()
    body = parse_embeddings(await body_of(request))
    tier = _tier(runtime, body["model"])
    may_pass_through(body["model"], identity.tiers, pipeline.routing)
    await runtime.allowances.admit(identity)
    booked = None if pipeline.pacing is None else await pipeline.pacing.reserve(0.0)

    def count(status: str) -> None:
        pipeline.records.requests.add(1, tier.name, CAUSE, status)

    async def use(backend: Backend) -> dict[str, Any]:
        if not isinstance(backend, Embedder):
            raise InvalidRequestError(f"{backend.spec.name} serves no embeddings", param="model")
        return await backend.embed(body, backend.spec.timeout_s or tier.timeout_s)

    with on_failure(count):
        asked_at = pipeline.world.now()
        reached = await pipeline.world.pool.call(tier.models, use)
        waited_s = pipeline.world.now() - asked_at
    count(OK)
    usage = usage_of(reached.value, body)
    cost_usd = tier.price.usd(usage)
    await runtime.allowances.charge(identity, cost_usd)
    if pipeline.pacing is not None and booked is not None:
        await pipeline.pacing.settle(booked, usd=cost_usd, tokens=0)
    pipeline.records.tokens.add(usage.prompt, tier.name, "prompt")
    pipeline.records.cost.add(cost_usd, tier.name)
    overhead_s = pipeline.world.now() - begun - waited_s
    told = Told(pipeline.new_id(), "bypass", overhead_s * 1000, reached.attempts)
    known = {"model": body["model"], "cause": CAUSE, "cost_usd": cost_usd}
    headers = JSON + decision_headers(told, known, cost_known=True)
    named = {name.decode(): value.decode() for name, value in headers}
    return Response(orjson.dumps(reached.value), headers=named)


def parse_embeddings(raw: bytes) -> dict[str, Any]:
    """Return the body of a request for embeddings.

    Raises:
        InvalidRequestError: Naming the field and what it must be.
    """
    body = read_object(raw)
    if refused := {*REFUSED, "router"}.intersection(body):
        name = min(refused)
        raise InvalidRequestError(f"{name} is not accepted in a request", param=name)
    if not isinstance(body.get("model"), str):
        raise InvalidRequestError("model must be a string", param="model")
    if not isinstance(body.get("input"), str | list) or not body["input"]:
        raise InvalidRequestError(
            "input must be a text, a list of texts, or token numbers", param="input"
        )
    return body


def usage_of(reply: Mapping[str, Any], body: Mapping[str, Any]) -> Usage:
    """Return what a reply says was used, or an estimate where it says nothing."""
    if reply.get("usage"):
        return read_usage(reply["usage"])
    size = len(orjson.dumps(body["input"]))
    return Usage(prompt=size // BYTES_PER_TOKEN + 1, estimated=True)


def _tier(runtime: Runtime, name: str) -> Tier:
    """Return the tier that stands for a model of ``model_list``."""
    models = runtime.pipeline.models
    if name in models:
        return models[name]
    served = ", ".join(models)
    if name == AUTO or name.startswith((f"{AUTO}:", "router-")):
        raise InvalidRequestError(
            f"embeddings are not routed: vectors of different models do not compare. Name a model: {served}",
            param="model",
        )
    raise ModelNotFoundError(f"no model {name!r} here. Served: {served}", param="model")
