"""Counters, gauges and histograms in Prometheus' text form. Knows nothing of requests.

Adding is a dictionary update: no lock, because one event loop does all of it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

MOST_SERIES = 500
"""Series of one metric at most. Labels come from fixed sets, so it is never reached; if it were, the rest
would be counted together, under ``other``."""

OTHER = "other"


class Counter:
    """Sums by labels.

    Args:
        name: With its unit and, for what only grows, ``_total``.
        said: The help line.
        labels: Label names.
        kind: ``counter``, or ``gauge`` for a sum that may fall.
    """

    def __init__(self, name: str, said: str, labels: Sequence[str], kind: str = "counter") -> None:
        self.name = name
        self._head = _head(name, said, kind)
        self._labels = tuple(labels)
        self._sums: dict[tuple[str, ...], float] = {}

    def add(self, amount: float, *labels: str) -> None:
        """Add to one series."""
        sums = self._sums
        if labels in sums:
            sums[labels] += amount
        elif len(sums) < MOST_SERIES:
            sums[labels] = amount
        else:
            rest = (OTHER,) * len(labels)
            sums[rest] = sums.get(rest, 0.0) + amount

    def get(self, *labels: str) -> float:
        """Return one series; 0 for one that was never added to."""
        return self._sums.get(labels, 0.0)

    def lines(self) -> Iterator[str]:
        """Yield the exposition."""
        yield from self._head
        for labels, value in sorted(self._sums.items()):
            yield f"{self.name}{_braces(self._labels, labels)} {_number(value)}"


class Histogram:
    """How often values fell into buckets, by one label.

    Args:
        name: With its unit.
        said: The help line.
        label: The label's name.
        bounds: Upper bounds of the buckets, ascending, each inclusive; one without a bound is added.
    """

    def __init__(self, name: str, said: str, label: str, bounds: Sequence[float]) -> None:
        self.name = name
        self._head = _head(name, said, "histogram")
        self._label = label
        self._bounds = tuple(bounds)
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def observe(self, value: float, label: str) -> None:
        """Count one value."""
        counts = self._counts.get(label)
        if counts is None:
            label = label if len(self._counts) < MOST_SERIES else OTHER
            counts = self._counts.setdefault(label, [0] * (len(self._bounds) + 1))
        counts[bisect_left(self._bounds, value)] += 1
        self._sums[label] = self._sums.get(label, 0.0) + value

    def lines(self) -> Iterator[str]:
        """Yield the exposition: buckets are cumulative there."""
        yield from self._head
        names = (self._label, "le")
        for label, counts in sorted(self._counts.items()):
            below = 0
            for bound, count in zip((*self._bounds, float("inf")), counts, strict=True):
                below += count
                yield f"{self.name}_bucket{_braces(names, (label, _number(bound)))} {below}"
            own = _braces(names[:1], (label,))
            yield f"{self.name}_sum{own} {_number(self._sums[label])}"
            yield f"{self.name}_count{own} {below}"


def _head(name: str, said: str, kind: str) -> tuple[str, str]:
    return f"# HELP {name} {_escaped(said)}", f"# TYPE {name} {kind}"


def _braces(names: Sequence[str], values: Sequence[str]) -> str:
    pairs = (
        f'{name}="{_escaped(value).replace(chr(34), chr(92) + chr(34))}"'
        for name, value in zip(names, values, strict=True)
    )
    return "{" + ",".join(pairs) + "}" if names else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(value)
