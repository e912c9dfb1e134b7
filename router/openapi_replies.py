"""What replies look like, as JSON Schema for ``/openapi.json``. Pure."""

from .openapi_schemas import (
    AMOUNT,
    COUNT,
    FLAG,
    OBJECT,
    SHARES,
    TEXT,
    Schema,
    integer,
    listed,
    number,
    or_null,
    ref,
    shape,
)

_TOLD = {"id": TEXT, "model": TEXT, "router": ref("RouterReport")}
_USAGE = shape(
    "prompt_tokens completion_tokens total_tokens",
    prompt_tokens=COUNT,
    completion_tokens=COUNT,
    total_tokens=COUNT,
)
_CHOICES = {"created": COUNT, "choices": listed(OBJECT), "usage": _USAGE}
_SCORE = shape(
    "difficulty p_solve thinking_tokens domain language truncated classifier",
    difficulty=number(0, 1),
    p_solve=SHARES,
    thinking_tokens=shape("p50 p90", p50=AMOUNT, p90=AMOUNT),
    domain=SHARES,
    language=TEXT,
    truncated=FLAG,
    classifier=TEXT,
)
_MAYBE_SHARE = or_null(number(0, 1))

REPLIES: dict[str, Schema] = {
    "ChatCompletion": shape(
        "id object created model choices usage router",
        object={"const": "chat.completion"},
        **_TOLD,
        **_CHOICES,
    ),
    "Completion": shape(
        "id object created model choices usage router",
        object={"const": "text_completion"},
        **_TOLD,
        **_CHOICES,
    ),
    "Response": shape(
        "id object created_at model status output",
        object={"const": "response"},
        **_TOLD,
        created_at=COUNT,
        status=TEXT,
        output=listed(OBJECT),
        usage=or_null(OBJECT),
    ),
    "Message": shape(
        "id type role content model usage router",
        type={"const": "message"},
        role={"const": "assistant"},
        **_TOLD,
        content=listed(OBJECT),
        stop_reason=or_null(TEXT),
        usage=OBJECT,
    ),
    "Decision": shape(
        "decision_id tier model strategy n cause reason policy dial difficulty p_solve expected "
        "thinking_budget max_total_tokens score explanation what_if strategies",
        decision_id=TEXT,
        **dict.fromkeys(("tier", "model", "strategy", "cause", "reason", "policy"), TEXT),
        n=integer(1),
        dial=number(0, 1),
        difficulty=_MAYBE_SHARE,
        p_solve=SHARES,
        expected={
            "type": "object",
            "additionalProperties": shape("tokens cost_usd", tokens=AMOUNT, cost_usd=AMOUNT),
        },
        thinking_budget=or_null(COUNT),
        max_total_tokens=or_null(COUNT),
        score=or_null(_SCORE),
        explanation=listed(shape("feature effect", feature=TEXT, effect={"type": "number"})),
        what_if=listed(shape("change tier", change=TEXT, tier=TEXT)),
        strategies=listed(TEXT),
    ),
    "TokenCount": shape("input_tokens estimated", input_tokens=COUNT, estimated=FLAG),
    "Embeddings": shape("data", data=listed(OBJECT), model=TEXT, usage=OBJECT),
    "Verdict": shape("decision_id", decision_id=TEXT, correct=FLAG, rating=number(0, 1)),
    "Deleted": shape(
        "id object deleted", id=TEXT, object={"const": "response"}, deleted={"const": True}
    ),
    "Model": shape("id", id=TEXT, object={"const": "model"}, type={"const": "model"}),
    "ModelList": shape("data", data=listed(ref("Model")), object={"const": "list"}),
    "Live": shape("status", status={"const": "live"}),
    "Ready": shape(
        "status tiers classifier prices",
        status={"const": "ready"},
        tiers=listed(TEXT),
        classifier=TEXT,
        prices=TEXT,
        execution_provider=TEXT,
        inflight=COUNT,
        litellm_loaded=FLAG,
    ),
    "RouterReport": shape(
        "tier model cause strategy stop_reason cost_usd",
        **dict.fromkeys(("tier", "model", "cause", "strategy", "stop_reason"), TEXT),
        **dict.fromkeys(("thinking_tokens", "upstream_tokens", "calls", "samples"), COUNT),
        difficulty=_MAYBE_SHARE,
        p_solve=SHARES,
        thinking_budget=or_null(COUNT),
        agreement=_MAYBE_SHARE,
        cost_usd=AMOUNT,
        baseline_cost_usd=AMOUNT,
        estimated=FLAG,
        unenforced=listed(TEXT),
        propensity=number(0, 1),
    ),
}
