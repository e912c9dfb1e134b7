"""Writes what a live evaluation found: `report.json`, `report.md` and, with matplotlib, `pareto.png`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import orjson

from loadtest.live_figures import Figures, Floats, Interval, random_at
from loadtest.records import TIERS

ORACLE = "oracle"

CAVEAT = (
    "Answers and grades are recordings. Tokens of hidden reasoning and all prices are declared, so tokens and dollars are a "
    "simulation of real models, not a measurement (docs/simulator.md)."
)


@dataclass(frozen=True, slots=True)
class Report:
    """A live evaluation.

    Attributes:
        n: Questions.
        requests: Sent, over all policies and dials.
        failed: ... of which no answer came.
        recorded_texts: ... of which the very text was recorded; the others are graded by their tier's answer.
        policies: Through the proxy.
        baselines: Without it: always one tier, and the oracle.
        warnings: What makes the numbers doubtful.
    """

    n: int
    requests: int
    failed: int
    recorded_texts: int
    policies: Sequence[Figures]
    baselines: Sequence[Figures]
    warnings: Sequence[str] = ()


def write_report(report: Report, folder: Path) -> list[str]:
    """Write everything into a folder, which is made; return the names of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_bytes(orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2))
    plotted = write_plot(report, folder / "pareto.png")
    text = _markdown(report, plot="pareto.png" if plotted else "")
    (folder / "report.md").write_text(text, encoding="utf-8")
    return ["report.json", "report.md", *(["pareto.png"] if plotted else [])]


def table(report: Report) -> list[str]:
    """Return the table as lines of Markdown."""
    head = f"| routing | {'/'.join(TIERS)} | accuracy | tokens | USD per 1,000 | random at equal cost | gain over it |"
    rows = [head, "|---|---|--:|--:|--:|--:|--:|"]
    for figures in (*report.policies, *report.baselines):
        mark = "**" if figures.policy and figures.undominated else ""
        is_mix = figures.policy or figures.name == ORACLE
        rows.append(
            f"| {mark}{figures.name}{mark} "
            f"| {'/'.join(f'{100 * figures.shares[tier]:.0f}' for tier in TIERS)} % "
            f"| {_shown(figures.accuracy, 100, 1)} % "
            f"| {figures.tokens.mean:,.0f} "
            f"| {_shown(figures.usd, 1000, 2)} "
            f"| {f'{100 * figures.random:.1f} %' if is_mix else ''} "
            f"| {_shown(figures.gain, 100, 1, sign='+') if is_mix else ''} |"
        )
    return rows


def write_plot(report: Report, file: Path) -> bool:
    """Plot accuracy against dollars; return whether matplotlib was there to do it."""
    if find_spec("matplotlib") is None:
        return False
    import_module("matplotlib").use("Agg")
    pyplot = import_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    lines: dict[str, list[Figures]] = defaultdict(list)
    for each in report.policies:
        lines[each.policy].append(each)
    for policy, points in lines.items():
        axes.errorbar(
            [1000 * point.usd.mean for point in points],
            [100 * point.accuracy.mean for point in points],
            yerr=[
                [100 * (point.accuracy.mean - point.accuracy.low) for point in points],
                [100 * (point.accuracy.high - point.accuracy.mean) for point in points],
            ],
            marker="o", markersize=4, elinewidth=0.4, linewidth=1.2, label=policy,
        )  # fmt: skip
    axes.plot(*_chance(report), "k--", linewidth=0.8, label="random, best mix")
    for each in report.baselines:
        at = 1000 * each.usd.mean, 100 * each.accuracy.mean
        axes.plot(*at, "k*" if each.name == ORACLE else "ks", markersize=6)
        axes.annotate(each.name, at, xytext=(6, -11), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    axes.set_xlabel("USD per 1,000 questions (declared prices)")
    axes.set_ylabel("right answers, %")
    axes.set_title(f"{report.n} recorded questions through the proxy")
    axes.legend(fontsize=8, loc="lower right")
    axes.grid(alpha=0.25)
    figure.savefig(file, dpi=100)
    pyplot.close(figure)
    return True


def _chance(report: Report) -> tuple[Floats, Floats]:
    """Return what a random mix reaches, from the cheapest tier's dollars to the dearest's, in the plot's units."""
    fixed = [each for each in report.baselines if each.name != ORACLE]
    usd, right = (
        np.array([[getattr(each, name).mean for each in fixed]]) for name in ("usd", "accuracy")
    )
    grid = np.geomspace(usd.min(), usd.max(), 200)
    mixed = random_at(grid, np.repeat(usd, len(grid), 0), np.repeat(right, len(grid), 0))
    return 1000 * grid, 100 * mixed


def _markdown(report: Report, plot: str) -> str:
    lines = [
        "# Routing through the proxy",
        "",
        f"{report.n} recorded questions, {report.requests} requests; {report.failed} failed and count as wrong. "
        f"{report.recorded_texts} answers are recorded texts, graded as recorded.",
        CAVEAT,
        "",
        *(f"**Doubtful**: {warning}" for warning in report.warnings),
        *([""] if report.warnings else []),
        *table(report),
        "",
        "In brackets: 95 % bootstrap intervals over the questions. Bold: no other row of the proxy is as good and cheaper, or "
        "as cheap and better. Random at equal cost: the best mix of fixed tiers, dealt out by chance, for the same money.",
        *(["", f"![Accuracy against dollars]({plot})"] if plot else []),
        "",
    ]
    return "\n".join(lines)


def _shown(interval: Interval, unit: float, digits: int, sign: str = "") -> str:
    low, high = unit * interval.low, unit * interval.high
    return (
        f"{unit * interval.mean:{sign}.{digits}f} [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"
    )
