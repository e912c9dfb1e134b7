"""Regular expressions that cannot hang: which ones a rule may use, and how much text they are shown. Pure.

Python's engine backtracks, so one bad pattern stops a server (F2 of every router's list of attacks: ``(a+)+$``).
Instead of another engine as a dependency, only patterns are let in whose work is bounded: no repeat inside a
repeat, no back-reference, no look-around, and few ways in which the repeats that stand side by side can share the text.
"""

import re

MOST_CHARACTERS = 1_000
"""Of a text that are searched, from its beginning and as many from its end."""

MOST_WAYS = 4_000
"""Ways to share one start's text among the repeats of a pattern. One unbounded repeat has ``MOST_CHARACTERS``.

With as many the worst text takes 30 to 50 ms; an ordinary one takes microseconds.
"""

_TOKEN = re.compile(
    r"""
      (?P<escape>\\.)
    | (?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])
    | (?P<open>\((?:\?(?P<kind>:|P<\w+>|[imsx]+:)|(?P<look>\?))?)
    | (?P<close>\))
    | (?P<repeat>[*+?]|\{(?P<least>\d*)(?P<comma>,?)(?P<most>\d*)\})(?P<lazy>[?+])?
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def safe_pattern(text: str) -> re.Pattern[str]:
    """Return the compiled pattern; it ignores case.

    Raises:
        ValueError: If it is not valid, or could take long on some text; the message says which part.
    """
    try:
        compiled = re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    ways = _ways(text)
    if ways > MOST_WAYS:
        raise ValueError(
            "its repeats can share the text in too many ways; bound them, for example {1,20} in place "
            "of *, or use fewer"
        )
    return compiled


def found(pattern: re.Pattern[str], text: str) -> bool:
    """Return whether the pattern occurs in the beginning or the end of a text."""
    if len(text) <= MOST_CHARACTERS:
        return pattern.search(text) is not None
    parts = text[:MOST_CHARACTERS], text[-MOST_CHARACTERS:]
    return any(pattern.search(part) for part in parts)


def _ways(text: str) -> int:
    """Return an upper bound on the ways one attempt may try: branches add up, what follows multiplies.

    Raises:
        ValueError: For what has no bound, or none that is worth working out.
    """
    groups = [(0, 1)]  # of each open group: ways of the branches before, ways of this branch
    inside = 1  # ways of the group that has just been closed
    for token in _TOKEN.finditer(text):
        before, here = groups[-1]
        closes = token["close"] is not None and len(groups) > 1
        if token["look"] is not None:
            raise ValueError("look-around, conditions and named back-references are not allowed")
        if token["escape"] is not None and token["escape"][1] in "123456789":
            raise ValueError("back-references are not allowed")
        if token["open"] is not None:
            groups.append((0, 1))
        elif closes:
            groups.pop()
            inside = before + here
            before, here = groups[-1]
            groups[-1] = before, here * inside
        elif token["repeat"] is not None:
            if inside > 1 and token["repeat"] != "?":
                raise ValueError("a repeat or a choice inside a repeat is not allowed")
            groups[-1] = before, here * _choices(token)
        elif token["other"] == "|":
            groups[-1] = before + here, 1
        if not closes:
            inside = 1
    return sum(groups[0])


def _choices(token: re.Match[str]) -> int:
    repeat = token["repeat"]
    if repeat == "?":
        return 2
    if repeat in "*+":
        return MOST_CHARACTERS
    least = int(token["least"] or 0)
    if not token["comma"]:
        return 1
    most = int(token["most"]) if token["most"] else MOST_CHARACTERS
    return max(1, most - least + 1)
