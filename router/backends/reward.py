"""A reward model behind HTTP: ``POST /score`` with a question and candidates, scores in [0, 1] back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from router.errors import UpstreamError

from .direct import Connections, translate
from .refusals import refusal


@dataclass(frozen=True, slots=True)
class RewardEndpoint:
    """Where one reward model is served.

    Attributes:
        name: Its ``model_name``.
        url: Where scores are asked for.
        connections: The process's client session.
        headers: Sent with every request.
    """

    name: str
    url: str
    connections: Connections
    headers: Mapping[str, str]

    async def score(
        self, prompt: str, candidates: Sequence[str], timeout_s: float, *, steps: bool = False
    ) -> list[float | None]:
        """Return one score in [0, 1] per candidate, ``None`` where the endpoint has none.

        Args:
            prompt: The question.
            candidates: Answers, or beginnings of answers.
            timeout_s: Seconds for all of them together.
            steps: They are beginnings.

        Raises:
            ApiError: If the endpoint cannot be reached or answers something else.
        """
        body = {"prompt": prompt, "candidates": list(candidates), "steps": steps}
        try:
            async with self.connections.session().post(
                self.url,
                data=orjson.dumps(body),
                headers={"content-type": "application/json", **self.headers},
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                allow_redirects=False,
            ) as response:
                raw = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise translate(self.name, error, timeout_s) from error
        if response.status != 200:
            raise refusal(self.name, response.status, raw, response.headers)
        return self._read(raw, len(candidates))

    def _read(self, raw: bytes, count: int) -> list[float | None]:
        try:
            told = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise UpstreamError(f"{self.name}: the scores are not JSON") from error
        rows: Any = told.get("scores", told.get("data")) if isinstance(told, dict) else told
        if not isinstance(rows, list) or len(rows) != count:
            raise UpstreamError(f"{self.name}: expected a list of {count} scores")
        return [_score(row) for row in rows]


def _score(row: Any) -> float | None:
    value = row.get("score") if isinstance(row, dict) else row
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return min(max(float(value), 0.0), 1.0)


def score_url(api_base: str) -> str:
    """Return where an entry's ``api_base`` serves scores: ``/score`` at its root."""
    base = api_base.rstrip("/")
    return base if base.endswith("/score") else base.removesuffix("/v1") + "/score"
