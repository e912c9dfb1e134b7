"""Asks local servers whether they are there; used once, at a start without a config file."""

import http.client
import json
from collections.abc import Sequence
from urllib.parse import urlsplit

TIMEOUT_S = 0.5
MAX_REPLY_BYTES = 1_000_000


def answers(url: str) -> bool:
    """Return whether a GET of ``url`` gives 200 and JSON within half a second."""
    return _get(url) is not None


def served_models(url: str) -> Sequence[str]:
    """Return the model ids of an OpenAI-compatible ``/v1/models``; none if it does not answer."""
    listing = _get(url)
    entries = listing.get("data") if isinstance(listing, dict) else None
    if not isinstance(entries, list):
        return ()
    found = (entry.get("id") for entry in entries if isinstance(entry, dict))
    return tuple(name for name in found if isinstance(name, str))


def _get(url: str) -> object:
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.netloc.rpartition("@")[2], timeout=TIMEOUT_S)
        try:
            connection.request("GET", parts.path)
            response = connection.getresponse()
            # JSON is asked for because anything may listen on port 8000.
            return (
                json.loads(response.read(MAX_REPLY_BYTES))
                if response.status == http.client.OK
                else None
            )
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException):
        return None
