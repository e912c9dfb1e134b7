"""Whether reasoning has degenerated into repeating itself. Pure: a tail of text in, a verdict out."""

PROBE_CHARS = 64
DISTINCT_CHARS = 12
REPEATS = 8
"""64 characters that stand eight times in the last 6,000 are a loop: of up to 750 characters, some 190 tokens."""


def repeats_itself(tail: str) -> bool:
    """Return whether reasoning has degenerated into saying the same over and over.

    The known failure of reasoners: one sentence, or a few, for pages. Its last words then stand many times in
    its last page. Rules and white space may repeat, so the words must have letters of some variety.
    """
    probe = tail[-PROBE_CHARS:]
    return len(set(probe)) >= DISTINCT_CHARS and tail.count(probe) >= REPEATS
