"""The frontier as a picture: one panel per band of difficulty, tokens to the right, accuracy upwards."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import colormaps
from matplotlib.figure import Figure as Canvas

if TYPE_CHECKING:
    from loadtest.frontier import Figure

_DPI = 80
_INCHES = (13.0, 4.2)
_MARKERS = "os^Dv<>pP*Xd"
_TICKS = (20, 50, 100, 200, 500, 1000)


def draw(figures: Sequence["Figure"], bands: Sequence[str], file: Path) -> None:
    """Write the picture as PNG; bars are standard errors, the line joins what nothing cheaper beats."""
    canvas = Canvas(figsize=_INCHES, dpi=_DPI, layout="constrained")
    panels = canvas.subplots(1, len(bands), sharex=True, sharey=True, squeeze=False)[0]
    arms = list(dict.fromkeys(figure.arm for figure in figures))
    for panel, band in zip(panels, bands, strict=True):
        own = sorted((f for f in figures if f.band == band), key=lambda f: f.tokens)
        best: list[Figure] = []
        for figure in own:
            if not best or figure.accuracy > best[-1].accuracy:
                best.append(figure)
            place = arms.index(figure.arm)
            panel.errorbar(
                figure.tokens,
                figure.accuracy,
                yerr=figure.error,
                fmt=_MARKERS[place % len(_MARKERS)],
                color=colormaps["tab20"](place % 20),
                label=figure.arm,
                capsize=2,
                markersize=6,
            )
        panel.plot([f.tokens for f in best], [f.accuracy for f in best], color="0.7", zorder=0)
        panel.set_xscale("log")
        panel.set_xticks(_TICKS, [f"{tick:,}" for tick in _TICKS], minor=False)
        panel.set_xticks([], minor=True)
        panel.set_title(f"{band} (n = {own[0].n})" if own else band)
        panel.set_xlabel("completion tokens per question")
        panel.grid(visible=True, alpha=0.3)
    panels[0].set_ylabel("accuracy")
    handles, labels = panels[0].get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: arms.index(labels[i]))
    canvas.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="outside right center",
        fontsize=8,
    )
    canvas.savefig(file)
