"""The id that every response carries: the client's own, where it sent one that is fit for a header. Pure."""

import re
from collections.abc import Callable, Iterable

_FIT = re.compile(rb"[\x21-\x7e]{1,128}")


def request_ids(
    headers: Iterable[tuple[bytes, bytes]], own: Callable[[], str]
) -> list[tuple[bytes, bytes]]:
    """Return the headers in which OpenAI's and Anthropic's clients look for a request's id.

    Args:
        headers: Of the request.
        own: Our id, for a client that sent none in ``x-request-id``.
    """
    given = next((value for name, value in headers if name == b"x-request-id"), b"")
    value = given if _FIT.fullmatch(given) else own().encode()
    return [(b"x-request-id", value), (b"request-id", value)]
