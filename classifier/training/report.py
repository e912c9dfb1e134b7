"""Writes an evaluation for people: one page of Markdown, and plots where matplotlib is installed."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Report = dict[str, Any]


def write_report(report: Report, folder: Path) -> None:
    """Write ``report.md``."""
    control = report["shuffled_control"]
    low, high = control["ci95"]
    passed = low is not None and low > 0
    lines = [
        f"# Routing between {report['weak']} and {report['strong']}",
        "",
        f"On {report['n']} recorded questions the weak model is right in {_percent(report['weak_accuracy'])}, "
        f"the strong one in {_percent(report['strong_accuracy'])}.",
        "",
        f"* **{_percent(report['cpt50'])}** of the calls must go to the strong model to gain half of the "
        f"difference, **{_percent(report['cpt80'])}** to gain four fifths.",
        f"* Average gap recovered (APGR): **{report['apgr']}**; random is 0.5, knowing every answer "
        f"beforehand {report['oracle_apgr']}. Questions are ranked by `{report['ranked_by']}`.",
        f"* Against the same share of strong calls at random: {control['delta']} better, 95 % interval "
        f"{low} to {high}. Release gate: **{'passed' if passed else 'FAILED'}** (the interval must be above 0).",
        f"* The score finds questions the weak model gets wrong with AUC {report['auc_weak_wrong']}, and "
        f"those worth the strong model with AUC {report['auc_uplift']}.",
        f"* Calibration error (ECE) per rung: {report['ece']}.",
        "",
        *(f"> {said}" for said in report["assumptions"]),
        "",
        "## Beside simpler ways",
        "Rankings of the same questions; 0.5 is random.",
        "",
        "| ranking | APGR | AUC weak wrong | |",
        "|---|---|---|---|",
        *(
            f"| {name} | {row.get('apgr')} | {row.get('auc_weak_wrong')} | {row.get('note', '')} |"
            for name, row in report["rankings"].items()
        ),
        "",
        "| without a router | model | accuracy |",
        "|---|---|---|",
        *(
            f"| {name.replace('_', ' ')} | {row.get('model', row.get('note', ''))} | "
            f"{_percent(row.get('accuracy'))} |"
            for name, row in report["baselines"].items()
        ),
        "",
        "## Accuracy against cost",
        *(f"![{name}]({name})" for name in report["plots"]),
        "",
        "| strong calls | accuracy | tokens per question | USD per question |",
        "|---|---|---|---|",
        *(
            f"| {_percent(p['share_strong'])} | {_percent(p['accuracy'])} | {p['tokens']:.0f} | {p['usd']} |"
            for p in report["frontier"]
        ),
        "",
        *_groups("source", report["by_source"]),
        *_groups("language", report["by_language"]),
    ]
    (folder / "report.md").write_text("\n".join(lines), encoding="utf-8")


def write_plots(report: Report, folder: Path) -> list[str]:
    """Write accuracy against share, tokens and dollars as PNG; return the files' names.

    Empty without matplotlib (extra ``train``): the numbers are in the report either way.
    """
    if find_spec("matplotlib") is None:
        return []
    import_module("matplotlib").use("Agg")
    pyplot = import_module("matplotlib.pyplot")
    points, names = report["frontier"], []
    labels = {
        "share_strong": "share of strong calls",
        "tokens": "completion tokens per question",
        "usd": "USD per question",
    }
    for key, label in labels.items():
        x = [point[key] for point in points]
        if max(x) == min(x):
            continue
        figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
        axes.plot(x, [point["accuracy"] for point in points], marker="o", label="this router")
        ends = [points[0], points[-1]]
        axes.plot([p[key] for p in ends], [p["accuracy"] for p in ends], "--", label="random")
        axes.set_xlabel(label)
        axes.set_ylabel("accuracy")
        axes.set_title(f"{report['weak']} and {report['strong']}")
        axes.legend()
        name = f"accuracy_by_{key}.png"
        figure.savefig(folder / name, dpi=120)
        pyplot.close(figure)
        names.append(name)
    return names


def _groups(kind: str, groups: dict[str, Report]) -> list[str]:
    rows = [
        f"| {name} | {g['n']} | {g['weak_accuracy']} | {g['strong_accuracy']} | {g['apgr']} | "
        f"{g['auc_weak_wrong']} | {g['ece']['short']} |"
        for name, g in groups.items()
    ]
    head = f"| {kind} | n | weak | strong | APGR | AUC weak wrong | ECE short |"
    return [f"## By {kind}", head, "|---|---|---|---|---|---|---|", *rows, ""] if rows else []


def _percent(share: float | None) -> str:
    return "not defined" if share is None else f"{100 * share:.0f} %"
