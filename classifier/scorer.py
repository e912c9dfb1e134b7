"""Scores asks with the trained artefact on ONNX Runtime. Knows nothing of models, prices and tiers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from classifier.calibration import context_shift, sigmoid
from classifier.explain import Typical, effects
from classifier.features import FEATURE_NAMES, Features, featurise, schema
from classifier.types import RUNGS, ArtifactError, Ask, Difficulty

ARTIFACT = Path(__file__).parent / "artifacts" / "difficulty.onnx"
"""The artefact that is shipped; its card lies beside it."""

CARD_NAME = "model_card.json"

BATCH = 64
"""Asks per session run; texts are sorted by size first, so that padding stays small."""

_OUTPUTS = ("logits", "log_tokens", "domain")
_EVERY_SCRIPT = "Warm up, докажите, 证明: 1.5"
_QUIET = 3  # ONNX Runtime: errors only, so a missing CUDA library prints nothing


@dataclass(frozen=True, slots=True)
class Card:
    """What the artefact's card says; the parts serving needs.

    Attributes:
        version: Release of the artefact, for example ``2026.11``.
        sha256: Hash of the artefact file.
        domains: Names of the domain outputs, in order.
        typical: Mean dense features of the training texts; explanations compare with it.
    """

    version: str
    sha256: str
    domains: tuple[str, ...]
    typical: tuple[float, ...]


class Scorer:
    """A loaded artefact. One per process is enough; scoring is thread-safe."""

    def __init__(self, session: onnxruntime.InferenceSession, card: Card) -> None:
        self._session = session
        self._domains = card.domains
        self._typical = Typical(np.array(card.typical, np.float32))
        self.version = f"{card.version}-{card.sha256[:8]}"
        self.provider: str = session.get_providers()[0]

    @classmethod
    def load(cls, path: Path | None = None, providers: Sequence[str] | None = None) -> "Scorer":
        """Return a scorer for an artefact whose card lies in the same directory.

        Args:
            path: The ONNX file; default is the one shipped.
            providers: ONNX Runtime providers in order of preference; default is CUDA where this
                build has it and it works, else the CPU.

        Raises:
            ArtifactError: If artefact or card is missing, or hash, features or labels differ.
        """
        path = path or ARTIFACT
        card = read_card(path)
        wanted = list(providers) if providers is not None else _default_providers()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = _QUIET
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=wanted)
        except (RuntimeError, ValueError) as error:
            raise ArtifactError(f"{path}: ONNX Runtime cannot load it: {error}") from error
        scorer = cls(session, card)
        # The tables of all scripts are built now, not while the first request waits.
        scorer.score(Ask(_EVERY_SCRIPT))
        return scorer

    def score(self, ask: Ask) -> Difficulty:
        """Return the difficulty of one ask; any text can be scored."""
        features = featurise(ask.text)
        grams = features.grams[None, :] if features.grams.size else np.zeros((1, 1), np.int64)
        feed = {"dense": features.dense[None, :], "grams": grams}
        outputs = self._session.run(_OUTPUTS, feed)
        logits, tokens, domain = (output[0].tolist() for output in outputs)
        return self._difficulty(ask, features, logits, tokens, domain)

    def score_batch(self, asks: Sequence[Ask]) -> list[Difficulty]:
        """Return the difficulties in the order of the asks; equal to scoring them one by one."""
        features = [featurise(ask.text) for ask in asks]
        order = sorted(range(len(asks)), key=lambda row: features[row].grams.size)
        scored: dict[int, Difficulty] = {}
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            dense = np.stack([features[row].dense for row in rows])
            feed = {"dense": dense, "grams": padded([features[row].grams for row in rows])}
            outputs = [output.tolist() for output in self._session.run(_OUTPUTS, feed)]
            for row, logits, tokens, domain in zip(rows, *outputs, strict=True):
                scored[row] = self._difficulty(asks[row], features[row], logits, tokens, domain)
        return [scored[row] for row in range(len(asks))]

    def explain(self, ask: Ask) -> list[tuple[str, float]]:
        """Return (feature in words, effect on the difficulty logit), strongest first.

        Positive effects make the ask harder. Takes about a millisecond; not for the hot path.
        """

        def harder(dense: NDArray[np.float32], grams: NDArray[np.int64]) -> NDArray[np.float64]:
            logits = self._session.run(["logits"], {"dense": dense, "grams": grams})[0]
            return np.asarray(-logits[:, 0], np.float64)

        found = effects(featurise(ask.text), self._typical, harder)
        shift = context_shift(ask)
        return [("turns, tools and images", -shift), *found] if shift else found

    def _difficulty(
        self,
        ask: Ask,
        features: Features,
        logits: list[float],
        log_tokens: list[float],
        domain: list[float],
    ) -> Difficulty:
        shift = context_shift(ask)
        short, distilled, long = [sigmoid(logit + shift) for logit in logits]
        p50, p90 = [round(exp(value)) for value in log_tokens]
        return Difficulty(
            difficulty=1.0 - short,
            p_solve=dict(zip(RUNGS, (short, distilled, long), strict=True)),
            thinking_p50=p50,
            thinking_p90=max(p50, p90),
            domain=dict(zip(self._domains, domain, strict=True)),
            language=features.language,
            truncated=features.truncated,
            classifier=self.version,
        )


def padded(grams: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the n-gram rows of several texts as one array, filled up with row 0.

    Shape ``(len(grams), longest)``, at least one column.
    """
    width = max(1, max(map(len, grams), default=1))
    rows = np.zeros((len(grams), width), np.int64)
    for row, present in enumerate(grams):
        rows[row, : present.size] = present
    return rows


def read_card(path: Path) -> Card:
    """Return the card of an artefact after checking that both belong together.

    Raises:
        ArtifactError: If a file is missing or broken, the artefact's hash is not the card's, or it
            was trained for other features or labels than this code computes.
    """
    card_path = path.parent / CARD_NAME
    try:
        found = sha256(path.read_bytes()).hexdigest()
        card: dict[str, Any] = json.loads(card_path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ArtifactError(
            f"{path}: artefact or its {CARD_NAME} cannot be read: {error}"
        ) from error
    if card.get("sha256") != found:
        raise ArtifactError(
            f"{path}: sha256 is {found[:12]}..., the card says {str(card.get('sha256'))[:12]}...; "
            "restore the pair or train again"
        )
    if card.get("feature_schema") != schema():
        raise ArtifactError(
            f"{path}: trained for feature schema {card.get('feature_schema')}, this code computes "
            f"{schema()}; train again"
        )
    if len(card.get("typical") or ()) != len(FEATURE_NAMES):
        raise ArtifactError(f"{path}: the card holds no typical features; train again")
    if card.get("rungs") != list(RUNGS) or not card.get("domains"):
        raise ArtifactError(
            f"{path}: trained for rungs {card.get('rungs')}, this code serves {list(RUNGS)}; train again"
        )
    return Card(str(card.get("version")), found, tuple(card["domains"]), tuple(card["typical"]))


def _default_providers() -> list[str]:
    """Return CUDA before the CPU where this build of ONNX Runtime has it.

    ONNX Runtime itself falls back to the CPU when the libraries of CUDA are missing.
    """
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    available = onnxruntime.get_available_providers()
    return [name for name in wanted if name in available]
