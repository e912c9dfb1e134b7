"""``router.cache``: what a client may say about stored answers. Pure."""

import re

CACHE_DIRECTIVES = ("no-store", "no-cache", "only-if-cached", "max-age=<seconds>")

_AGE = re.compile(r"max-age=(\d{1,9})")


def is_directive(text: str) -> bool:
    """Return whether ``text`` is one of the directives."""
    return text in CACHE_DIRECTIVES[:-1] or max_age_s(text) is not None


def max_age_s(directive: str | None) -> int | None:
    """Return how old a stored answer may be, if the directive says so."""
    found = _AGE.fullmatch(directive or "")
    return int(found[1]) if found else None
