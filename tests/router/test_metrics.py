import re

from hypothesis import given
from hypothesis import strategies as st

from router.metrics import MOST_SERIES, Counter, Histogram

SAMPLE = re.compile(
    r'(?P<name>[a-z_]+)(?:\{(?P<labels>(?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\})? (?P<value>\S+)'
)


def value_of(line: str) -> str:
    found = SAMPLE.fullmatch(line)
    assert found, line
    return found["value"]


@given(st.dictionaries(st.text(), st.floats(0, 1e12), max_size=5))
def test_every_line_is_a_sample_whatever_the_label(sums: dict[str, float]) -> None:
    counter = Counter("seen_total", "Back\\slash and\nline.", ("kind",))
    for label, value in sums.items():
        counter.add(value, label)
        counter.add(1, label)
    head, kind, *samples = counter.lines()
    assert head == "# HELP seen_total Back\\\\slash and\\nline."
    assert kind == "# TYPE seen_total counter"
    assert sorted(float(value_of(line)) for line in samples) == sorted(v + 1 for v in sums.values())


def test_a_label_is_escaped_as_the_format_says() -> None:
    counter = Counter("seen_total", "Seen.", ("kind",))
    counter.add(2, 'a"b\\c\nd')
    assert list(counter.lines())[-1] == 'seen_total{kind="a\\"b\\\\c\\nd"} 2'


def test_labels_without_end_are_counted_together() -> None:
    counter = Counter("seen_total", "Seen.", ("a", "b"))
    for i in range(MOST_SERIES + 50):
        counter.add(1, str(i), "x")
    assert counter.get("other", "other") == 50
    assert len(list(counter.lines())) == 2 + MOST_SERIES + 1


@given(st.lists(st.floats(0, 100), min_size=1))
def test_buckets_are_cumulative_and_inclusive(values: list[float]) -> None:
    bounds = (0, 1, 10)
    histogram = Histogram("took_seconds", "Took.", "kind", bounds)
    for value in values:
        histogram.observe(value, "x")
    *buckets, total, count = [float(value_of(line)) for line in list(histogram.lines())[2:]]
    assert buckets == [sum(v <= bound for v in values) for bound in (*bounds, float("inf"))]
    assert count == len(values) == buckets[-1]
    assert abs(total - sum(values)) <= 1e-9 * max(1.0, sum(values))
