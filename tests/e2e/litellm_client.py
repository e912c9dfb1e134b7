"""litellm's SDK as a client: a program of its own, because it leaves connections open. Prints one JSON line per answer."""

import json
import sys
from typing import Any

import litellm
import openai

SUM = [{"role": "user", "content": "What is 17 * 24 - 9?"}]
WEATHER = [{"role": "user", "content": "What is the weather in Paris and Rome?"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}


def said(url: str, name: str) -> dict[str, Any]:
    """Return what a model answers plain, streamed and with a tool at hand."""
    given: dict[str, Any] = {
        "model": name, "api_base": url, "api_key": "k", "max_tokens": 4000, "max_retries": 0,
        # With tools it imports a gateway that needs a package which litellm does not depend on.
        "_skip_mcp_handler": True,
    }  # fmt: skip
    plain = litellm.completion(**given, messages=SUM).choices[0]
    parts = list(litellm.completion(**given, messages=SUM, stream=True))
    called = litellm.completion(**given, messages=WEATHER, tools=[TOOL]).choices[0]
    return {
        "plain": [plain.finish_reason, plain.message.content],
        "streamed": "".join(part.choices[0].delta.content or "" for part in parts),
        "called": called.finish_reason,
        "arguments": [json.loads(c.function.arguments) for c in called.message.tool_calls],
    }


def refused(url: str, name: str, **fields: Any) -> str:
    """Return the class of what is raised."""
    given: dict[str, Any] = {"model": name, "api_base": url, "api_key": "k", "max_retries": 0}
    try:
        litellm.completion(**given, messages=SUM, **fields)
    except openai.APIStatusError as error:  # the root of litellm's
        return type(error).__name__
    return "nothing"


if __name__ == "__main__":
    litellm.suppress_debug_info = True
    url = sys.argv[1]
    told = [
        said(f"{url}/v1", "openai/auto:long"),
        said(url, "anthropic/auto:long"),
        refused(f"{url}/v1", "openai/nobody"),
        refused(f"{url}/v1", "openai/auto", extra_body={"router": {"n": 0}}),
    ]
    sys.stdout.write("\n".join(map(json.dumps, told)))
