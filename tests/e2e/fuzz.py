"""Generated requests against a real server: whatever comes, no 5xx, and every error in the contract's envelope.

``python -m tests.e2e.fuzz --cases 2000`` sends that many, made of the server's own OpenAPI document: half of them fit it,
half do not. The same seed makes the same requests.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
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


@dataclass(slots=True)
class Found:
    """What came of the requests.

    Attributes:
        sent: Requests, by method, path and status.
        failures: One line each.
    """

    sent: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def take(self, route: str, said: requests.Response, sent: Any) -> None:
        """Judge one response; ``sent`` is its request's body."""
        self.sent[route, said.status_code] += 1
        wrong = ""
        if said.status_code >= 500:
            wrong = "5xx"
        elif said.status_code >= 400 and not is_envelope(said):
            wrong = "no envelope"
        elif (
            said.headers["content-type"].startswith("text/event-stream")
            and b'"error"' in said.content
        ):
            wrong = "error event"
        if wrong:
            self.failures.append(
                f"{route} {said.status_code} {wrong}: {said.text[-300:]!r} <- {sent!r:.800}"
            )


def is_envelope(said: requests.Response) -> bool:
    """Return whether the body is OpenAI's or Anthropic's error."""
    if said.request.method == "HEAD":
        return True
    try:
        body = said.json()
    except ValueError:
        return False
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return False
    if body.get("type") == "error":
        return set(body) == {"type", "error"} and {"type", "message"} <= set(error)
    return set(body) == {"error"} and set(error) == {"message", "type", "param", "code"}


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
        models = [model(upstream, "sim-short"), model(upstream, "sim-long")]
        embedder = {
            "model": "openai/sim-embed",
            "api_base": f"{upstream}/v1",
            "api_key": UPSTREAM_KEY,
        }
        models.append(
            {"model_name": EMBEDDER, "litellm_params": embedder, "price": {"input": 0.02}}
        )
        with serving(configured(models, tiers)) as server:
            yield server


def document_of(url: str) -> dict[str, Any]:
    """Return the server's document, with names that exist in it: made-up ones come to nothing but 404."""
    with httpx.Client(base_url=url, verify=False) as http:
        document: dict[str, Any] = http.get("/openapi.json").json()
        served = [entry["id"] for entry in http.get("/v1/models").json()["data"]]
        kept = http.post("/v1/responses", json={"model": "auto", "input": "Hello"})
    told = document["components"]
    for name, schema in told["schemas"].items():
        if name.endswith("Request") and "model" in schema.get("properties", {}):
            embeds = name.startswith("Embeddings")
            _allow(schema, "model", [each for each in served if (each == EMBEDDER) is embeds])
    tiers = [name.partition(":")[2] for name in served if ":" in name]
    for key in ("tier", "min_tier", "max_tier"):
        _allow(told["schemas"]["Router"], key, [None, *tiers])
        told["parameters"][key]["schema"] = {"enum": tiers}
    response_id, decision_id = kept.json()["id"], kept.headers["x-router-decision-id"]
    _allow(told["schemas"]["ResponsesRequest"], "previous_response_id", [None, response_id])
    for verdict in told["schemas"]["FeedbackRequest"]["oneOf"]:
        _allow(verdict, "decision_id", [decision_id])
    for path, name in (("models", served[0]), ("responses", response_id)):
        for operation in document["paths"][f"/v1/{path}/{{id}}"].values():
            operation["parameters"][0] = operation["parameters"][0] | {
                "schema": {"enum": [name, "x"]}
            }
    return document


def _allow(schema: dict[str, Any], name: str, values: list[Any]) -> None:
    schema["properties"][name] = {"enum": values}


def whole(value: Any) -> Any:
    """Return JSON without numbers such as 2.0, which are integers to JSON Schema and none to most servers."""
    if isinstance(value, dict):
        return {name: whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def fuzz(url: str, cases: int) -> Found:
    """Return what came of about so many requests, shared out over the operations."""
    found = Found()
    schema = schemathesis.openapi.from_dict(document_of(url))
    operations = [result.ok() for result in schema.get_all_operations()]
    speaking = [operation for operation in operations if operation.body]
    each = cases // (2 * len(speaking) + len(operations) - len(speaking)) + 1
    with requests.Session() as session:
        for operation in operations:
            modes = list(GenerationMode) if operation.body else [GenerationMode.POSITIVE]
            for mode in modes:
                _send(operation, mode, each, url, session, found)
    return found


def _send(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    cases: int,
    url: str,
    session: requests.Session,
    found: Found,
) -> None:
    @seed(2026)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE:
            case.body = whole(case.body)
        said = session.request(**case.as_transport_kwargs(url), timeout=LONGEST_S)
        found.take(f"{case.method} {operation.path}", said, case.body)
        try:
            case.validate_response(said, checks=AS_DOCUMENTED)
        except FailureGroup as group:
            found.failures += [f"{case.method} {operation.path}: {why}" for why in group.exceptions]

    send()


def main() -> int:
    """Start a server, send the requests, print what came; 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    with small_server() as server:
        begun = time.monotonic()
        found = fuzz(server.url, parser.parse_args().cases)
        seconds = time.monotonic() - begun
        if "Traceback" in server.said():
            found.failures.append(server.said()[-3000:])
    told = [f"{count:6} {status} {route}" for (route, status), count in sorted(found.sent.items())]
    told.append(f"{found.sent.total()} requests in {seconds:.1f} s, {len(found.failures)} failures")
    sys.stdout.write("\n".join([*told, *found.failures[:20], ""]))
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
