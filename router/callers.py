"""Who calls a route that FastAPI serves, and with what; the hot routes see to that themselves."""

from fastapi import Request

from .bootstrap import Runtime
from .endpoint import read_headers
from .errors import BodyTooLargeError
from .identity import Identity


def caller(request: Request) -> tuple[Runtime, Identity]:
    """Return the runtime, and the client.

    Raises:
        UnauthenticatedError: If keys are configured and the client has none of them.
    """
    runtime: Runtime = request.app.state.runtime
    authorization, api_key, _ = read_headers(request.headers.raw)
    return runtime, runtime.keyring.identify(authorization, api_key)


def tenant_of(request: Request) -> str:
    """Return whose data a client may see; raises ApiError."""
    runtime, identity = caller(request)
    return runtime.pipeline.recall.tenants.of(identity.tenant, request.headers.raw)


async def body_of(request: Request) -> bytes:
    """Return a request's body; one over ``limits.max_body_bytes`` is read to its end and not kept."""
    limit = request.app.state.runtime.settings.limits.max_body_bytes
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
    if size > limit:
        raise BodyTooLargeError(f"the body has {size} bytes; limits.max_body_bytes is {limit}")
    return b"".join(parts)
