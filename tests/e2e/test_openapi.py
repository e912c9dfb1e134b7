"""``/openapi.json`` is the truth about every route, and no request that can be made of it, or against it, breaks the server."""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from jsonschema import Draft202012Validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from router.app import create_app
from router.openapi import OPERATIONS, codes, document
from router.openapi_schemas import ROUTER
from router.settings import Settings, environment
from router.wire.openai_request import _ROUTER_KEYS
from tests.e2e.fuzz import fuzz, is_broken, small_server
from tests.e2e.hostile import some
from tests.e2e.world import Server, ladder

OTHER_PYTHON = "THINKTHRIFT_OPENAI3_PYTHON"
"""Names an interpreter with ``openai>=3``, which cannot be installed beside 2.x."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One with small tiers; none of these tests may reach its last line of defence."""
    with small_server() as server:
        yield server
        assert "Traceback" not in server.said()


def routes(among: Any) -> Iterator[tuple[str, str]]:
    """Yield method and path of every route that is part of the API."""
    for route in among:
        inner = getattr(route, "original_router", None)  # how newer FastAPI keeps included routers
        if inner is not None:
            yield from routes(inner.routes)
        elif route.include_in_schema:
            path = re.sub(r"\{[^}]*\}", "{id}", route.path)
            yield from ((method, path) for method in route.methods - {"HEAD"})


def test_the_document_has_exactly_the_routes_of_the_application() -> None:
    app = create_app(Settings.model_validate(ladder("http://127.0.0.1:9")))
    told = [tuple(operation.route.split()) for operation in OPERATIONS]
    assert sorted(told) == sorted(routes(app.routes))


def test_the_router_object_has_the_keys_that_the_parser_knows() -> None:
    assert tuple(ROUTER) == _ROUTER_KEYS


def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    told = document("1.2.3")
    schemathesis.openapi.from_dict(told).validate()
    for schema in told["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for kind, name in re.findall(r"#/components/(\w+)/([\w-]+)", str(told)):
        assert name in told["components"][kind]


def test_every_code_of_the_contract_is_told_and_no_other() -> None:
    assert codes() == {
        400: ["context_length_exceeded", "invalid_request"],
        401: ["unauthenticated"],
        403: ["forbidden", "tier_not_allowed"],
        404: ["decision_not_found", "model_not_found", "not_cached", "response_not_found"],
        413: ["invalid_request"],
        429: ["budget_exceeded", "rate_limited"],
        500: ["internal"],
        502: ["upstream_error"],
        503: ["classifier_unavailable", "overloaded"],
        504: ["upstream_timeout"],
    }


def test_the_document_is_served(server: Server) -> None:
    got = httpx.get(f"{server.url}/openapi.json", verify=False)
    assert got.json() == document(got.json()["info"]["version"])


def test_generated_requests_get_what_the_document_says(server: Server) -> None:
    """``python -m tests.e2e.fuzz`` sends as many as wanted."""
    found = fuzz(server.url, cases=240)
    assert not found.failures
    for operation in OPERATIONS:
        assert found.sent[operation.route, 200], "or nothing of it was tested"


async def test_hostile_requests_are_refused_or_answered(server: Server) -> None:
    waiting = iter(some(600))
    broken: list[str] = []

    async def send_them(http: httpx.AsyncClient) -> None:
        for path, body, headers in waiting:
            said = await http.post(path, content=body, headers=headers)
            if why := is_broken(said):
                broken.append(f"{why}: {said.text[:300]} <- {path} {headers} {body[:600]!r}")

    async with httpx.AsyncClient(base_url=server.url, verify=False, timeout=30) as http:
        await asyncio.gather(*[send_them(http) for _ in range(8)])
    assert not broken


async def test_a_defect_outside_the_hot_routes_has_the_envelope_too() -> None:
    async def stumble(_: Request) -> Response:
        raise RuntimeError("a secret")

    app = create_app(Settings.model_validate(ladder("http://127.0.0.1:9", cache={"url": "off"})))
    app.router.routes.append(Route("/stumble", stumble))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(base_url="http://proxy", transport=transport) as http,
    ):
        said = await http.get("/stumble")
    assert said.status_code == 500
    assert said.json()["error"]["code"] == "internal"
    assert said.headers["x-request-id"]
    assert "secret" not in said.text


@pytest.mark.parametrize("headers", [{}, {"x-router-dry-run": "false"}])
def test_no_request_makes_the_dry_run_call_an_upstream(
    proxy: Server, headers: dict[str, str]
) -> None:
    asked = {
        "model": "auto",
        "messages": [{"role": "user", "content": "What is 19 * 23?"}],
        "router": {"dry_run": False, "cache": "no-store"},
        "stream": True,
    }
    got = httpx.post(f"{proxy.url}/v1/route", json=asked, headers=headers, verify=False)
    assert got.json()["expected"], "a decision, and no answer"
    assert got.headers["x-router-attempts"] == "0"


def test_the_third_major_version_of_the_official_client_is_content(proxy: Server) -> None:
    python = environment().get(OTHER_PYTHON)
    if python is None:
        pytest.skip(f"{OTHER_PYTHON} names no interpreter with openai>=3")
    check = Path(__file__).with_name("sdk3_check.py")
    done = subprocess.run(
        [python, str(check), proxy.url], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nopenai 3." in done.stdout
