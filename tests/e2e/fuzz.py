"""Requests made of the server's own OpenAPI document: no 5xx, and everything as the document says.

``python -m tests.e2e.fuzz --cases 2000`` sends at least that many to the routes that take a body: half of them fit the
document, half do not. The same number makes the same requests.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from tests.e2e.world import UPSTREAM_KEY, Server, configured, model, serving
from tests.loadtest.simulated import simulator

AS_DOCUMENTED = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]

EMBEDDER = "sim-embed"

LONGEST_S = 20.0
"""No request may take longer."""

_FAILED = re.compile(rb'^(event: (error|response\.failed)|data: \{"error")', re.MULTILINE)
"""How a stream says that it failed."""


@dataclass(slots=True)
class Found:
    """What came of the requests.

    Attributes:
        sent: How many, by route and status.
        failures: One text each.
    """

    sent: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def is_broken(said: httpx.Response) -> str:
    """Return what is wrong with a response, whatever was asked; nothing is the empty text."""
    if said.status_code >= 500:
        return f"{said.status_code}"
    if said.status_code >= 400:
        return "" if _is_envelope(said) else f"{said.status_code} without the envelope"
    return "a failure in the stream" if _FAILED.search(said.content) else ""


def _is_envelope(said: httpx.Response) -> bool:
    """Return whether the body is OpenAI's or Anthropic's error."""
    if said.headers["content-type"] != "application/json":
        return False
    body = said.json()
    if body.get("type") == "error":
        return set(body) == {"type", "error"} and {"type", "message"} <= set(body["error"])
    return set(body) == {"error"} and set(body["error"]) == {"message", "type", "param", "code"}


@contextmanager
def small_server() -> Iterator[Server]:
    """Yield a proxy in front of a simulator, with tiers too small to keep anybody waiting."""
    with simulator("--no-delay") as upstream:
        tiers: list[dict[str, Any]] = [
            {"name": "short", "models": ["sim-short"], "thinking": "off", "max_output_tokens": 64},
            {
                "name": "long", "models": ["sim-long"], "thinking": "on", "max_thinking_tokens": 64,
                "max_total_tokens": 1000, "search": {"strategy": "vote", "n": 2},
            },
        ]  # fmt: skip
        params = {
            "model": f"openai/{EMBEDDER}",
            "api_base": f"{upstream}/v1",
            "api_key": UPSTREAM_KEY,
        }
        embedder = {"model_name": EMBEDDER, "litellm_params": params, "price": {"input": 0.02}}
        models = [model(upstream, "sim-short"), model(upstream, "sim-long"), embedder]
        with serving(configured(models, tiers)) as server:
            yield server


def document_of(url: str) -> dict[str, Any]:
    """Return the server's document with the names that exist there: made-up ones come to nothing but 404."""
    with httpx.Client(base_url=url, verify=False) as http:
        document: dict[str, Any] = http.get("/openapi.json").json()
        served = [entry["id"] for entry in http.get("/v1/models").json()["data"]]
        kept = http.post("/v1/responses", json={"model": "auto", "input": "Hello"})
    schemas, parameters = (document["components"][kind] for kind in ("schemas", "parameters"))
    for name, schema in schemas.items():
        if name.endswith("Request") and "model" in schema.get("properties", {}):
            embeds = name.startswith("Embeddings")
            _allow(schema, "model", [each for each in served if (each == EMBEDDER) is embeds])
    tiers = [name.partition(":")[2] for name in served if ":" in name]
    for key in ("tier", "min_tier", "max_tier"):
        _allow(schemas["Router"], key, [None, *tiers])
        parameters[key]["schema"] = {"enum": tiers}
    response_id, decision_id = kept.json()["id"], kept.headers["x-router-decision-id"]
    _allow(schemas["ResponsesRequest"], "previous_response_id", [None, response_id])
    for verdict in schemas["FeedbackRequest"]["oneOf"]:
        _allow(verdict, "decision_id", [decision_id])
    for path, known in (("models", served[0]), ("responses", response_id)):
        for operation in document["paths"][f"/v1/{path}/{{id}}"].values():
            operation["parameters"][0]["schema"] = {"enum": [known, "unknown"]}
    return document


def _allow(schema: dict[str, Any], name: str, values: list[Any]) -> None:
    schema["properties"][name] = {"enum": values}


def whole(value: Any) -> Any:
    """Return JSON without numbers such as 2.0: integers to JSON Schema, and to no server that parses them."""
    if isinstance(value, dict):
        return {name: whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def fuzz(url: str, cases: int) -> Found:
    """Return what came of so many requests, shared out over the routes that take a body, and some to the others."""
    found = Found()
    schema = schemathesis.openapi.from_dict(document_of(url))
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    speaking = sum(bool(operation.body) for operation in operations)
    each = ceil(cases / (speaking * len(GenerationMode)))
    with httpx.Client(verify=False, timeout=LONGEST_S) as http:
        for operation in operations:
            for mode in GenerationMode if operation.body else [GenerationMode.POSITIVE]:
                _send(operation, mode, each, url, http, found)
    return found


def _send(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    cases: int,
    url: str,
    http: httpx.Client,
    found: Found,
) -> None:
    route = f"{operation.method.upper()} {operation.path}"

    @seed(2026)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case[Any]) -> None:
        if mode is GenerationMode.POSITIVE:
            case.body = whole(case.body)
        said = http.request(**_as_sent(case, url))
        found.sent[route, said.status_code] += 1
        if why := is_broken(said):
            found.failures.append(f"{route} {why}: {said.text[-300:]} <- {case.body!r:.800}")
        try:
            case.validate_response(said, checks=AS_DOCUMENTED)
        except FailureGroup as group:
            found.failures += [f"{route}: {why}" for why in group.exceptions]

    send()


def _as_sent(case: schemathesis.Case[Any], url: str) -> dict[str, Any]:
    """Return a request in the words of httpx; the generator has those of requests."""
    asked = case.as_transport_kwargs(url)
    same = ("method", "url", "headers", "params", "json")
    return {name: asked.get(name) for name in same} | {"content": asked.get("data")}


def main() -> int:
    """Start a server, send the requests, print what came; 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    cases = parser.parse_args().cases
    with small_server() as server:
        begun = time.monotonic()
        found = fuzz(server.url, cases)
        seconds = time.monotonic() - begun
        if "Traceback" in server.said():
            found.failures.append(server.said()[-3000:])
    told = [f"{count:6} {status} {route}" for (route, status), count in sorted(found.sent.items())]
    told.append(f"{found.sent.total()} requests in {seconds:.1f} s, {len(found.failures)} failures")
    sys.stdout.write("\n".join([*told, *found.failures[:20], ""]))
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
