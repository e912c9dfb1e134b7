"""Addresses as they may be shown: without what they may hide."""

from urllib.parse import urlsplit


def without_credentials(url: str) -> str:
    """Return ``url`` without user, password and query, fit for a log line."""
    scheme, separator, _ = url.partition("://")
    if not separator:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"{scheme}://***"
    host = parts.netloc.rpartition("@")[2]
    return f"{scheme}://{'***@' if '@' in parts.netloc else ''}{host}{parts.path}"
