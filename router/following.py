"""Follows one answer over all the streams that bring it: what is thought, and what is said. Pure.

A guard watches one stream and forgets the text as it passes. What must be known of an answer as a whole is kept here.
"""

from dataclasses import dataclass, field

from router.convergence import Statements
from router.lengthening import Lengthening

LAST_BYTES = 4000
"""Visible text kept to be compared with what the reasoning stated."""


@dataclass(slots=True)
class Following:
    """What is known of one answer.

    Attributes:
        longer: Whether its reasoning must go on where it ends; ``None`` where it cannot.
        stated: The answers that its reasoning has stated.
        last: The last of its visible text, if there is something to compare it with.
    """

    longer: Lengthening | None = None
    stated: Statements = field(default_factory=Statements)
    last: bytearray = field(default_factory=bytearray)

    def thinks(self, text: str) -> None:
        """Take the next piece of the reasoning, word for word."""
        if self.longer is not None:
            self.longer.text.append(text)

    def ends(self, news: str, tokens: int) -> bool:
        """Take the end of a part of the reasoning; return whether it is to go on.

        Args:
            news: What it has said since it was last looked at.
            tokens: The part's length.
        """
        self.stated.feed(news)
        self.stated.end()
        return self.longer is not None and self.longer.goes_on(tokens, self.stated.last)

    def says(self, text: bytes) -> None:
        """Take the next piece of the visible text."""
        if self.stated.first:
            self.last += text
            if len(self.last) > 2 * LAST_BYTES:
                del self.last[:-LAST_BYTES]

    def efficiency(self, reasoning: int, completion: int) -> float | None:
        """Return the answer's outcome efficiency, given what it cost; see ``Statements``."""
        return self.stated.efficiency(self.last.decode(errors="replace"), reasoning, completion)
