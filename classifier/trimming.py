"""Leaves out lines of marks at the ends of a text: a rule above an ask says nothing of it."""

MOST_LINES = 60
"""Lines left out at either end at most, so that a megabyte of rules costs no time."""

_FEWEST = 3
_FENCES = "`\"'"  # they open and close code, which does say something


def without_rules(text: str) -> str:
    """Return the text without such lines as "=====" or "* * *" before its first and after its last other line.

    A rule is one mark, three times or more; blank lines between rules go with them. A text that holds
    nothing else is returned as it is.
    """
    if "\n" not in text:
        return text
    start, end = 0, len(text)
    for _ in range(MOST_LINES):
        stop = text.find("\n", start)
        if not _says_nothing(text[start : end if stop < 0 else stop]):
            break
        if stop < 0:
            return text
        start = stop + 1
    for _ in range(MOST_LINES):
        before = text.rfind("\n", start, end)
        if before < 0 or not _says_nothing(text[before + 1 : end]):
            break
        end = before
    return text[start:end]


def _says_nothing(line: str) -> bool:
    """Return whether a line is blank or a rule."""
    line = line.strip()
    mark = line[:1]
    if not mark or mark.isalnum() or mark in _FENCES:
        return not mark
    marks = line.count(mark)  # counting a megabyte takes a quarter of the time that stripping does
    return marks >= _FEWEST and marks + line.count(" ") + line.count("\t") == len(line)
