"""The command on small files of its own: what a few dozen outcomes move, and what stays as it was."""

import json
import random
from pathlib import Path

import pytest
import yaml

from classifier.calibration import fit_ability_shift, logit, sigmoid
from router.calibrate_write import CannotWriteError, with_values
from router.cli import main

CONFIG = """\
# what we run
model_list:
  - {model_name: small, litellm_params: {model: openai/our-small, api_key: k}, price: {output: 0.6}}
  - {model_name: big, litellm_params: {model: openai/our-big, api_key: k}, price: {output: 12}}
tiers:
  - name: short         # the cheap one
    rung: short
    models: [small]
    thinking: off
  - {name: long, rung: long, models: [big], thinking: on}
routing: {policy: utility, dial: 0.5}   # half
"""

HARD = (
    "Prove that the sum of the first {n} odd numbers is a perfect square and find all n below {m}."
)
EASY = "What is the capital of country number {n}? Answer in {m} words."


def written(folder: Path, *, n: int, p_small: float, p_big: float) -> list[str]:
    """Write a configuration and ``n`` answers of each model; return the arguments of the command."""
    rng = random.Random(0)
    questions, outcomes = [], []
    for i in range(n):
        text = (HARD if i % 2 else EASY).format(n=rng.randrange(100), m=rng.randrange(100))
        questions.append({"id": f"q{i}", "prompt": text, "split": "dev"})
        for model, rung, p in (("our-small", "short", p_small), ("our-big", "long", p_big)):
            right = (i * 7919 % n) / n < p  # that share exactly
            outcomes.append({"id": f"q{i}", "model": model, "tier": rung, "correct": int(right)})
    for name, rows in (("q", questions), ("o", outcomes)):
        lines = "\n".join(json.dumps(row) for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "c.yaml").write_text(CONFIG, encoding="utf-8")
    return [
        "calibrate", "--questions", str(folder / "q.jsonl"),
        "--outcomes", str(folder / "o.jsonl"), "--config", str(folder / "c.yaml"),
    ]  # fmt: skip


def run(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_it_writes_what_it_fits_and_keeps_the_comments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(written(tmp_path, n=48, p_small=0.3, p_big=0.95)) == 0
    text = (tmp_path / "c.yaml").read_text(encoding="utf-8")
    for comment in ("# what we run", "# the cheap one", "# half"):
        assert comment in text
    after, before = yaml.safe_load(text), yaml.safe_load(CONFIG)
    short, long = (tier.pop("ability") for tier in after["tiers"])
    assert short < -0.5 < long
    assert 0 < after["routing"].pop("dial") < before["routing"].pop("dial"), (
        "the cheapest that does"
    )
    assert after == before
    shown = capsys.readouterr().out
    assert "48 outcomes" in shown
    assert "the best single tier has 0.9" in shown


def test_print_leaves_the_file_alone_and_reports_a_dominated_tier(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*written(tmp_path, n=48, p_small=0.9, p_big=0.8), "--print"]) == 0
    assert (tmp_path / "c.yaml").read_text(encoding="utf-8") == CONFIG
    said = capsys.readouterr()
    assert "dial         0 " in said.out
    assert 'tier "long" is dominated' in said.err
    assert 'tier "long" is unreachable' in said.err


def test_a_promise_that_the_data_does_not_support_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = written(tmp_path, n=48, p_small=0.9, p_big=0.9)
    config = CONFIG.replace("policy: utility", "policy: guaranteed")
    (tmp_path / "c.yaml").write_text(config, encoding="utf-8")
    assert run(arguments) == 1
    assert "48 outcomes do not show a loss of at most 1 % at 95 %" in capsys.readouterr().err


def test_shares_become_boundaries_on_the_users_own_questions(tmp_path: Path) -> None:
    arguments = written(tmp_path, n=48, p_small=0.5, p_big=0.9)
    config = CONFIG.replace("policy: utility", "policy: threshold, shares: {long: 0.5}")
    (tmp_path / "c.yaml").write_text(config, encoding="utf-8")
    assert run(arguments) == 0
    after = yaml.safe_load((tmp_path / "c.yaml").read_text(encoding="utf-8"))
    (cut,) = after["routing"]["boundaries"]
    assert 0.05 < cut < 0.5, "between the easy half and the hard one"


def test_bad_arguments_end_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = written(tmp_path, n=4, p_small=0.5, p_big=0.9)
    assert run([*arguments, "--keep", "1.5"]) == 2
    (tmp_path / "o.jsonl").write_text("{}", encoding="utf-8")
    assert run(arguments) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "--keep" in said[0]
    assert "compare the ids" in said[1]


def test_a_few_dozen_outcomes_are_enough_to_move() -> None:
    """Learning curve: the error of predictions that are off by 1.2 logits, against the outcomes seen."""
    rng, truth = random.Random(1), 1.2
    errors = {}
    for n in (0, 6, 24, 96, 384):
        gaps = []
        for _ in range(60):
            seen = [rng.uniform(0.1, 0.9) for _ in range(n)]
            right = [float(rng.random() < sigmoid(logit(p) + truth)) for p in seen]
            gaps.append(abs(fit_ability_shift(seen, right)[0] - truth))
        errors[n] = sum(gaps) / len(gaps)
    assert errors[0] == pytest.approx(truth)
    assert list(errors.values()) == sorted(errors.values(), reverse=True)
    assert errors[24] < 0.5 * truth
    assert errors[96] < 0.25 * truth


@pytest.mark.parametrize(
    ("text", "values", "changed"),
    [
        ("a: 1 # one\nb: 2\n", {("a",): 3}, "a: 3 # one\nb: 2\n"),
        ("a: {x: 1, y: 2}\n", {("a", "z"): 0.5}, "a: {x: 1, z: 0.5, y: 2}\n"),
        ("a:\n  - x: 1\n    y: 2\n", {("a", 0, "z"): 3}, "a:\n  - x: 1\n    z: 3\n    y: 2\n"),
        ("b: 1\n", {("r", "dial"): 0.5}, "r: {dial: 0.5}\nb: 1\n"),
        ("r: {}\n", {("r", "dial"): 0.5}, "r: {dial: 0.5}\n"),
        ("r: {g: {x: 1}}\n", {("r", "c"): [0.1, 0.2]}, "r: {c: [0.1, 0.2], g: {x: 1}}\n"),
    ],
)
def test_a_value_is_put_in_its_place(
    text: str, values: dict[tuple[str | int, ...], object], changed: str
) -> None:
    assert with_values(text, values) == changed


def test_a_text_that_says_one_thing_twice_is_refused() -> None:
    with pytest.raises(CannotWriteError, match="cannot be changed in place"):
        with_values("a: &x {n: 1}\nb: *x\n", {("a", "n"): 2})
