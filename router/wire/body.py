"""The body of a request: JSON, or a refusal that says where it is none. Pure."""

from typing import Any

import orjson

from router.errors import InvalidRequestError


def read_json(raw: bytes) -> Any:
    """Return a body as JSON.

    Raises:
        InvalidRequestError: If it is none.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"the body is not valid JSON: {error}") from error


def read_object(raw: bytes) -> dict[str, Any]:
    """Return a body as a JSON object.

    Raises:
        InvalidRequestError: If it is none.
    """
    body = read_json(raw)
    if not isinstance(body, dict):
        raise InvalidRequestError("the body must be a JSON object")
    return body
