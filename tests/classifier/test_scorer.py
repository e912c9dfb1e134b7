"""The shipped artefact: easy is easy in every language, odd input is scored, mismatches are refused."""

import json
import math
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.features import schema
from classifier.scorer import ARTIFACT, Scorer
from classifier.types import ArtifactError, Ask

EASY = [
    "What is the capital of France?",
    "2+3",
    "Hello!",
    "Translate 'good morning' to Spanish.",
    "Write a short poem about autumn.",
    "法国的首都是哪里？",
    "你好",
    "把“早上好”翻译成英文",
    "¿Cuál es la capital de Francia?",
    "Hola, ¿cómo estás?",
    "Quelle est la capitale de la France ?",
    "Écris une lettre à mon ami",
    "Was ist die Hauptstadt von Frankreich?",
    "Wie wird das Wetter morgen?",
    "Какая столица Франции?",
    "Напиши письмо другу",
    "フランスの首都はどこですか？",
    "今日の天気はどうですか？",
    "ما هي عاصمة فرنسا؟",
    "फ्रांस की राजधानी क्या है?",
    "Qual é a capital da França?",
    "Qual è la capitale della Francia?",
    "프랑스의 수도는 어디인가요?",
]
OLYMPIAD_ENGLISH = [
    "Let $a,b,c$ be positive integers such that $a^2+b^2+c^2$ is divisible by $2(ab+bc+ca)-1$. "
    "Prove that $c$ cannot be a prime number greater than $7$.",
    r"Find all functions $f:\mathbb{R}\to\mathbb{R}$ such that $f(x+f(y))=f(x)+y^2f(y)$ for all "
    "real $x,y$.",
    "Determine the largest integer $n$ for which there is a set of $n$ points in the plane such that "
    "every triangle formed by three of them has an angle greater than $110$ degrees.",
    r"Let $p$ be an odd prime. Find the number of subsets $A$ of $\{1,2,\dots,2p\}$ such that $A$ has "
    r"exactly $p$ elements and the sum of the squares of its elements is divisible by $p$.",
]
OLYMPIAD_CHINESE = [
    r"设 $a_1,a_2,\dots,a_n$ 为正整数，且对任意 $k$ 有 $a_{k+1}$ 整除 $a_k^2+1$。"
    "证明：存在无穷多个素数整除该数列的某一项。",
    r"求所有函数 $f:\mathbb{Z}\to\mathbb{Z}$，使得对任意整数 $x,y$ 有 $f(x+f(y))=f(x)f(y)+xy$。",
    r"设 $p$ 为奇素数，求集合 $\{1,2,\dots,2p\}$ 的子集 $A$ 的个数，使得 $A$ 恰有 $p$ 个元素，"
    r"且所有元素的平方和能被 $p$ 整除。",
    r"设 $x_1,\dots,x_n$ 为正实数且 $x_1+\cdots+x_n=1$，求 $\sum_{i=1}^n \frac{x_i}{1+x_i^2}$ "
    "的最大值，并求使最大值取到的所有 $n$。",
]
ODD = ["", "\x00", "\ud800", "🤯" * 300, "a" * 1_000_000, "漢字" * 2_000, " \n"]


def test_every_easy_ask_is_easier_than_every_olympiad_problem(shipped: Scorer) -> None:
    easy = {text: shipped.score(Ask(text)).difficulty for text in EASY}
    hard = {t: shipped.score(Ask(t)).difficulty for t in OLYMPIAD_ENGLISH + OLYMPIAD_CHINESE}
    assert max(easy.values()) < 0.2, max(easy, key=lambda text: easy[text])
    assert min(hard.values()) > max(easy.values()) + 0.1, min(hard, key=lambda text: hard[text])


def test_length_alone_makes_no_ask_hard(shipped: Scorer) -> None:
    text = "The harbour was quiet that morning and the boats lay still along the pier. " * 15
    for ask in ("Summarise the following text in two sentences.", "Translate this into French:"):
        assert shipped.score(Ask(f"{ask}\n\n{text}")).difficulty < 0.4


def test_hard_problems_gain_from_reasoning_and_easy_asks_do_not(shipped: Scorer) -> None:
    def uplift(text: str) -> float:
        solve = shipped.score(Ask(text)).p_solve
        return solve["long"] - solve["short"]

    assert statistics.mean(map(uplift, EASY)) < 0.06
    assert statistics.mean(map(uplift, OLYMPIAD_ENGLISH)) > 0.2


def test_hard_problems_are_predicted_to_think_longer(shipped: Scorer) -> None:
    easy = statistics.median(shipped.score(Ask(text)).thinking_p50 for text in EASY)
    hard = statistics.median(shipped.score(Ask(text)).thinking_p50 for text in OLYMPIAD_ENGLISH)
    assert easy < 800
    assert hard > 2_000


@pytest.mark.parametrize("text", ODD, ids=[repr(text[:5]) for text in ODD])
def test_odd_texts_are_scored(shipped: Scorer, text: str) -> None:
    score = shipped.score(Ask(text))
    assert 0 <= score.difficulty <= 1
    assert sum(score.domain.values()) == pytest.approx(1, abs=1e-4)
    assert 0 < score.thinking_p50 <= score.thinking_p90
    assert score.difficulty == pytest.approx(1 - score.p_solve["short"])


def test_a_batch_is_scored_like_its_asks_one_by_one(shipped: Scorer) -> None:
    asks = [Ask(text, n_turns=turn % 4 + 1) for turn, text in enumerate((EASY + ODD) * 4)]
    for single, batched in zip(map(shipped.score, asks), shipped.score_batch(asks), strict=True):
        assert math.isclose(single.difficulty, batched.difficulty, abs_tol=1e-5)
        assert single.language == batched.language
    assert shipped.score_batch([]) == []


def test_the_score_names_the_artefact(shipped: Scorer) -> None:
    card = json.loads((ARTIFACT.parent / "model_card.json").read_text())
    assert shipped.version == f"{card['version']}-{card['sha256'][:8]}"
    assert shipped.score(Ask("Hi")).classifier == shipped.version
    assert shipped.provider == "CPUExecutionProvider"


def test_the_shipped_card_keeps_what_was_reached() -> None:
    card = json.loads((ARTIFACT.parent / "model_card.json").read_text())
    metrics = card["metrics"]
    assert max(rung["ece"] for rung in metrics["rungs"].values()) <= 0.032
    assert min(metrics["kept_under_mutation"].values()) >= 0.9
    assert min(metrics["kept_across_languages"].values()) >= 0.85
    assert card["recipe"]["licences"] == "all"


def _copied(folder: Path, **changes: object) -> Path:
    artifact = Path(shutil.copy(ARTIFACT, folder))
    card = json.loads((ARTIFACT.parent / "model_card.json").read_text())
    (folder / "model_card.json").write_text(json.dumps(card | changes))
    return artifact


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "sha256"),
        ({"feature_schema": "other"}, f"computes {schema()}"),
        ({"rungs": ["short", "long"]}, "rungs"),
    ],
    ids=["hash", "features", "labels"],
)
def test_a_card_of_another_artefact_is_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ArtifactError, match=message):
        Scorer.load(_copied(tmp_path, **changes))


def test_a_changed_artefact_is_refused(tmp_path: Path) -> None:
    artifact = _copied(tmp_path)
    artifact.write_bytes(artifact.read_bytes()[:-1] + b"\x00")
    with pytest.raises(ArtifactError, match="sha256"):
        Scorer.load(artifact)


def test_a_missing_artefact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        Scorer.load(tmp_path / "none.onnx")


def test_importing_the_package_loads_no_runtime_and_serving_loads_no_training() -> None:
    code = (
        "import sys, classifier, classifier.types, classifier.features, classifier.calibration;"
        "assert 'onnxruntime' not in sys.modules;"
        "import classifier.scorer as s; s.Scorer.load();"
        "assert not {'sklearn', 'scipy', 'onnx', 'classifier.training'} & set(sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def test_an_explanation_names_what_made_a_problem_hard(shipped: Scorer) -> None:
    found = shipped.explain(Ask(OLYMPIAD_ENGLISH[0], n_turns=4))
    assert found[0][0] == "turns, tools and images"
    effects = [abs(effect) for _, effect in found[1:]]
    assert effects == sorted(effects, reverse=True)
    assert sum(effect for _, effect in found) > 0.3
    assert all(name and not name.startswith("n_") for name, _ in found)
